// serverless deploy, serverless deploy function: everything is checked before anything is changed;
// then functions are made or replaced, and those that the file no longer has are removed.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { findArtifact, inspectArtifact, packageFolder, readArtifact } = require('./artifact');
const { HearthError } = require('./hearth_error');
const { namedFunction, ownedBy, readService } = require('./service');
const { sameSettings, settingsOf } = require('./settings');

// Says of which function an error is.
function about(key, work) {
  const named = (error) => (error instanceof HearthError ? new HearthError(error.code, `function ${key}: ${error.message}`) : error);
  try {
    const result = work();
    return result instanceof Promise ? result.catch((error) => { throw named(error); }) : result;
  } catch (error) {
    throw named(error);
  }
}

// Adds settings, and the package unless only the settings are to be changed.
function prepare(context, wanted) {
  return about(wanted.key, () => {
    const settings = settingsOf(context.serverless.service.provider, wanted.entry);
    const artifact = context.options['update-config'] ? null : inspectArtifact(findArtifact(context, wanted), settings);
    return { ...wanted, settings, artifact };
  });
}

// The function of that name on the server, if it is this service's; undefined when there is none.
function findPresent(service, deployed, { key, name }) {
  const present = deployed.find((candidate) => candidate.name === name);
  if (present && ownedBy(service, [present]).length === 0) {
    throw new HearthError(
      'HEARTH_NAME_TAKEN',
      `function ${key}: there is a function "${name}" that is not of service ${service.name}, stage ${service.stage}; ` +
        `it stays as it is: set functions.${key}.name, or remove it with "hearth delete ${name}"`);
  }
  return present;
}

function isUnchanged({ settings, artifact }, present) {
  return sameSettings(settings, present) && (!artifact || artifact.sha256 === present.codeSha256);
}

// "created", "updated" or "unchanged", and the function as it is now.
async function put(context, service, prepared, present) {
  const { api, options } = context;
  if (present && !options.force && isUnchanged(prepared, present)) {
    return { ...prepared, done: 'unchanged', deployed: present };
  }
  if (!present && !prepared.artifact) {
    throw new HearthError('HEARTH_NOT_DEPLOYED', 'it is not on the server, so that there are no settings to update: deploy it first');
  }
  const fields = prepared.artifact ? { ...prepared.settings, zipFile: readArtifact(prepared.artifact) } : prepared.settings;
  const deployed = present
    ? await api.update(present.id, fields)
    : await api.create({ name: prepared.name, displayName: service.marker, ...fields });
  return { ...prepared, done: present ? 'updated' : 'created', deployed };
}

function describe({ api }, { key, done, deployed }) {
  const heading = `${done} ${key}: version ${deployed.version}, ${deployed.memorySize} MB, time-out ${deployed.timeout / 1000} s`;
  return `${heading}\n  POST ${api.invokeUrl(deployed.name)}`;
}

async function putAll(context, service, functions) {
  const progress = context.progress.get('hearth');
  const deployed = await context.api.list();
  const pairs = functions.map((prepared) => [prepared, findPresent(service, deployed, prepared)]);
  for (const [prepared, present] of pairs) {
    progress.notice(`Uploading ${prepared.key}`);
    const result = await about(prepared.key, () => put(context, service, prepared, present));
    progress.remove();
    context.log.notice(describe(context, result));
  }
  return deployed;
}

async function removeStale(context, service, deployed) {
  const wanted = new Set(service.functions.map(({ name }) => name));
  for (const stale of ownedBy(service, deployed).filter(({ name }) => !wanted.has(name))) {
    await context.api.remove(stale.id);
    context.log.notice(`removed ${stale.name}: the service no longer has it`);
  }
}

async function deployService(context) {
  const service = readService(context);
  const functions = service.functions.map((wanted) => prepare(context, wanted));
  context.log.notice(`Deploying ${service.name} to stage ${service.stage} of ${context.api.endpoint}`);
  const deployed = await putAll(context, service, functions);
  await removeStale(context, service, deployed);
  context.log.success(`Service deployed to stage ${service.stage}`);
}

async function deployFunction(context) {
  const service = readService(context);
  await putAll(context, service, [prepare(context, namedFunction(service, context))]);
}

// serverless package --package DIR: the framework leaves moving the zips to the provider.
function keepPackages(context) {
  const { serverless } = context;
  const folder = packageFolder(context);
  if (!folder) {
    return;
  }
  const target = path.resolve(serverless.serviceDir, folder);
  fs.mkdirSync(target, { recursive: true });
  const packages = path.join(serverless.serviceDir, '.serverless');
  for (const file of fs.readdirSync(packages).filter((name) => name.endsWith('.zip'))) {
    fs.copyFileSync(path.join(packages, file), path.join(target, file));
  }
}

module.exports = { deployFunction, deployService, keepPackages };
