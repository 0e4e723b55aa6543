'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { checkHandlerFile, splitHandler, toHearthHandler } = require('../../lib/handler');

test('handlers of the framework become Hearth\'s', () => {
  const table = [
    ['index.handler', 'index.handler'],
    ['src/orders.total', 'src/orders.total'],
    ['./src/orders.total', 'src/orders.total'],
    ['index', 'index'],
    ['index.js', 'index'],
    ['src/orders.mjs', 'src/orders'],
    ['lib/a.b.c', 'lib/a.b.c'],
    ['v1.2/index.handler', 'v1.2/index.handler'],
  ];
  for (const [given, expected] of table) {
    assert.strictEqual(toHearthHandler(given), expected);
  }
});

test('what is no handler is refused', () => {
  for (const handler of ['', '.', '.js', '/index.handler', '../index.handler', 'src/', 'index.', 'index..a', 'a b.c', 'src/.handler', undefined, 7]) {
    assert.throws(() => toHearthHandler(handler), { code: 'HEARTH_INVALID_HANDLER' }, String(handler));
  }
});

test('a handler is divided at the first dot behind the last slash', () => {
  assert.deepStrictEqual(splitHandler('v1.2/app.a.b'), { file: 'v1.2/app', names: ['a', 'b'] });
  assert.deepStrictEqual(splitHandler('app'), { file: 'app', names: [] });
});

test('the handler\'s file is looked for in the package', () => {
  checkHandlerFile('src/a.handler', ['src/a.mjs']);
  checkHandlerFile('a', ['b.js', 'a.js']);
  checkHandlerFile('a.main', ['a.py'], 'python');
  assert.throws(() => checkHandlerFile('a.main', ['a.js'], 'python'), { code: 'HEARTH_HANDLER_NOT_FOUND', message: /no a\.py, which/ });
  assert.throws(() => checkHandlerFile('a.handler', ['src/a.js', 'a.ts']), { code: 'HEARTH_HANDLER_NOT_FOUND', message: /no a\.js, a\.mjs, a\.cjs/ });
});
