// What V8 has made of the sources of a function's CommonJS modules, so that later instances of the same version
// need not compile them again. One instance is asked for it when it has served its first call (collect()); the
// platform keeps the bytes, and hands them to those that start later (use()).
//
// Only modules are taken whose source Node itself has read from a file below the code's folder (module_origin.js),
// and only large ones: a small one is compiled as soon as its cache is looked up. ES modules are not among them.
//
// V8 checks its version, its flags and the length of a source, and nothing else: what it is given must be the
// bytes of this version's own instance, undamaged (the platform sees to it), and the source the same (sampleOf).
'use strict';

const fs = require('fs');
const path = require('path');
const vm = require('vm');
const { Module } = require('module');
const { putU32 } = require('./answers');
const heapFlags = require('./heap_flags');
const { losesImports } = require('./imports');
const largeSources = require('./large_sources');
const { isOfFile } = require('./module_origin');
const { readU32 } = require('./requests');

const kFormat = 0x31434348;  // "HCC1"
const kHeadBytes = 8;        // kFormat, length of the index; the index and the modules' bytes follow
const kSmallestBytes = 4 * 1024;
const kSamples = 64;
const kCollectMs = 50;  // the next call waits for it; what a version's bound holds takes as long

// The wrapper is one of text here, and what Node wraps the source in without one: what a script adds to the first
// line is taken off its columns.
const kWrapperHead = '(function (exports, require, module, __filename, __dirname) { ';
const kWrapperTail = '\n})';

const now = performance.now.bind(performance);
const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const { apply } = Reflect;
const { defineProperty } = Object;
const { dirname } = path;
const { statSync } = fs;
const { Script } = vm;
const { allocUnsafe, byteLength, from } = Buffer;
const NativeMap = Map;
const NativeModule = Module;
const { parse: parseJson, stringify: stringifyJson } = JSON;
const charCodeAt = uncurry(String.prototype.charCodeAt);
const endsWith = uncurry(String.prototype.endsWith);
const sliceText = uncurry(String.prototype.slice);
const startsWith = uncurry(String.prototype.startsWith);
const functionText = uncurry(Function.prototype.toString);
const runInThisContext = uncurry(Script.prototype.runInThisContext);
const createCachedData = uncurry(Script.prototype.createCachedData);
const mapDelete = uncurry(Map.prototype.delete);
const mapGet = uncurry(Map.prototype.get);
const mapHas = uncurry(Map.prototype.has);
const mapSet = uncurry(Map.prototype.set);
const mapForEach = uncurry(Map.prototype.forEach);
const subarray = uncurry(Buffer.prototype.subarray);
const utf8Slice = uncurry(Buffer.prototype.utf8Slice);

const compileByNode = Module.prototype._compile;
const importer = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;

let folder = '';       // the code's, with a slash at its end
let entries = null;    // by file: {bytes, chars, sample, accents, source}, of an earlier instance; null: none was
                       // given; none in it: all are taken, or V8 runs under flags of the function's own
let recorded = null;   // by file: {script, run, isProgram}, of this instance; null: none is
let quiet = false;

// ---- how Node runs a module

// A stack trace shows what calls a module, and libraries look at it. So the call is made from where Node makes it:
// under the name of its source, at its line and column. Undefined where that is not to be found out.
function makeRunner(prepare, finish) {
  const probe = new NativeModule('probe');
  const stack = apply(compileByNode, probe, ['return new Error().stack', 'probe', 'commonjs']);
  const place = /\n {4}at Module\._compile \((node:[^:]+):(\d+):(\d+)\)/.exec(stack);
  if (place === null) {
    return undefined;
  }
  // `result =` begins a line of its own, and the call stands behind it.
  const text = '(apply, prepare, finish) => function _compile(content, filename, format) { ' +
      'const call = prepare(this, content, filename, format); const result = ';
  const source = `${text}apply(call.run, call.self, call.values); finish(this); return result; }`;
  const options = { filename: place[1], lineOffset: place[2] - 1, columnOffset: place[3] - 1 - text.length };
  return runInThisContext(new Script(source, options))(apply, prepare, finish);
}

// Node's mark of a module that is being executed, where it has one.
function executingMark() {
  const probe = new NativeModule('probe');
  apply(compileByNode, probe, ['', 'probe', 'commonjs']);
  return Object.getOwnPropertySymbols(probe).find((symbol) => symbol.description === 'kIsExecuting');
}

const supported = importer !== undefined;
const kExecuting = supported ? executingMark() : undefined;
const runner = supported ? makeRunner(prepare, finish) : undefined;

