// The server's refusals in the user's words. Pure.
'use strict';

const { HearthError } = require('./hearth_error');

const kCodes = {
  400: 'HEARTH_BAD_REQUEST',
  401: 'HEARTH_UNAUTHORIZED',
  404: 'HEARTH_NOT_FOUND',
  409: 'HEARTH_CONFLICT',
  413: 'HEARTH_TOO_LARGE',
  503: 'HEARTH_UNAVAILABLE',
};

function advice(answer, isCall) {
  switch (answer.status) {
    case 401:
      return ': set HEARTH_API_KEY (or provider.apiKey) to the key that the server was started with';
    case 413:
      return isCall
        ? ': the server takes no larger input (hearth serve --max-body-bytes)'
        : ': leave out what the function does not need (package.patterns, package.individually), or raise hearth serve --max-zip-bytes';
    case 503:
      return answer.headers['retry-after'] ? `: try again in ${answer.headers['retry-after']} s` : '';
    default:
      return '';
  }
}

// The fields of {"error": {…}}, or null when this is no answer of Hearth's.
function errorOf(answer) {
  try {
    const { error } = JSON.parse(answer.text);
    return typeof error.message === 'string' && typeof error.code === 'string' ? error : null;
  } catch {
    return null;
  }
}

function unexpected(endpoint, answer) {
  return new HearthError(
    'HEARTH_UNEXPECTED_ANSWER',
    `${endpoint} answers (${answer.status}), but not as a Hearth server does: is provider.endpoint right?`);
}

// Of an invocation, or of anything else that is asked.
function refusal(endpoint, answer, { isCall = false } = {}) {
  const error = errorOf(answer);
  if (!error) {
    return unexpected(endpoint, answer);
  }
  const code = error.code === 'bad_zip' ? 'HEARTH_BAD_ZIP' : kCodes[answer.status] || 'HEARTH_SERVER_ERROR';
  return new HearthError(code, `${error.message} (${answer.status} ${error.code})${advice(answer, isCall)}`);
}

module.exports = { errorOf, refusal, unexpected };
