// Whatever a handler threw, as {type, message, stack}: plain text within bounds. Every step may meet
// a getter that throws.
'use strict';

const kMaxTypeChars = 256;
const kMaxMessageChars = 8 * 1024;
const kMaxStackChars = 16 * 1024;

const toText = String;
const sliceString = Function.prototype.call.bind(String.prototype.slice);

function tryText(read, limit) {
  try {
    const text = read();
    return typeof text === 'string' ? sliceString(text, 0, limit) : '';
  } catch {
    return '';
  }
}

function describeError(error) {
  const isObject = (typeof error === 'object' && error !== null) || typeof error === 'function';
  if (!isObject) {
    const type = error === null ? 'null' : typeof error;
    return { __proto__: null, type, message: tryText(() => toText(error), kMaxMessageChars), stack: '' };
  }
  return {
    __proto__: null,  // so that a patched Object.prototype.toJSON has no part in it
    type: tryText(() => error.name, kMaxTypeChars) || tryText(() => error.constructor.name, kMaxTypeChars) || 'Error',
    message: tryText(() => error.message, kMaxMessageChars) || tryText(() => toText(error), kMaxMessageChars),
    stack: tryText(() => error.stack, kMaxStackChars),
  };
}

module.exports = { describeError };
