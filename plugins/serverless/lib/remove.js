// serverless remove: every function of this service and stage, and no other.
'use strict';

const { ownedBy, readService } = require('./service');

async function remove(context) {
  const service = readService(context);
  const owned = ownedBy(service, await context.api.list());
  for (const { id, name } of owned) {
    await context.api.remove(id);
    context.log.notice(`removed ${name}`);
  }
  const what = `service ${service.name}, stage ${service.stage}`;
  context.log.success(owned.length ? `Removed ${what}` : `Nothing of ${what} is on ${context.api.endpoint}`);
}

module.exports = { remove };
