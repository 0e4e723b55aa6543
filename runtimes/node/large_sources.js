// Reads the large sources that a compile cache knows, while a function is loaded. Node would decode UTF-8, and
// whatever looks into a string of parts copies it into one: where it is known which few characters are not ASCII
// the rest is taken as it is, and V8, which has what it needs in the cache, need never look.
//
// Node asks fs for a source by the name of the property, as anybody else does. So the property says who reads: for
// the file that a module is being loaded from it is this, in all else it is what it was.
'use strict';

const fs = require('fs');
const { Module } = require('module');

const kSmallestChars = 64 * 1024;
const kMostAccents = 64;  // runs of them
const kReadBytes = 64 * 1024;

const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const { apply } = Reflect;
const { defineProperty, getOwnPropertyDescriptor } = Object;
const { allocUnsafeSlow, byteLength } = Buffer;
const { closeSync, openSync, readFileSync: readByNode, readSync } = fs;
const execute = uncurry(RegExp.prototype.exec);
const latin1Slice = uncurry(Buffer.prototype.latin1Slice);
const loadByNode = Module.prototype.load;
const bytes = allocUnsafeSlow(kReadBytes);

let planOf = () => undefined;  // by file: {chars, accents}
let loading = '';              // the file whose module has begun to be loaded, and has not been read

// What of a source is not ASCII: [index, text, bytes in UTF-8] of each run. Undefined where there are many, or the
// source is not large.
function accentsOf(source) {
  if (source.length < kSmallestChars) {
    return undefined;
  }
  const accents = [];
  const beyondAscii = /[^\0-\x7f]+/g;
  for (let found = execute(beyondAscii, source); found !== null; found = execute(beyondAscii, source)) {
    if (accents.length === kMostAccents) {
      return undefined;
    }
    accents[accents.length] = [found.index, found[0], byteLength(found[0])];
  }
  return accents;
}

// The next `size` bytes of a file as characters. Throws where there are fewer.
function readPlain(fd, size) {
  let text = '';
  for (let left = size, part; left > 0; left -= part) {
    part = readSync(fd, bytes, 0, left < kReadBytes ? left : kReadBytes, null);
    if (part === 0) {
      throw new Error('the end of the file');
    }
    text += latin1Slice(bytes, 0, part);
  }
  return text;
}

// Throws where the file is not what was planned for.
function readAll(file, { chars, accents }) {
  const fd = openSync(file, 'r');
  try {
    let text = '';
    let index = 0;
    for (let i = 0; i < accents.length; ++i) {
      const [at, accent, size] = accents[i];
      text += readPlain(fd, at - index) + accent;
      readPlain(fd, size);
      index = at + accent.length;
    }
    text += readPlain(fd, chars - index);
    if (readSync(fd, bytes, 0, 1, null) > 0) {
      throw new Error('not the end of the file');
    }
    return text;
  } finally {
    closeSync(fd);
  }
}

// In place of fs.readFileSync, once.
function readSource(file, options) {
  const plan = options === 'utf8' ? planOf(file) : undefined;
  if (plan !== undefined) {
    try {
      plan.source = readAll(file, plan);
      return plan.source;
    } catch {
      // Node reads it, or says what is wrong with the file.
    }
  }
  return apply(readByNode, this, [file, options]);
}

// Of fs.readFileSync, while begin() holds.
function getReader() {
  const file = loading;
  loading = '';
  return file !== '' && planOf(file) !== undefined ? readSource : readByNode;
}

function isOneOf(object, name, value, get) {
  const found = getOwnPropertyDescriptor(object, name);
  return found?.value === value || found?.get === get;
}

// Whether nobody has put anything in place of what reads a module.
const readsByNode = () => isOneOf(fs, 'readFileSync', readByNode, getReader) &&
    isOneOf(Module.prototype, 'load', loadByNode, getLoader);

function putGetter(object, name, get) {
  defineProperty(object, name, {
    configurable: true,
    enumerable: true,
    get,
    set(value) {
      putValue(this, name, value);
    },
  });
}

function putValue(object, name, value) {
  defineProperty(object, name, { configurable: true, enumerable: true, writable: true, value });
}

// Of a module's prototype's `load`.
function getLoader() {
  loading = this.id;
  return loadByNode;
}

function putBack(object, name, get, value) {
  if (getOwnPropertyDescriptor(object, name)?.get === get) {
    putValue(object, name, value);
  }
}

// From now on large sources are read here; `plan` says of a file how, and is told the source (`source`).
function begin(plan) {
  planOf = plan;
  defineProperty(loadByNode, 'name', { configurable: true, value: 'load' });  // stack traces have found it so far
  putGetter(Module.prototype, 'load', getLoader);
  putGetter(fs, 'readFileSync', getReader);
}

// All is as it was, but for what the function has put in place of it.
function end() {
  putBack(Module.prototype, 'load', getLoader, loadByNode);
  putBack(fs, 'readFileSync', getReader, readByNode);
}

// All of it once, on this file, while nobody waits.
function rehearse() {
  begin((file) => (file === __filename ? { chars: 10, accents: [[1, 'x', 1]] } : undefined));
  loading = module.load === loadByNode ? __filename : '';
  fs.readFileSync(__filename, 'utf8');
  end();
}

module.exports = { accentsOf, begin, end, readsByNode, rehearse };
