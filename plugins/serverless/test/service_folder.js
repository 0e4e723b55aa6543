// A service's folder as a user has it: serverless.yml, code, and in node_modules the plugin as npm would
// publish it. And the framework's command line in it.
'use strict';

const { execFile, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const kCommandMs = 30_000;
const kPlugin = path.join(__dirname, '..');

// Unpacks what `npm pack` makes below `folder`; its path.
async function packPlugin(folder) {
  const run = promisify(execFile);
  const { stdout } = await run('npm', ['pack', '--silent', '--offline', '--pack-destination', folder], {
    cwd: kPlugin,
    env: { ...process.env, HOME: folder, npm_config_cache: path.join(folder, 'npm') },
  });
  await run('tar', ['xzf', path.join(folder, stdout.trim()), '-C', folder]);
  return path.join(folder, 'package');
}

class ServiceFolder {
  // `program` is the framework's file; `environment` beside the one that every command has.
  constructor(folder, { program, plugin, environment }) {
    this.folder = folder;
    this.program = program;
    this.environment = environment;
    fs.mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
    fs.symlinkSync(plugin, path.join(folder, 'node_modules', 'serverless-hearth'));
  }

  write(relative, text) {
    const file = path.join(this.folder, relative);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }

  start(words, environment = {}) {
    return spawn(process.execPath, [this.program, ...words], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: this.folder,
        CI: '1',
        SLS_NOTIFICATIONS_MODE: 'off',
        SLS_TELEMETRY_DISABLED: '1',
        SLS_TRACKING_DISABLED: '1',
        ...this.environment,
        ...environment,
      },
    });
  }

  // {code, stdout, stderr, all}
  run(words, environment = {}) {
    return new Promise((resolve) => {
      const child = this.start(words, environment);
      const patience = setTimeout(() => child.kill('SIGKILL'), kCommandMs);
      const result = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr']) {
        child[stream].setEncoding('utf8').on('data', (text) => { result[stream] += text; });
      }
      child.on('close', (code) => {
        clearTimeout(patience);
        resolve({ code, ...result, all: result.stdout + result.stderr });
      });
    });
  }
}

module.exports = { ServiceFolder, packPlugin };
