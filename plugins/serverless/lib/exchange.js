// One HTTP request and its answer, whatever its status. Rejects with HearthError when there is none.
'use strict';

const http = require('node:http');
const https = require('node:https');

const { HearthError } = require('./hearth_error');

// A larger body waits until the server has seen the head and agreed, so that a refusal (no key, too
// large) is read rather than lost behind a broken pipe. A proxy may say nothing: then it is sent.
const kAskFirstBytes = 64 * 1024;
const kAgreementMs = 1_000;

function noAnswer(endpoint, error, timeoutMs) {
  if (error.code === 'HEARTH_TIMEOUT') {
    return new HearthError('HEARTH_TIMEOUT', `${endpoint} did not answer within ${timeoutMs / 1000} s`);
  }
  return new HearthError(
    'HEARTH_UNREACHABLE',
    `no Hearth server answers at ${endpoint} (${error.code || error.message}): start one with "hearth serve", ` +
      'or set provider.endpoint or HEARTH_ENDPOINT to the one that runs');
}

function readText(response, done, failed) {
  const pieces = [];
  response.on('data', (piece) => pieces.push(piece));
  response.on('end', () => done(Buffer.concat(pieces).toString('utf8')));
  response.on('error', failed);
}

function sendBody(request, body) {
  if (!request.getHeader('Expect')) {
    request.end(body);
    return;
  }
  let sent = false;
  const send = () => {
    if (!sent && !request.destroyed && !request.res) {
      sent = true;
      request.end(body);
    }
  };
  const patience = setTimeout(send, kAgreementMs);
  request.on('continue', send);
  request.on('response', () => clearTimeout(patience));
  request.on('close', () => clearTimeout(patience));
  request.flushHeaders();
}

function headersFor(apiKey, body) {
  const headers = {};
  if (apiKey) {
    headers.Authorization = `Bearer ${apiKey}`;
  }
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    headers['Content-Length'] = Buffer.byteLength(body);
    if (headers['Content-Length'] > kAskFirstBytes) {
      headers.Expect = '100-continue';
    }
  }
  return headers;
}

function exchange({ endpoint, apiKey }, { method, path, body, timeoutMs }) {
  const client = endpoint.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const failed = (error) => reject(noAnswer(endpoint, error, timeoutMs));
    const request = client.request(endpoint + path, { method, headers: headersFor(apiKey, body), agent: false });
    request.on('error', failed);
    request.on('response', (response) => {
      readText(response, (text) => {
        resolve({ status: response.statusCode, headers: response.headers, text });
        request.destroy();
      }, failed);
    });
    request.setTimeout(timeoutMs, () => request.destroy(Object.assign(new Error('timeout'), { code: 'HEARTH_TIMEOUT' })));
    sendBody(request, body);
  });
}

module.exports = { exchange };
