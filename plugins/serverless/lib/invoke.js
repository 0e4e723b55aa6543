// serverless invoke: one call. stdout carries the function's output alone.
'use strict';

const { HearthError } = require('./hearth_error');
const { readInput } = require('./input');
const { entryText } = require('./log_text');
const { errorOf, refusal, unexpected } = require('./refusal');
const { deployedFunction, readService } = require('./service');

const kUnsupported = ['qualifier', 'context', 'contextPath'];
// The log of a call is stored beside its answer, not before it.
const kLogTries = 5;
const kLogPauseMs = 50;

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
    throw error ? functionFailure(key, error) : refusal(endpoint, answer, { isCall: true });
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
  const body = await readInput(context);
  const deployed = await deployedFunction(readService(context), context);
  const answer = await api.invoke(deployed.id, body);
  if (options.log) {
    await printLog(context, deployed.id, answer.headers['x-hearth-request-id']);
  }
  const output = outputOf(answer, options.function, api.endpoint);
  context.writeText(JSON.stringify(output === undefined ? null : output, null, 4));
}

module.exports = { functionFailure, invoke, outputOf };
