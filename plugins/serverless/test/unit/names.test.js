'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { checkNames, markerOf } = require('../../lib/names');

const named = (...names) => names.map((name, i) => ({ key: `f${i}`, name }));

test('names within Hearth\'s rules', () => {
  checkNames(named('shop-dev-greet', '0', 'A_b-c', 'x'.repeat(64)));
  for (const name of ['', '-a', '_a', 'a.b', 'a b', 'é', 'x'.repeat(65), '6b38de2c-4795-4983-bfbd-d7f5844ca1e3']) {
    assert.throws(() => checkNames(named(name)), { code: 'HEARTH_INVALID_NAME', message: /functions\.f0\.name/ }, name);
  }
  assert.throws(() => checkNames(named('x'.repeat(65))), /it has 65/);
});

test('two functions of one name', () => {
  assert.throws(() => checkNames(named('same', 'other', 'same')), /f0 and f2/);
});

test('services and stages that begin alike have different markers', () => {
  assert.notStrictEqual(markerOf('a-b', 'c'), markerOf('a', 'b-c'));
  assert.throws(() => markerOf('a', 'b/c'), { code: 'HEARTH_INVALID_NAME' });
  assert.throws(() => markerOf('a', 'x'.repeat(256)), { code: 'HEARTH_INVALID_NAME' });
});
