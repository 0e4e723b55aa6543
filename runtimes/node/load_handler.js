// Finds and loads the handler that a function names. Runs once, before or while the function's own
// modules do.
'use strict';

const fs = require('fs');
const path = require('path');
const { Module } = require('module');
const { pathToFileURL } = require('url');

class HandlerError extends Error {
  constructor(message) {
    super(message);
    this.name = 'HandlerNotFound';
  }
}

// "dir/file.name" is the export `name` of dir/file; "dir/file" is the module itself. The first dot
// after the last slash divides them.
function splitHandler(handler) {
  const base = handler.lastIndexOf('/') + 1;
  const dot = handler.indexOf('.', base);
  return dot < 0 ? { file: handler, names: [] } : { file: handler.slice(0, dot), names: handler.slice(dot + 1).split('.') };
}

function findFile(codePath, file) {
  for (const extension of ['.js', '.mjs', '.cjs']) {
    const candidate = path.join(codePath, file + extension);
    if (fs.statSync(candidate, { throwIfNoEntry: false })?.isFile()) {
      return candidate;
    }
  }
  throw new HandlerError(`no ${file}.js, ${file}.mjs or ${file}.cjs in the code`);
}

// What Node does: the nearest package.json upwards says whether a .js file is an ES module.
function isEsModule(codePath, file) {
  const extension = path.extname(file);
  if (extension !== '.js') {
    return extension === '.mjs';
  }
  for (let folder = path.dirname(file); folder.startsWith(codePath); folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (fs.existsSync(manifest)) {
      return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
    }
  }
  return false;
}

// The module itself: a function, or its `default`, or its `handler`.
function pickDefault(exports, file) {
  for (const candidate of [exports, exports?.default, exports?.default?.default, exports?.handler]) {
    if (typeof candidate === 'function') {
      return { call: candidate, owner: undefined };
    }
  }
  throw new HandlerError(`${file} exports no function: use module.exports = function, a default export, or an export named handler`);
}

function pickNamed(exports, names, file) {
  for (let owner of [exports, exports?.default]) {
    let value = owner;
    for (const name of names) {
      owner = value;
      value = value?.[name];
    }
    if (typeof value === 'function') {
      return { call: value, owner };
    }
  }
  throw new HandlerError(`${file} exports no function named ${names.join('.')}; it exports: ${Object.keys(exports ?? {}).join(', ') || 'nothing'}`);
}

async function loadHandler(codePath, handler) {
  const { file, names } = splitHandler(handler);
  const found = findFile(codePath, file);
  process.argv[1] = found;
  const exports = isEsModule(codePath, found) ? await import(pathToFileURL(found).href) : Module.createRequire(found)(found);
  return names.length === 0 ? pickDefault(exports, file) : pickNamed(exports, names, file);
}

module.exports = { loadHandler };