function setExecuting(module, value) {
  if (kExecuting !== undefined) {
    module[kExecuting] = value;
  }
}

// What is called, on what, with what: the module as Node calls it, or Node's own _compile.
function prepare(module, content, filename, format) {
  const ours = (format === undefined || format === 'commonjs') && filename === module.filename;
  const run = ours ? compile(content, filename) : undefined;
  if (run === undefined) {
    return { run: compileByNode, self: module, values: [content, filename, format] };
  }
  const require = apply(compileByNode, module, ['return require', 'require', 'commonjs']);
  setExecuting(module, true);
  const { exports } = module;
  return { run, self: exports, values: [exports, require, module, filename, dirname(filename)] };
}

function finish(module) {
  setExecuting(module, false);
}

// ---- which modules

// Whether it is a file of the code, and large enough.
function isLargeFile(filename) {
  if (!startsWith(filename, folder)) {
    return false;
  }
  const found = statSync(filename, { throwIfNoEntry: false });
  return found !== undefined && found.isFile() && found.size >= kSmallestBytes;
}

// Whatever is in the way, a function's own hooks among it, leaves the module to Node.
function isWanted(module) {
  if (entries === null && recorded === null) {
    return false;
  }
  try {
    // Under flags that are back V8 would refuse it.
    if (process.sourceMapsEnabled || !heapFlags.areAway() || !isOfFile(module)) {
      return false;
    }
    const { filename } = module;
    return entries !== null ? mapHas(entries, filename) : !mapHas(recorded, filename) && isLargeFile(filename);
  } catch {
    return false;
  }
}

// Characters from all over a source: another one of the same length is found out.
function sampleOf(content) {
  const step = content.length / kSamples;
  let sample = 0;
  for (let i = 0; i < kSamples; ++i) {
    sample = (sample * 31 + charCodeAt(content, (i * step) | 0)) | 0;
  }
  return sample;
}

// ---- compiling

// An import() of a script makes Node warn of the loader that the script asks for: not the function's business.
function keepQuiet() {
  quiet = true;
  const { emitWarning } = process;
  function passOn(...values) {
    const text = values[0];
    if (typeof text !== 'string' || !startsWith(text, 'vm.USE_MAIN_CONTEXT_DEFAULT_LOADER')) {
      return apply(emitWarning, this, values);
    }
  }
  defineProperty(passOn, 'name', { value: 'emitWarning' });
  defineProperty(passOn, 'length', { value: emitWarning.length });
  process.emitWarning = passOn;
}

// The module's function; undefined where Node has to see to it, an error in the source included.
function compile(content, filename) {
  const entry = entries !== null ? mapGet(entries, filename) : undefined;
  if (entries !== null && !isOfEntry(entry, content)) {
    return undefined;
  }
  if (!quiet) {
    keepQuiet();
  }
  try {
    const script = new Script(wrap(content, entry?.source !== undefined), {
      __proto__: null,
      filename,
      columnOffset: -kWrapperHead.length,
      cachedData: entry?.bytes,
      importModuleDynamically: importer,
    });
    if (script.cachedDataRejected) {
      entries = new NativeMap();
    }
    const run = runInThisContext(script);
    return entry !== undefined ? taken(filename, run) : record(filename, { script, run, isProgram: isProgram(content) }, content.length);
  } catch {
    return undefined;
  }
}

// Whether this is the source that the entry was made of. One that was read by the entry is, and is not looked into.
function isOfEntry(entry, content) {
  return entry !== undefined &&
      (entry.source === content || (entry.chars === content.length && entry.sample === sampleOf(content)));
}

// "#!" and the rest of its line are no part of a program, and of a function not even a comment.
const isProgram = (content) => charCodeAt(content, 0) === 0x23 && charCodeAt(content, 1) === 0x21;

function wrap(content, isRead) {
  return kWrapperHead + (!isRead && isProgram(content) ? `//${sliceText(content, 2)}` : content) + kWrapperTail;
}

function taken(filename, run) {
  mapDelete(entries, filename);
  return run;
}

// A source that closes the wrapper and opens another function is none for Node.
function record(filename, found, chars) {
  if (functionText(found.run).length !== kWrapperHead.length + chars + kWrapperTail.length - 2) {
    return undefined;
  }
  mapSet(recorded, filename, found);
  return found.run;
}

// V8 has it, wrapped: another copy would be kept for as long as an instance is not asked.
function sourceOf({ run, isProgram }) {
  const source = sliceText(functionText(run), kWrapperHead.length - 1, 1 - kWrapperTail.length);
  return isProgram ? `#!${sliceText(source, 2)}` : source;
}

