// The plugin in real frameworks against a real server: the example, deployed and changed as its user
// would. Run it by test/run, which leaves no network but loopback.
'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

const { freePort, startServer } = require('./hearth_server');
const { ServiceFolder, packPlugin } = require('./service_folder');

const kKey = 'end-to-end-key-5e1f';
const kExample = path.join(__dirname, '..', 'example');
const kModules = path.join(__dirname, 'node_modules');
const kFrameworks = [
  { name: 'serverless 3', stage: 'three', version: /^3\.40\.0$/, program: path.join(kModules, 'serverless', 'bin', 'serverless.js') },
  { name: 'osls 4', stage: 'four', version: /^4\./, program: path.join(kModules, 'osls', 'bin', 'serverless.js') },
];
const kFilesFunction = `
  files:
    handler: ./src/files.js
    package:
      patterns: [src/files.js, 'data/**', '!data/secret.txt']
`;
const kListFiles = `
const fs = require('fs');
const walk = (folder) => fs.readdirSync(folder, { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? walk(folder + '/' + entry.name) : [folder + '/' + entry.name]));
module.exports = () => walk('/code').sort();
`;

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-plugin-'));
fs.chmodSync(scratch, 0o755);  // the server is another user
let server;
let plugin;

async function ask(method, target, body) {
  const response = await fetch(server.endpoint + target, {
    method, body: body && JSON.stringify(body), headers: { 'Authorization': `Bearer ${kKey}`, 'Content-Type': 'application/json' },
  });
  const text = await response.text();
  return { status: response.status, json: text ? JSON.parse(text) : null };
}

const show = async (name) => (await ask('GET', `/functions/${name}`)).json;
const exists = async (name) => (await ask('GET', `/functions/${name}`)).status === 200;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function eventually(condition) {
  const bound = Date.now() + 15_000;
  while (!condition()) {
    assert.ok(Date.now() < bound, 'it did not come to pass in time');
    await pause(50);
  }
}

before(async () => {
  for (const { program, version } of kFrameworks) {
    assert.match(require(path.join(path.dirname(program), '..', 'package.json')).version, version);
  }
  const interfaces = Object.values(os.networkInterfaces()).flat();
  assert.ok(interfaces.every(({ internal }) => internal), 'there is more network than loopback: run it by test/run');
  plugin = await packPlugin(scratch);
  server = await startServer(scratch, ['--api-key', kKey, '--memory', '2048', '--max-zip-bytes', '200KB']);
});

after(async () => {
  await server?.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
});

