'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { inputText } = require('../../lib/input');
const { functionFailure, outputOf } = require('../../lib/invoke');

test('inputs are JSON, or words', () => {
  const table = [
    ['{"n": 1}', false, '{"n": 1}'],
    ['7', false, '7'],
    ['Ada', false, '"Ada"'],
    ['', false, ''],
    [' ', false, ''],
    ['7', true, '"7"'],
    ['{broken', true, '"{broken"'],
  ];
  for (const [text, raw, expected] of table) {
    assert.strictEqual(inputText(text, raw), expected);
  }
  for (const text of ['{broken', ' [1,', '"open']) {
    assert.throws(() => inputText(text, false), { code: 'HEARTH_INVALID_DATA' });
  }
});

const answer = (status, body) => ({ status, headers: {}, text: JSON.stringify(body) });

test('outputs, failures of the function and refusals of the server', () => {
  assert.deepStrictEqual(outputOf(answer(200, { output: { a: 1 }, logs: {} }), 'f', 'e'), { a: 1 });
  assert.throws(() => outputOf(answer(502, { error: { code: 'function_error', message: 'm', type: 'T' } }), 'f', 'e'),
    { code: 'HEARTH_FUNCTION_ERROR', message: /function f failed \(function_error\)\nT: m/ });
  assert.throws(() => outputOf(answer(504, { error: { code: 'timeout', message: 'm' } }), 'f', 'e'), { code: 'HEARTH_FUNCTION_ERROR' });
  assert.throws(() => outputOf(answer(503, { error: { code: 'no_capacity', message: 'm' } }), 'f', 'e'), { code: 'HEARTH_UNAVAILABLE' });
  assert.throws(() => outputOf(answer(413, { error: { code: 'payload_too_large', message: 'm' } }), 'f', 'e'),
    (error) => error.code === 'HEARTH_TOO_LARGE' && /max-body-bytes/.test(error.message) && !/package/.test(error.message));
  assert.throws(() => outputOf({ status: 502, headers: {}, text: '<html>' }, 'f', 'e'), { code: 'HEARTH_UNEXPECTED_ANSWER' });
});

test('type and message are not said twice', () => {
  const { message } = functionFailure('f', { code: 'function_error', type: 'RangeError', message: 'far', stack: 'RangeError: far\n    at here' });
  assert.strictEqual(message, 'function f failed (function_error)\nRangeError: far\n    at here');
});
