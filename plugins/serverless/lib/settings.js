// From a function's entry in serverless.yml, with the provider's defaults, to the fields of the API.
// Pure.
'use strict';

const { toHearthHandler } = require('./handler');
const { HearthError } = require('./hearth_error');

// The server's own. They are sent all the same: an update keeps what it is not told, and a setting that
// was taken out of the file must not stay.
const kDefaults = { memorySize: 128, timeout: 30, concurrency: 1 };

// `null` takes a variable of the provider's away.
function environmentOf(provider, entry) {
  const merged = { ...provider.environment, ...entry.environment };
  const given = Object.entries(merged).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

function numberOf(name, ...candidates) {
  const value = candidates.find((candidate) => candidate !== undefined && candidate !== null);
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new HearthError('HEARTH_INVALID_SETTING', `"${name}" is a number, not ${JSON.stringify(value)}`);
  }
  return value;
}

// "python3.12" is the server's "python", every other its "node".
function runtimeOf(provider, entry) {
  return String(entry.runtime ?? provider.runtime).startsWith('python') ? 'python' : 'node';
}

function settingsOf(provider, entry) {
  const runtime = runtimeOf(provider, entry);
  const number = (name) => numberOf(name, entry[name], provider[name], kDefaults[name]);
  return {
    runtime,
    handler: toHearthHandler(entry.handler, runtime),
    memorySize: number('memorySize'),
    timeout: Math.round(number('timeout') * 1000),
    concurrency: number('concurrency'),
    environment: environmentOf(provider, entry),
  };
}

function sameEnvironment(one, other) {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

// Whether the function on the server has these settings already.
function sameSettings(settings, deployed) {
  const { environment, ...plain } = settings;
  return Object.keys(plain).every((name) => plain[name] === deployed[name]) && sameEnvironment(environment, deployed.environment || {});
}

module.exports = { kDefaults, sameSettings, settingsOf };
