// The real server for the end-to-end test: `hearth serve` on a free port, with a data directory of its own.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const kStartMs = 30_000;
const kStopMs = 40_000;

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function isHealthy(endpoint) {
  try {
    return (await fetch(`${endpoint}/health`)).ok;
  } catch {
    return false;
  }
}

async function startServer(folder, flags) {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const log = path.join(folder, 'server.log');
  const place = ['--listen', endpoint.slice('http://'.length), '--data-dir', path.join(folder, 'data')];
  const child = spawn(process.env.HEARTH_BINARY, ['serve', ...place, ...flags], {
    stdio: ['ignore', 'ignore', fs.openSync(log, 'w')],
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const bound = Date.now() + kStartMs;
  while (!(await isHealthy(endpoint))) {
    if (child.exitCode !== null || Date.now() > bound) {
      child.kill('SIGKILL');
      throw new Error(`hearth serve did not start:\n${fs.readFileSync(log, 'utf8')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const stop = async () => {
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), kStopMs);
    await ended;
    clearTimeout(patience);
  };
  return { endpoint, stop };
}

module.exports = { freePort, startServer };
