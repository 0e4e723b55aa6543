'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { hideApiKey, literalKeyWarning } = require('../../lib/api_key');

test('what is printed has no key, and is otherwise as it was', () => {
  const configuration = { service: 'shop', provider: { name: 'hearth', apiKey: 'a-secret-key', endpoint: 'http://a' } };
  hideApiKey(configuration);
  assert.deepStrictEqual(configuration, { service: 'shop', provider: { name: 'hearth', apiKey: '(not shown)', endpoint: 'http://a' } });
  for (const provider of ['hearth', { name: 'hearth' }, null, undefined]) {
    const without = { service: 'shop', provider };
    hideApiKey(without);
    assert.deepStrictEqual(without, { service: 'shop', provider });
  }
});

test('a key that stands in the file is warned of, and not shown', () => {
  const file = 'provider:\n  name: hearth\n  apiKey: a-secret-key\n';
  const warning = literalKeyWarning({ apiKey: 'a-secret-key' }, file);
  assert.match(warning, /HEARTH_API_KEY/);
  assert.ok(!warning.includes('a-secret-key'));
});

test('a key from a variable, or none, is not warned of', () => {
  const file = 'service: shop\nprovider:\n  name: hearth\n  apiKey: ${env:HEARTH_API_KEY}\n';
  for (const apiKey of ['a-secret-key', 'shop', '', undefined]) {
    assert.strictEqual(literalKeyWarning({ apiKey }, file), '');
  }
});
