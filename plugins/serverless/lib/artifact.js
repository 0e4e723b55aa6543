// Which zip the framework has made, or the user has given, for a function.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const { checkHandlerFile } = require('./handler');
const { HearthError } = require('./hearth_error');
const { zipEntries } = require('./zip_entries');

// The folder of `--package` or `package.path`; undefined when the command has packaged by itself.
const packageFolder = ({ serverless, options }) => options.package || serverless.service.package.path;

function candidates(context, { key, entry }) {
  const { service } = context.serverless;
  const folder = packageFolder(context);
  if (folder) {
    return [path.join(folder, `${key}.zip`), path.join(folder, `${service.service}.zip`)];
  }
  const given = entry.package?.artifact || service.package.artifact;
  return [given || path.join('.serverless', `${key}.zip`)];
}

function findArtifact(context, wanted) {
  const paths = candidates(context, wanted).map((candidate) => path.resolve(context.serverless.serviceDir, candidate));
  const found = paths.find((candidate) => fs.existsSync(candidate));
  if (!found) {
    throw new HearthError('HEARTH_NO_PACKAGE', `function ${wanted.key}: there is no package at ${paths.join(' or ')}`);
  }
  return found;
}

// Its digest, as the server computes it, after a look at whether the handler's file is in it.
function inspectArtifact(file, { handler, runtime }) {
  const zip = fs.readFileSync(file);
  const entries = zipEntries(zip);
  if (entries) {
    checkHandlerFile(handler, entries, runtime);
  }
  return { path: file, bytes: zip.length, sha256: crypto.createHash('sha256').update(zip).digest('hex') };
}

const readArtifact = (artifact) => fs.readFileSync(artifact.path).toString('base64');

module.exports = { findArtifact, inspectArtifact, packageFolder, readArtifact };