// ---- between instances

// Reads what collect() made. Throws at anything else.
function read(bytes) {
  const indexEnd = kHeadBytes + readU32(bytes, 4);
  if (readU32(bytes, 0) !== kFormat || indexEnd > bytes.length) {
    throw new Error('no compile cache');
  }
  const found = new NativeMap();
  let at = indexEnd;
  for (const [name, chars, sample, size, accents] of parseJson(utf8Slice(bytes, kHeadBytes, indexEnd))) {
    const part = subarray(bytes, at, at + size);
    mapSet(found, folder + name, { bytes: part, chars, sample, accents, source: undefined });
    at += size;
  }
  if (at !== bytes.length) {
    throw new Error('a compile cache of another length');
  }
  return found;
}

// Call before anything of the function is loaded, with the folder of its code and what collect() made in an
// earlier instance. Without that, what this one compiles is recorded.
function use(codePath, bytes) {
  folder = endsWith(codePath, '/') ? codePath : `${codePath}/`;
  if (bytes.length === 0) {
    recorded = new NativeMap();
    return;
  }
  try {
    entries = read(bytes);
    largeSources.begin(planOf);
  } catch {
    entries = null;  // as if there had never been one
  }
}

function planOf(file) {
  const entry = mapGet(entries, file);
  return entry?.accents ? entry : undefined;
}

// The handler is loaded, or cannot be. What is left is for modules that may be loaded later, or never: by itself it
// does not keep the bytes of the others.
function loaded() {
  if (entries === null) {
    return;
  }
  largeSources.end();
  mapForEach(entries, (entry) => {
    entry.bytes = from(entry.bytes);
  });
}

// What was compiled up to now, the functions that were called included: at most `mostBytes`, of the modules that
// were loaded first, up to the one that these do not hold or after which `mostMs` are over. A list of parts, which
// together may be most of the heap; none where there is nothing, the second time among them.
function collect(mostBytes, mostMs = kCollectMs) {
  const index = [];
  const parts = [null, null];
  const wanted = recorded ?? new NativeMap();
  recorded = null;
  const until = now() + mostMs;
  let left = mostBytes - kHeadBytes - 1;  // the index's brackets are one more than its commas
  let isEnough = false;
  mapForEach(wanted, (found, filename) => {
    const content = isEnough ? '' : sourceOf(found);
    if (isEnough || losesImports(content)) {
      return;
    }
    const data = heapFlags.without(() => createCachedData(found.script));
    const accents = found.isProgram ? undefined : largeSources.accentsOf(content);
    const line = [sliceText(filename, folder.length), content.length, sampleOf(content), data.length, accents ?? 0];
    const bytes = data.length + byteLength(stringifyJson(line)) + 1;
    isEnough = bytes > left || now() >= until;
    if (bytes <= left) {
      left -= bytes;
      index[index.length] = line;
      parts[parts.length] = data;
    }
  });
  if (index.length === 0) {
    return [];
  }
  parts[1] = from(stringifyJson(index));
  parts[0] = allocUnsafe(kHeadBytes);
  putU32(parts[0], 0, kFormat);
  putU32(parts[0], 4, parts[1].length);
  return parts;
}

// The property says who compiles a module, so that nothing of this stands between where Node does. Stack traces
// find the name of Node's function by its being the property's value: it gets one of its own.
function install() {
  defineProperty(compileByNode, 'name', { configurable: true, value: '_compile' });
  defineProperty(Module.prototype, '_compile', {
    configurable: true,
    enumerable: true,
    get() {
      return isWanted(this) ? runner : compileByNode;
    },
    set(value) {
      defineProperty(this, '_compile', { configurable: true, enumerable: true, writable: true, value });
    },
  });
}

// What a function's load needs of this is compiled while nobody waits for it: this module stands for one of a
// function's.
function rehearse() {
  use(__dirname, allocUnsafe(0));
  quiet = true;
  if (module._compile === runner) {
    prepare(module, `// ${kFormat}`, __filename, 'commonjs');
    finish(module);
  }
  quiet = false;
  recorded = null;
  largeSources.rehearse();
}

if (runner !== undefined) {
  install();
  rehearse();
}

// Whom these bytes fit: V8 refuses those of another release, or made with other flags. Undefined where Node has not
// got what this needs.
const kind = runner && `${process.version} ${process.versions.v8} ${kFormat} ${process.execArgv.join(' ')}`;

module.exports = { collect, kind, loaded, use };