function flow({ stage, program }) {
  const nameOf = (key) => `shop-${stage}-${key}`;
  const outputs = [];
  let service;
  let original;

  const sls = async (line, { environment } = {}) => {
    const words = Array.isArray(line) ? line : line.split(' ');
    const result = await service.run([...words, '--stage', stage], environment);
    outputs.push(result.all);
    return result;
  };
  const succeeds = async (line, options) => {
    const result = await sls(line, options);
    assert.strictEqual(result.code, 0, `${line}: ${result.all}`);
    return result;
  };
  const fails = async (line, message, options) => {
    const result = await sls(line, options);
    assert.strictEqual(result.code, 1, `${line}: ${result.all}`);
    assert.match(result.all, message, `${line}`);
    return result;
  };
  const call = async (key, input) => (await ask('POST', `/functions/${nameOf(key)}/invoke`, input)).json.output;
  const edit = (file, from, to) => {
    const text = fs.readFileSync(path.join(service.folder, file), 'utf8');
    assert.ok(text.includes(from), `${file} has no "${from}"`);
    service.write(file, text.replace(from, to));
  };
  // Runs `work` with a changed serverless.yml.
  const edited = async (from, to, work) => {
    const text = fs.readFileSync(path.join(service.folder, 'serverless.yml'), 'utf8');
    edit('serverless.yml', from, to);
    await work();
    service.write('serverless.yml', text);
  };

  before(() => {
    service = new ServiceFolder(path.join(scratch, stage), {
      program, plugin, environment: { HEARTH_ENDPOINT: server.endpoint, HEARTH_API_KEY: kKey },
    });
    fs.cpSync(path.join(kExample, 'src'), path.join(service.folder, 'src'), { recursive: true });
    fs.copyFileSync(path.join(kExample, 'serverless.yml'), path.join(service.folder, 'serverless.yml'));
    original = fs.readFileSync(path.join(service.folder, 'serverless.yml'), 'utf8');
  });

  it('refuses wrong settings by the schema, and deploys nothing', async () => {
    service.write('serverless.yml', original
      .replace('memorySize: 256', 'memorySize: lots')
      .replace('timeout: 10 # seconds', 'timeout: 0')
      .replace('runtime: node', 'runtime: ruby3.3')
      .replace('    handler: src/greet.handler\n', ''));
    const { all } = await fails('deploy', /functions\.total\.memorySize/);
    assert.match(all, /Error:\s+Configuration error/);
    assert.match(all, /provider\.timeout/);
    assert.match(all, /provider\.runtime/);
    assert.match(all, /functions\.greet.*handler/);
    service.write('serverless.yml', original);
  });

  it('refuses what only the plugin or the server can see', async () => {
    await edited('src/orders.total', 'src/order.total', () =>
      fails('deploy', /function total: the package has no src\/order\.js.*handler/));
    assert.deepStrictEqual((await ask('GET', '/functions')).json.filter(({ name }) => name.includes(stage)), []);
    await edited('memorySize: 128', 'memorySize: 1000000', () => fails('deploy', /"memorySize" is a whole number from 128 to 1024/));
    await fails('invoke -f greet', /is not on http.*run "serverless deploy" first/);
  });

  it('tells what to do when there is no server, or no key for it', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    await fails('deploy', /no Hearth server answers at .*hearth serve/, { environment: { HEARTH_ENDPOINT: nobody } });
    await fails('info', /set HEARTH_API_KEY/, { environment: { HEARTH_API_KEY: '' } });
  });

  it('leaves a function of the same name alone that is not its own', async () => {
    const zipFile = fs.readFileSync(path.join(service.folder, '.serverless', 'greet.zip')).toString('base64');
    const { json } = await ask('POST', '/functions', { name: nameOf('greet'), handler: 'src/greet.handler', zipFile });
    await fails('deploy', /function greet: there is a function ".*" that is not of service shop/);
    assert.strictEqual((await show(nameOf('greet'))).version, 1);
    assert.ok(!(await exists(nameOf('total'))), 'nothing is deployed when one name is taken');
    await ask('DELETE', `/functions/${json.id}`);
  });

  it('deploys, and what it printed can be called', async () => {
    const { all } = await succeeds('deploy --verbose');
    const url = `${server.endpoint}/functions/${nameOf('greet')}/invoke`;
    assert.ok(all.includes(`POST ${url}`), all);
    assert.deepStrictEqual(await call('greet', { name: 'Ada' }), { greeting: 'Hello, Ada!' });
    const total = await show(nameOf('total'));
    assert.strictEqual(total.memorySize, 256);
    assert.strictEqual(total.timeout, 10_000);
    assert.deepStrictEqual(total.environment, { CURRENCY: 'EUR' });
  });

  it('shows what is deployed', async () => {
    const { stdout } = await succeeds('info');
    assert.match(stdout, new RegExp(`service: shop\nstage: ${stage}\nendpoint: ${server.endpoint}`));
    assert.match(stdout, /greet +1 +128 MB +10 s +active +POST http/);
    assert.match(stdout, /total +1 +256 MB/);
  });

  it('keeps a key that stands in the file out of what is printed, and warns of it once', async () => {
    await edited('  name: hearth', `  name: hearth\n  apiKey: ${kKey}`, async () => {
      assert.match((await succeeds('print')).stdout, /apiKey: \(not shown\)/);
      assert.doesNotMatch((await succeeds('print --path provider.apiKey --format text')).stdout, new RegExp(kKey));
      const { all } = await succeeds('deploy', { environment: { HEARTH_API_KEY: '' } });
      assert.strictEqual(all.split('the API key stands in the service\'s file').length, 2, all);
    });
    await edited('  name: hearth', '  name: hearth\n  apiKey: ${env:HEARTH_API_KEY}', async () => {
      assert.match((await succeeds('print')).stdout, /apiKey: \(not shown\)/);
      assert.doesNotMatch((await succeeds('info')).all, /the API key stands/);
    });
  });

  it('invokes with JSON, with a file, and shows the log', async () => {
    const total = await succeeds(['invoke', '-f', 'total', '--data', '{"items": [{"price": 2, "count": 3}]}']);
    assert.deepStrictEqual(JSON.parse(total.stdout), { total: 6, currency: 'EUR' });
    service.write('ada.yml', 'name: Ada\n');
    const greet = await succeeds('invoke -f greet --path ada.yml --log');
    assert.deepStrictEqual(JSON.parse(greet.stdout), { greeting: 'Hello, Ada!' });
    assert.match(greet.stderr, /\| greeting Ada/);
  });

  it('fails when the function fails', async () => {
    const { stdout } = await fails(['invoke', '-f', 'total', '--data', '{}'],
      /function total failed \(function_error\)\nTypeError: "items" is an array[^]*at exports\.total \(.*orders\.js/);
    assert.ok(!stdout.startsWith('{'));
  });

  it('replaces what has changed, without a failed call, and leaves the rest', async () => {
    edit('src/greet.js', 'Hello', 'Good day');
    edit('serverless.yml', 'memorySize: 256', 'memorySize: 192\n    environment: {CURRENCY: null, DEBUG: true}');
    const statuses = new Set();
    let deploying = true;
    const calls = (async () => {
      while (deploying) {
        statuses.add((await ask('POST', `/functions/${nameOf('greet')}/invoke`, {})).status);
        await pause(5);
      }
    })();
    const { all } = await succeeds('deploy');
    deploying = false;
    await calls;
    assert.deepStrictEqual([...statuses], [200]);
    assert.match(all, /updated greet: version 2[^]*updated total: version 2, 192 MB/);
    assert.deepStrictEqual((await show(nameOf('total'))).environment, { DEBUG: 'true' });
    assert.deepStrictEqual(await call('greet', {}), { greeting: 'Good day, world!' });
  });

  it('deploys one function, its code or only its settings', async () => {
    edit('src/greet.js', 'Good day', 'Welcome');
    edit('serverless.yml', 'memorySize: 192', 'memorySize: 160');
    await succeeds('deploy function -f greet');
    assert.deepStrictEqual(await call('greet', {}), { greeting: 'Welcome, world!' });
    assert.strictEqual((await show(nameOf('total'))).version, 2);
    edit('src/orders.js', 'count, 0)', 'count, 1000)');
    await succeeds('deploy function -f total --update-config');
    const total = await show(nameOf('total'));
    assert.deepStrictEqual([total.version, total.memorySize], [3, 160]);
    assert.strictEqual((await call('total', { items: [] })).total, 0);
  });

  it('packages by the patterns, and refuses what is too large', async () => {
    service.write('src/files.js', kListFiles);
    service.write('data/a/b.txt', 'b');
    service.write('data/secret.txt', 'secret');
    edit('serverless.yml', 'functions:', `functions:${kFilesFunction}`);
    await succeeds('package --package out');
    const { all } = await succeeds('deploy --package out');
    assert.match(all, /created files: version 1/);
    assert.deepStrictEqual(await call('files'), ['/code/data/a/b.txt', '/code/src/files.js']);
    service.write('data/large.bin', require('node:crypto').randomBytes(300_000));
    await fails('deploy', /function files: .*413.*package\.patterns/);
    fs.rmSync(path.join(service.folder, 'data/large.bin'));
    assert.strictEqual((await show(nameOf('files'))).version, 1);
  });

  it('shows logs: all, those with a word, and the next ones', async () => {
    const all = (await succeeds('logs -f greet')).stdout;
    assert.match(all, /returned.*cold.*\n {2}\| greeting Ada/);
    assert.match(all, /greeting world/);
    const some = (await succeeds('logs -f greet --filter Ada --startTime 1h')).stdout;
    assert.match(some, /greeting Ada/);
    assert.doesNotMatch(some, /greeting world/);
    const child = service.start(['logs', '-f', 'greet', '--tail', '--interval', '50', '--startTime', '1s', '--stage', stage]);
    let seen = '';
    child.stdout.on('data', (text) => { seen += text; });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    const caller = setInterval(() => ask('POST', `/functions/${nameOf('greet')}/invoke`, { name: 'tail' }), 100);
    await eventually(() => (seen.match(/greeting tail/g) || []).length >= 15);  // more than the start holds
    clearInterval(caller);
    child.kill('SIGINT');
    await ended;
    const calls = seen.match(/(?<=(warm|cold) {2})\S{36}$/gm);
    assert.strictEqual(new Set(calls).size, calls.length, 'each call is shown once');
  });

  it('shows metrics, and whose they are', async () => {
    const { stdout } = await succeeds('metrics');
    assert.match(stdout, new RegExp(`${nameOf('total')} +\\d+ +1 \\(1 threw\\)`));
    assert.match(stdout, new RegExp(`${nameOf('greet')} +[1-9]`));
    assert.match(stdout, /from the calls that the server's log still holds/);
    assert.match(stdout, /All functions of the server, of every service[^]*invocations: [1-9]\d*\n[^]*cold starts: [1-9]/);
    const one = (await succeeds('metrics -f greet --endTime 1h')).stdout;
    assert.match(one, new RegExp(`${nameOf('greet')} +0 +0`));
    assert.doesNotMatch(one, new RegExp(`${nameOf('total')}|All functions`));
  });

  it('removes a function that was taken out of the file, and no other', async () => {
    service.write('serverless.yml', `${original.slice(0, original.indexOf('  total:'))}`);
    assert.match((await succeeds('info')).stdout, /no longer in the file/);
    const { json } = await ask('POST', '/functions', {
      name: nameOf('neighbour'), handler: 'src/greet.handler',
      zipFile: fs.readFileSync(path.join(service.folder, '.serverless', 'greet.zip')).toString('base64'),
    });
    const { all } = await succeeds('deploy');
    assert.match(all, new RegExp(`unchanged greet: version 3[^]*removed ${nameOf('total')}: the service no longer has it`));
    assert.ok(!(await exists(nameOf('total'))));
    assert.ok(await exists(nameOf('greet')));
    assert.ok(await exists(nameOf('neighbour')), 'a name that begins alike is no reason');
    await ask('DELETE', `/functions/${json.id}`);
  });

  it('removes the service, of this stage only', async () => {
    const zipFile = fs.readFileSync(path.join(service.folder, '.serverless', 'greet.zip')).toString('base64');
    const other = await ask('POST', '/functions', { displayName: 'serverless:shop/production', handler: 'src/greet.handler', zipFile });
    await succeeds('remove');
    assert.ok(!(await exists(nameOf('greet'))));
    assert.ok(await exists(other.json.id));
    await ask('DELETE', `/functions/${other.json.id}`);
    assert.match((await succeeds('info')).stdout, /greet +- .*not deployed/);
  });

  it('has never shown the key', () => {
    assert.ok(outputs.length > 20);
    assert.ok(outputs.every((text) => !text.includes(kKey)));
  });
}

// A framework that this Node is too old for says so; anything else is for the tests to find out.
function unsupported({ program }) {
  const { status, stderr } = spawnSync(process.execPath, [program, '--version'], { encoding: 'utf8' });
  return status !== 0 && stderr.includes('does not support') ? stderr.trim() : false;
}

describe('frameworks', { concurrency: 2 }, () => {
  for (const framework of kFrameworks) {
    describe(framework.name, { concurrency: 1, skip: unsupported(framework) }, () => flow(framework));
  }
});
