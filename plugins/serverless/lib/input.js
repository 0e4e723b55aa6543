// What a call is given: --data, --path, or what is piped in.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { HearthError } = require('./hearth_error');

// As the framework's users know it: JSON as it is, other words as a string. What begins as JSON and is
// none is a mistake. The text for the request's body; an empty one is no input.
function inputText(text, raw) {
  if (raw) {
    return JSON.stringify(text);
  }
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    if (text.trim() === '') {
      return '';
    }
    if (/^\s*[[{"]/.test(text)) {
      throw new HearthError('HEARTH_INVALID_DATA', `the input is not JSON (${error.message}); --raw sends it as a string`);
    }
    return JSON.stringify(text);
  }
}

function readInputFile(serverless, name) {
  const file = path.resolve(serverless.serviceDir, name);
  if (!fs.existsSync(file)) {
    throw new HearthError('HEARTH_INVALID_DATA', `--path: there is no file ${file}`);
  }
  return /\.ya?ml$/.test(file) ? JSON.stringify(serverless.utils.readFileSync(file)) : fs.readFileSync(file, 'utf8');
}

// Whether something is piped in, rather than a terminal or nothing.
function stdinHolds() {
  try {
    const stat = fs.fstatSync(0);
    return stat.isFile() || stat.isFIFO();
  } catch {
    return false;
  }
}

async function readStdin() {
  const pieces = [];
  for await (const piece of process.stdin) {
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

async function readInput({ serverless, options }) {
  if (options.data !== undefined) {
    return inputText(options.data, options.raw);
  }
  if (options.path !== undefined) {
    return inputText(readInputFile(serverless, options.path), options.raw);
  }
  return stdinHolds() ? inputText(await readStdin(), options.raw) : '';
}

module.exports = { inputText, readInput };
