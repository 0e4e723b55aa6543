// What the commands ask of the server. Each method rejects with HearthError for a refusal.
'use strict';

const { exchange } = require('./exchange');
const { refusal, unexpected } = require('./refusal');

const kAnswerMs = 60_000;
const kUploadMs = 120_000;                   // without a byte moving
const kInvokeMs = 15 * 60_000 + 60_000;      // the longest time-out of a function, a queue and a cold start
const kAllEntries = 1_000_000;               // the server holds fewer (--log-entries)

const pathOf = (id, rest = '') => `/functions/${encodeURIComponent(id)}${rest}`;

class Api {
  constructor(connection) {
    this.connection = connection;
  }

  get endpoint() {
    return this.connection.endpoint;
  }

  async ask(method, path, { body, timeoutMs = kAnswerMs } = {}) {
    const answer = await exchange(this.connection, { method, path, body, timeoutMs });
    if (answer.status >= 300) {
      throw refusal(this.endpoint, answer);
    }
    return answer;
  }

  async askJson(method, path, options) {
    const answer = await this.ask(method, path, options);
    try {
      return JSON.parse(answer.text);
    } catch {
      throw unexpected(this.endpoint, answer);
    }
  }

  async list() {
    const functions = await this.askJson('GET', '/functions');
    if (!Array.isArray(functions)) {
      throw unexpected(this.endpoint, { status: 200 });
    }
    return functions;
  }

  create(fields) {
    return this.askJson('POST', '/functions', { body: JSON.stringify(fields), timeoutMs: kUploadMs });
  }

  // Code, settings or both; calls in flight finish on the version that they began with.
  update(id, fields) {
    return this.askJson('PUT', pathOf(id, '/code'), { body: JSON.stringify(fields), timeoutMs: kUploadMs });
  }

  async remove(id) {
    await this.ask('DELETE', pathOf(id));
  }

  // Whatever the status: a function that fails is an answer.
  invoke(id, body) {
    return exchange(this.connection, { method: 'POST', path: pathOf(id, '/invoke'), body, timeoutMs: kInvokeMs });
  }

  // {"entries", "next"}: what was written by the calls after `after`, oldest first.
  logs(id, { after = 0, requestId = '' } = {}) {
    const call = requestId ? `&requestId=${encodeURIComponent(requestId)}` : '';
    return this.askJson('GET', pathOf(id, `/logs?limit=${kAllEntries}&after=${after}${call}`));
  }

  async metricsText() {
    return (await this.ask('GET', '/metrics')).text;
  }

  invokeUrl(name) {
    return this.endpoint + pathOf(name, '/invoke');
  }
}

module.exports = { Api };
