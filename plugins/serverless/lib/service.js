// The service as its file describes it, and what of it the server has.
'use strict';

const { HearthError } = require('./hearth_error');
const { checkNames, markerOf } = require('./names');

function readService({ serverless, options }) {
  const { service } = serverless;
  const stage = options.stage || service.provider.stage || 'dev';
  const functions = service.getAllFunctions().map((key) => ({ key, name: service.getFunction(key).name, entry: service.getFunction(key) }));
  checkNames(functions);
  return { name: service.service, stage, marker: markerOf(service.service, stage), functions };
}

// Those that a deploy of this service and stage has made.
const ownedBy = (service, deployed) => deployed.filter((candidate) => candidate.displayName === service.marker);

// The one in the file that `-f` names. The framework's own error when there is none.
function namedFunction(service, { serverless, options }) {
  serverless.service.getFunction(options.function);
  return service.functions.find(({ key }) => key === options.function);
}

// Its entry in the server's list.
async function deployedFunction(service, context) {
  const wanted = namedFunction(service, context);
  const found = ownedBy(service, await context.api.list()).find(({ name }) => name === wanted.name);
  if (!found) {
    throw new HearthError(
      'HEARTH_NOT_DEPLOYED',
      `function ${wanted.key} of service ${service.name}, stage ${service.stage}, is not on ${context.api.endpoint}: run "serverless deploy" first`);
  }
  return found;
}

module.exports = { deployedFunction, namedFunction, ownedBy, readService };
