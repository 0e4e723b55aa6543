'use strict';

const assert = require('node:assert');
const http = require('node:http');
const net = require('node:net');
const test = require('node:test');

const { Api } = require('../../lib/api');

async function withServer(server, use) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(new Api({ endpoint: `http://127.0.0.1:${server.address().port}/base`, apiKey: 'the-key' }));
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

const answering = (status, text, headers = {}) => http.createServer((request, response) => {
  request.resume();
  response.writeHead(status, headers);
  response.end(text);
});

const error = (code, message = 'why') => JSON.stringify({ error: { code, message } });

test('a request carries the key, and the path behind the endpoint\'s', async () => {
  let seen;
  const server = http.createServer((request, response) => {
    seen = { url: request.url, key: request.headers.authorization };
    response.end('[]');
  });
  await withServer(server, async (api) => assert.deepStrictEqual(await api.list(), []));
  assert.deepStrictEqual(seen, { url: '/base/functions', key: 'Bearer the-key' });
});

test('refusals have a code each', async () => {
  const table = [
    [400, 'bad_request', 'HEARTH_BAD_REQUEST'],
    [400, 'bad_zip', 'HEARTH_BAD_ZIP'],
    [401, 'unauthorized', 'HEARTH_UNAUTHORIZED'],
    [404, 'not_found', 'HEARTH_NOT_FOUND'],
    [409, 'conflict', 'HEARTH_CONFLICT'],
    [413, 'payload_too_large', 'HEARTH_TOO_LARGE'],
    [503, 'no_capacity', 'HEARTH_UNAVAILABLE'],
    [507, 'storage', 'HEARTH_SERVER_ERROR'],
  ];
  for (const [status, code, expected] of table) {
    await withServer(answering(status, error(code)), (api) =>
      assert.rejects(api.list(), (thrown) => thrown.code === expected && thrown.message.includes('why') && !thrown.message.includes('the-key')));
  }
});

test('another server\'s answers are told apart', async () => {
  for (const [status, text] of [[404, '<html>'], [200, '<html>'], [200, '{"not": "a list"}'], [502, 'Bad gateway'], [301, '']]) {
    await withServer(answering(status, text), (api) => assert.rejects(api.list(), { code: 'HEARTH_UNEXPECTED_ANSWER' }));
  }
});

test('nobody listens', async () => {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const api = new Api({ endpoint: `http://127.0.0.1:${port}`, apiKey: '' });
  await assert.rejects(api.list(), { code: 'HEARTH_UNREACHABLE', message: /hearth serve/ });
});

test('a server that says nothing is not waited for without end', async () => {
  const sockets = [];
  await withServer(net.createServer((socket) => sockets.push(socket)), async (api) => {
    await assert.rejects(api.ask('GET', '/health', { timeoutMs: 20 }), { code: 'HEARTH_TIMEOUT' });
    sockets.forEach((socket) => socket.destroy());
  });
});

test('a large body is sent when the server agrees', async () => {
  const server = http.createServer();
  let bytes = 0;
  server.on('checkContinue', (request, response) => {
    response.writeContinue();
    request.on('data', (piece) => { bytes += piece.length; });
    request.on('end', () => response.end('{}'));
  });
  await withServer(server, (api) => api.create({ zipFile: 'x'.repeat(1_000_000) }));
  assert.ok(bytes > 1_000_000);
});

test('a refusal of a large body is read, and the body never sent', async () => {
  const server = http.createServer();
  let bytes = 0;
  server.on('checkContinue', (request, response) => {
    request.on('data', (piece) => { bytes += piece.length; });
    response.writeHead(413, { Connection: 'close' });
    response.end(error('payload_too_large'));
  });
  await withServer(server, (api) => assert.rejects(api.create({ zipFile: 'x'.repeat(1_000_000) }), { code: 'HEARTH_TOO_LARGE' }));
  assert.strictEqual(bytes, 0);
});
