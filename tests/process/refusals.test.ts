import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type App, childrenOf, cleanEnvironment, startApp } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { ask, expectRefused, stderrOf, Workshop } from '../system/lab.js';

// What ends or loses the service when this process exits, of all that needs neither root nor packages of a system; the
// rest is in tests/system.

/** npm and the `node` in its scripts run on the Node of this test. */
const NPM = { execPath: 'npm', env: { PATH: cleanEnvironment()['PATH'] } };
const TSX = join(createRequire(import.meta.url).resolve('tsx/package.json'), '../dist/cli.mjs');

/** Parents are known from /proc, and so is what is left of a process. */
const test = anyTest.skipIf(process.platform !== 'linux');

let workshop: Workshop;
beforeEach(() => {
  workshop = new Workshop();
});
afterEach(() => workshop[Symbol.dispose]());

/** Starts, is refused, ends the app's process and then `app` itself, and sees that nothing is left. */
async function refuses(app: App, remedy: RegExp, endFirst?: NodeJS.Signals): Promise<void> {
  await using _ = app;
  const service = await app.waitForGeneration(0);
  const { pid } = service;
  await expectRefused(stderrOf(app), service, remedy);
  app.kill('SIGTERM', pid);
  await app.waitUntilGone(pid);
  if (endFirst !== undefined) app.child.kill(endFirst);
  await app.waitForExit();
  expect(app.strays()).toEqual([]);
}

test('under npm an upgrade is refused, with the command to start it with', async () => {
  workshop.write('package.json', JSON.stringify({ scripts: { start: 'node app.js' } }));
  await refuses(startApp(['start', '--silent'], { ...NPM, cwd: workshop.dir }), /node app\.js/);
});

test('under a wrapper under npm it is refused, too', async () => {
  workshop.write('package.json', JSON.stringify({ scripts: { start: 'sh start.sh; true' } }));
  workshop.write('start.sh', 'node app.js\ntrue\n');
  await refuses(startApp(['start', '--silent'], { ...NPM, cwd: workshop.dir }), /node app\.js/);
});

test('under tsx an upgrade is refused, with the command to start it with', async () => {
  await refuses(startApp([TSX, 'app.js'], { cwd: workshop.dir }), /node --import tsx/);
});

test('under `node --watch` an upgrade is refused, with the command to start it with', async () => {
  await refuses(startApp(['--watch', 'app.js'], { cwd: workshop.dir }), /without --watch/, 'SIGTERM');
});

test('in a cluster worker an upgrade is refused, and the primary named', async () => {
  workshop.write(
    'primary.js',
    "const cluster = require('node:cluster'); cluster.setupPrimary({ exec: 'app.js' }); cluster.fork();",
  );
  await refuses(startApp('primary.js', { cwd: workshop.dir }), /primary fork a new worker/);
});

test('below a parent that forked it, with an IPC channel, an upgrade is refused', async () => {
  workshop.write('parent.js', "require('node:child_process').fork('app.js')");
  await refuses(startApp('parent.js', { cwd: workshop.dir }), /'ipc' in stdio/);
});

test('below a parent that spawned it without a channel an upgrade is not refused', async () => {
  workshop.write('parent.js', "require('node:child_process').spawn('node', ['app.js'], { stdio: 'inherit' })");
  await using app = startApp('parent.js', { cwd: workshop.dir });
  await app.waitForGeneration(0);
  app.kill('SIGUSR1');
  const { pid, port } = await app.waitForGeneration(1);
  expect(await ask(port)).toMatchObject({ pid, generation: 1 });
  app.kill('SIGTERM');
  await app.waitUntilGone(pid);
  await app.waitForExit();
  expect(app.strays()).toEqual([]);
});

test('in a worker thread an upgrade is refused', async () => {
  const main = workshop.write('main.js', "new (require('node:worker_threads').Worker)('./app.js')");
  await using app = startApp(main, { cwd: workshop.dir });
  const { pid, port } = await app.waitForGeneration(0);
  expect(await ask(port, '/upgrade')).toMatchObject({
    pid,
    refused: { code: 'ERR_BYE_UPGRADE_UNSAFE', message: expect.stringContaining('main thread') },
  });
  expect(await ask(port)).toMatchObject({ pid, generation: 0 });
  expect(childrenOf(pid)).toEqual([]);
  app.kill('SIGKILL');
  await app.waitForExit();
});
