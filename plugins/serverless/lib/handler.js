// The framework's handlers and Hearth's are the same words, "folder/file.export", but for a plain file
// and a leading "./". Pure.
'use strict';

const { HearthError } = require('./hearth_error');

const kEndings = { node: ['.js', '.mjs', '.cjs'], python: ['.py'] };

function invalid(handler) {
  return new HearthError(
    'HEARTH_INVALID_HANDLER',
    `"${handler}" is no handler: name a file inside the service, with an export behind a dot or alone: ` +
      'index.handler, src/orders.total, src/orders.js');
}

// "./src/orders.total" → "src/orders.total", "src/orders.js" → "src/orders".
function toHearthHandler(handler, runtime = 'node') {
  if (typeof handler !== 'string') {
    throw invalid(handler);
  }
  let result = handler.replace(/^(\.\/)+/, '');
  const ending = kEndings[runtime].find((candidate) => result.endsWith(candidate));
  result = ending ? result.slice(0, -ending.length) : result;
  const { file, names } = splitHandler(result);
  const emptyName = names.some((name) => name === '');
  if (!/^[A-Za-z0-9_$./-]+$/.test(result) || result.startsWith('/') || result.includes('..') || /(^|\/)$/.test(file) || emptyName) {
    throw invalid(handler);
  }
  return result;
}

// As the runtime divides it: at the first dot behind the last slash.
function splitHandler(handler) {
  const dot = handler.indexOf('.', handler.lastIndexOf('/') + 1);
  return dot < 0 ? { file: handler, names: [] } : { file: handler.slice(0, dot), names: handler.slice(dot + 1).split('.') };
}

// `entries` are the paths in the package.
function checkHandlerFile(handler, entries, runtime = 'node') {
  const { file } = splitHandler(handler);
  if (!kEndings[runtime].some((ending) => entries.includes(file + ending))) {
    throw new HearthError(
      'HEARTH_HANDLER_NOT_FOUND',
      `the package has no ${kEndings[runtime].map((ending) => file + ending).join(', ')}, which the handler "${handler}" names: ` +
        'mend the handler, or the package patterns if they leave the file out');
  }
}

module.exports = { checkHandlerFile, splitHandler, toHearthHandler };
