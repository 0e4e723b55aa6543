'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { sameSettings, settingsOf } = require('../../lib/settings');

test('the function\'s, then the provider\'s, then the server\'s own', () => {
  const settings = settingsOf({ memorySize: 256, timeout: 2.5 }, { handler: 'index.handler', memorySize: 512 });
  assert.deepStrictEqual(settings, {
    runtime: 'node', handler: 'index.handler', memorySize: 512, timeout: 2500, concurrency: 1, environment: {},
  });
  assert.strictEqual(settingsOf({}, { handler: 'a' }).timeout, 30_000);
});

test('a runtime is the server\'s by its language', () => {
  assert.strictEqual(settingsOf({ runtime: 'nodejs22.x' }, { handler: 'a' }).runtime, 'node');
  assert.strictEqual(settingsOf({ runtime: 'nodejs22.x' }, { handler: 'a', runtime: 'python3.12' }).runtime, 'python');
  assert.strictEqual(settingsOf({ runtime: 'python' }, { handler: './src/a.py' }).handler, 'src/a');
});

test('environments are merged, values are text, null takes away', () => {
  const { environment } = settingsOf(
    { environment: { A: 'provider', B: 'provider', C: 'c' } },
    { handler: 'a', environment: { A: 1, B: null, D: false, E: '' } });
  assert.deepStrictEqual(environment, { A: '1', C: 'c', D: 'false', E: '' });
});

test('a setting that is no number is refused even when the schema does not look', () => {
  assert.throws(() => settingsOf({}, { handler: 'a', memorySize: 'lots' }), { code: 'HEARTH_INVALID_SETTING', message: /memorySize.*lots/ });
});

test('settings that the server has already', () => {
  const settings = settingsOf({}, { handler: 'a', environment: { X: '1' } });
  assert.ok(sameSettings(settings, { ...settings, version: 3 }));
  assert.ok(!sameSettings(settings, { ...settings, memorySize: 256 }));
  assert.ok(!sameSettings(settings, { ...settings, environment: {} }));
  assert.ok(!sameSettings(settings, { ...settings, environment: { X: '1', Y: '' } }));
  assert.ok(!sameSettings(settings, { ...settings, environment: { Y: '1' } }));
});
