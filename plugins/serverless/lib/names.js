// What functions are called on the server, and how those of a service are known there. Pure.
'use strict';

const { HearthError } = require('./hearth_error');

const kNameLength = 64;
const kMarkerBytes = 256;

function checkName(key, name) {
  const letters = /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name);
  const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name);
  if (!letters || guid || name.length > kNameLength) {
    const length = name.length > kNameLength ? ` (it has ${name.length})` : '';
    throw new HearthError(
      'HEARTH_INVALID_NAME',
      `function ${key}: its name on the server, "${name}", takes 1 to ${kNameLength} letters${length}, digits, "-" and "_", ` +
        `begins with a letter or digit and is no GUID: set functions.${key}.name`);
  }
}

function checkNames(functions) {
  const keys = new Map();
  for (const { key, name } of functions) {
    checkName(key, name);
    if (keys.has(name)) {
      throw new HearthError('HEARTH_INVALID_NAME', `the functions ${keys.get(name)} and ${key} have the same name, "${name}"`);
    }
    keys.set(name, key);
  }
}

// Stands in the displayName of every function that this plugin creates, and is never changed. A name
// alone tells too little: service "a-b" with stage "c" and service "a" with stage "b-c" begin alike.
function markerOf(service, stage) {
  const marker = `serverless:${service}/${stage}`;
  if (!/^[A-Za-z0-9-]+$/.test(service) || !/^[A-Za-z0-9-]+$/.test(stage) || marker.length > kMarkerBytes) {
    throw new HearthError('HEARTH_INVALID_NAME', `service "${service}" and stage "${stage}" take letters, digits and "-"`);
  }
  return marker;
}

module.exports = { checkNames, markerOf };
