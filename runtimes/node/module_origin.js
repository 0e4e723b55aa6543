// Whether a module's source is what stands in its file: what was compiled of it is of use to other instances then,
// as a version's files never change. Hooks may make sources of anything, the process's id or the time among it.
'use strict';

const path = require('path');
const { Module } = require('module');
const { readsByNode } = require('./large_sources');

const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const { basename } = path;
const endsWith = uncurry(String.prototype.endsWith);
const indexOf = uncurry(String.prototype.indexOf);
const sliceText = uncurry(String.prototype.slice);
const loadJs = Module._extensions['.js'];
const { wrap: wrapByNode, wrapper: wrapperOfNode } = Module;
const [headOfNode, tailOfNode] = wrapperOfNode;

// Node takes the hook of the longest extension that has one.
function hookOf(filename) {
  const name = basename(filename);
  for (let at = indexOf(name, '.', 1); at > 0; at = indexOf(name, '.', at + 1)) {
    const hook = Module._extensions[sliceText(name, at)];
    if (hook) {
      return hook;
    }
  }
  return undefined;
}

// Whether Node wraps a source as it did at the start. Someone may have its parts replaced.
const wrapsByNode = () => Module.wrap === wrapByNode && Module.wrapper === wrapperOfNode &&
    wrapperOfNode[0] === headOfNode && wrapperOfNode[1] === tailOfNode;

// Whether Node is about to compile a file that it has read, as opposed to code that was made or changed on the way.
function isOfFile(module) {
  const { filename } = module;
  return typeof filename === 'string' && endsWith(filename, '.js') && hookOf(filename) === loadJs &&
      Module._cache[filename] === module && !module.loaded && readsByNode() && wrapsByNode();
}

module.exports = { isOfFile };
