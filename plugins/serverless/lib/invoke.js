// serverless invoke: one call. stdout carries the function's output alone.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { HearthError } = require('./hearth_error');
const { entryText } = require('./log_text');
const { errorOf, refusal, unexpected } = require('./refusal');
const { deployedFunction, readService } = require('./service');

const kUnsupported = ['qualifier', 'context', 'contextPath'];
// The log of a call is stored beside its answer, not before it.
const kLogTries = 5;
const kLogPauseMs = 50;

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

function stdinHolds() {
  try {
    const stat = fs.fstatSync(0);
    return stat.isFile() || stat.isFIFO();
  } catch {
    return false;
  }
}

function input({ serverless, options }) {
  if (options.data !== undefined) {
    return inputText(options.data, options.raw);
  }
  if (options.path !== undefined) {
    return inputText(readInputFile(serverless, options.path), options.raw);
  }
  return stdinHolds() ? inputText(fs.readFileSync(0, 'utf8'), options.raw) : '';
}

function checkOptions(options) {
  const wrong = kUnsupported.find((name) => options[name] !== undefined && options[name] !== null);
  if (wrong) {
    throw new HearthError('HEARTH_UNSUPPORTED_OPTION', `--${wrong}: Hearth has nothing of the kind`);
  }
  if (options.type && options.type !== 'RequestResponse') {
    throw new HearthError('HEARTH_UNSUPPORTED_OPTION', `--type ${options.type}: a call is always answered (RequestResponse)`);
  }
}

// "Type: message", then the frames of the stack, which often begins with the same words.
function functionFailure(key, error) {
  const summary = error.type ? `${error.type}: ${error.message}` : error.message;
  const stack = error.stack || '';
  const frames = stack.startsWith(summary) ? stack.slice(summary.length).replace(/^\n/, '') : stack;
  return new HearthError('HEARTH_FUNCTION_ERROR', `function ${key} failed (${error.code})\n${summary}${frames ? `\n${frames}` : ''}`);
}

// 502 and 504 are the statuses of a function that failed; every other refusal is the server's.
function outputOf(answer, key, endpoint) {
  if (answer.status >= 300) {
    const error = answer.status === 502 || answer.status === 504 ? errorOf(answer) : null;
    throw error ? functionFailure(key, error) : refusal(endpoint, answer);
  }
  try {
    return JSON.parse(answer.text).output;
  } catch {
    throw unexpected(endpoint, answer);
  }
}

async function printLog(context, id, requestId) {
  for (let tries = 0; requestId && tries < kLogTries; ++tries) {
    const { entries } = await context.api.logs(id, { requestId });
    if (entries.length) {
      context.log.notice(entryText(entries[0]));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, kLogPauseMs));
  }
  context.log.notice('(the log of this call is not to be had)');
}

async function invoke(context) {
  const { api, options } = context;
  checkOptions(options);
  const body = input(context);
  const deployed = await deployedFunction(readService(context), context);
  const answer = await api.invoke(deployed.id, body);
  if (options.log) {
    await printLog(context, deployed.id, answer.headers['x-hearth-request-id']);
  }
  const output = outputOf(answer, options.function, api.endpoint);
  context.writeText(JSON.stringify(output === undefined ? null : output, null, 4));
}

module.exports = { functionFailure, inputText, invoke, outputOf };
