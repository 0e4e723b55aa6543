'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { connectionOf } = require('../../lib/connection');

test('the file, then the environment, then the default', () => {
  assert.deepStrictEqual(connectionOf({}, {}), { endpoint: 'http://127.0.0.1:8080', apiKey: '' });
  const environment = { HEARTH_ENDPOINT: 'http://there:1/', HEARTH_API_KEY: 'environment' };
  assert.deepStrictEqual(connectionOf({}, environment), { endpoint: 'http://there:1', apiKey: 'environment' });
  const provider = { endpoint: 'https://here/hearth/', apiKey: 'file' };
  assert.deepStrictEqual(connectionOf(provider, environment), { endpoint: 'https://here/hearth', apiKey: 'file' });
});

test('what is no endpoint is refused, and not repeated: it may hold a secret', () => {
  for (const endpoint of ['127.0.0.1:8080', 'ftp://a', 'http://user:secret@a', 'http://a/?key=secret', 'no']) {
    assert.throws(() => connectionOf({ endpoint }, {}), (error) =>
      error.code === 'HEARTH_INVALID_ENDPOINT' && !error.message.includes('secret'));
  }
});

test('a key that no header can hold is refused without being shown', () => {
  assert.throws(() => connectionOf({ apiKey: 'secret\n' }, {}), (error) => error.code === 'HEARTH_INVALID_API_KEY' && !error.message.includes('secret'));
});
