import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type App, type StartOptions, startApp, until } from '@bye/testkit';
import { afterEach, beforeEach, expect, type TestContext, test } from 'vitest';
import { expectRefused, findOuterPid, missing, type Service, stderrOf, Workshop } from './lab.js';

const NODE = process.execPath;
const PM2 = fileURLToPath(new URL('../../node_modules/.cache/bye/pm2', import.meta.url));

let workshop: Workshop;
beforeEach(() => {
  workshop = new Workshop();
});
afterEach(() => workshop[Symbol.dispose]());

function start(command: readonly string[], options: StartOptions = {}): App {
  const [execPath = '', ...args] = command;
  return startApp(args, { cwd: workshop.dir, ...options, execPath });
}

function skipUnless(context: TestContext, programs: readonly string[], options?: { root: boolean }): void {
  const reason = missing(programs, options);
  if (reason !== undefined) context.skip(reason);
}

/** A PID namespace as a container has it, /proc included. */
const NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];

test.for<[string, string[], RegExp]>([
  ['as PID 1 of a PID namespace', [NODE, 'app.js'], /PID 1.*let the orchestrator replace the container/i],
  ['under tini', ['tini', '--', NODE, 'app.js'], /tini .*let the orchestrator replace the container/i],
  ['under a shell under tini', ['tini', '--', 'sh', '-c', `${NODE} app.js; exit $?`], /tini .*replace the container/i],
  ["under a container's shell", ['sh', '-c', `${NODE} app.js; exit $?`], /PID 1, is sh.*replace the container/i],
])('%s an upgrade is refused', async ([, command, remedy], context) => {
  skipUnless(context, ['unshare', 'tini'], { root: true });
  await using app = start([...NAMESPACE, ...command], { env: { ANNOUNCE: 'inside' } });
  const service = await findInside(app);
  await expectRefused(stderrOf(app), service, remedy);
  process.kill(service.outerPid, 'SIGTERM');
  expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
  expect(app.strays()).toEqual([]);
});

async function findInside(app: App): Promise<Service & { outerPid: number }> {
  const line = await app.waitForLine(/^inside /);
  const [, pid, port] = /pid=(\d+) generation=0 port=(\d+)/.exec(line) ?? [];
  return { pid: Number(pid), port: Number(port), outerPid: findOuterPid(Number(pid), workshop.dir) };
}

test.for([
  ['runsv', 'runsv', `exec ${NODE} app.js`, /runsv .*sv restart/],
  ['a run script under runsv', 'runsv', `${NODE} app.js`, /runsv .*sv restart/],
  ['s6', 's6-supervise', `exec ${NODE} app.js`, /s6-supervise .*s6-svc -r/],
] as const)('under %s an upgrade is refused', async ([, supervisor, run, remedy], context) => {
  skipUnless(context, [supervisor]);
  await using app = start([supervisor, workshop.writeService(run)]);
  const service = await app.waitForGeneration(0);
  await expectRefused(stderrOf(app), service, remedy);
  app.child.kill('SIGTERM');
  await app.waitForExit();
  // A run script that does not exec leaves its child behind.
  app.kill('SIGTERM', service.pid);
  await app.waitUntilGone(service.pid);
  expect(app.strays()).toEqual([]);
});

test.for(['fork', 'cluster'])('under pm2, mode %s, an upgrade is refused', async (mode, context) => {
  const pm2 = installPm2();
  if (pm2 === undefined) return context.skip('cannot install pm2');
  const [out, err] = [join(workshop.dir, 'out.log'), join(workshop.dir, 'err.log')];
  const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const options = { env: { PM2_HOME: join(workshop.dir, 'pm2'), PM2_DISCRETE_MODE: 'true' } };

  const instances = mode === 'cluster' ? ['-i', '1'] : [];
  const logs = ['--output', out, '--error', err, '--merge-logs'];
  // Ends when its daemon has taken the app over.
  await using app = start([NODE, pm2, 'start', 'app.js', ...instances, ...logs], options);
  expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
  const [, pid, port] = await until(() => /ready pid=(\d+) generation=0 port=(\d+)/.exec(read(out)));
  // A worker's descriptor 2 is that of pm2's daemon, which writes a log of its own.
  const stderr = () => read(err) + read(join(workshop.dir, 'pm2/pm2.log'));
  await expectRefused(stderr, { pid: Number(pid), port: Number(port) }, /pm2 .*pm2 reload/);

  await using end = start([NODE, pm2, 'kill'], options);
  expect(await end.waitForExit()).toEqual({ code: 0, signal: null });
  await until(() => app.strays().length === 0, { what: 'pm2 and the app have ended' });
});

/** Once, and never as a dependency. @returns its script; undefined if it cannot be had */
function installPm2(): string | undefined {
  const script = join(PM2, 'node_modules/pm2/bin/pm2');
  if (existsSync(script)) return script;
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  mkdirSync(PM2, { recursive: true });
  const { status } = spawnSync('npm', ['install', '--prefix', PM2, ...flags, 'pm2@7'], { stdio: 'ignore' });
  return status === 0 ? script : undefined;
}
