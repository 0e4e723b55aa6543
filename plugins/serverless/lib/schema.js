// The settings that a serverless.yml may have under this provider, as the framework checks them. Upper
// bounds are flags of the server and are left to its answer.
'use strict';

const kProviderName = 'hearth';
// All are the one Node, or the one Python, that the server's host has.
const kRuntimes = [
  'node', 'nodejs', 'nodejs18.x', 'nodejs20.x', 'nodejs22.x', 'nodejs24.x',
  'python', 'python3.11', 'python3.12', 'python3.13', 'python3.14',
];

function settings() {
  return {
    runtime: { enum: kRuntimes },
    memorySize: { type: 'integer', minimum: 128 },  // MB
    timeout: { type: 'number', minimum: 0.001 },    // seconds
    concurrency: { type: 'integer', minimum: 1 },
    environment: {
      type: 'object',
      patternProperties: { '^[A-Za-z_][A-Za-z0-9_]*$': { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] } },
      additionalProperties: false,
    },
  };
}

function functionPackage() {
  const patterns = { type: 'array', items: { type: 'string' } };
  return {
    type: 'object',
    properties: {
      artifact: { type: 'string' },
      individually: { type: 'boolean' },
      patterns,
      exclude: patterns,  // of framework 3
      include: patterns,
    },
    additionalProperties: false,
  };
}

function schemaParts() {
  return {
    provider: { properties: { ...settings(), endpoint: { type: 'string' }, apiKey: { type: 'string' } } },
    function: {
      properties: { ...settings(), handler: { type: 'string' }, package: functionPackage() },
      required: ['handler'],
    },
  };
}

module.exports = { kProviderName, kRuntimes, schemaParts };
