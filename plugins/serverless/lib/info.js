// serverless info: what of the service is on the server.
'use strict';

const { ownedBy, readService } = require('./service');
const { table } = require('./table');

function rowOf(key, deployed, api) {
  return [key, deployed.version, `${deployed.memorySize} MB`, `${deployed.timeout / 1000} s`, deployed.state, `POST ${api.invokeUrl(deployed.name)}`];
}

function rows(service, owned, api) {
  const present = new Map(owned.map((deployed) => [deployed.name, deployed]));
  const wanted = service.functions.map(({ key, name }) => {
    const deployed = present.get(name);
    present.delete(name);
    return deployed ? rowOf(key, deployed, api) : [key, '-', '-', '-', 'not deployed', ''];
  });
  const left = [...present.values()].map((deployed) => rowOf(`(${deployed.name}, no longer in the file)`, deployed, api));
  return [...wanted, ...left];
}

async function info(context) {
  const service = readService(context);
  const owned = ownedBy(service, await context.api.list());
  context.writeText(`service: ${service.name}\nstage: ${service.stage}\nendpoint: ${context.api.endpoint}\n`);
  const lines = rows(service, owned, context.api);
  context.writeText(lines.length ? table([['FUNCTION', 'VERSION', 'MEMORY', 'TIMEOUT', 'STATE', 'CALL'], ...lines]) : 'the service has no functions');
}

module.exports = { info };
