import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type App, childrenOf } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { answeredBy, askRaw, type ListenerPlan, type Plan, Prober, Scratch, stop, upgrade } from '../listeners.js';

const test = anyTest.skipIf(process.platform !== 'linux');

let scratch: Scratch;
let path: string;
let pidFile: string;
let env: Record<string, string>;
beforeEach(() => {
  scratch = new Scratch();
  path = scratch.path('app.sock');
  pidFile = scratch.path('app.pid');
  env = { PIDFILE: pidFile };
});
afterEach(() => scratch[Symbol.dispose]());

const plan = (more: Partial<Plan> = {}): Plan => ({ listeners: [{ name: 'app', listen: { path } }], ...more });

/** A client that connects every millisecond. */
function hammer(): Prober {
  return new Prober(() => answeredBy({ socketPath: path }), 1);
}

function expectOnly(...names: string[]): void {
  expect(readdirSync(scratch.dir).sort()).toEqual(['plan.json', ...names].sort());
}

async function failUpgrade(app: App): Promise<void> {
  const { pid } = app.current();
  const from = app.log.lines.length;
  app.kill('SIGUSR1');
  await app.waitForLine(/upgrade failed, this process serves on/, { from });
  expect(childrenOf(pid)).toEqual([]);
}

test('a client that connects to the path every millisecond never fails, across five upgrades', async () => {
  await using app = scratch.start(plan(), env);
  await app.waitForGeneration(0);
  const client = hammer();
  for (let generation = 1; generation <= 5; generation++) {
    const { pid } = await upgrade(app);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${pid}\n`);
    await client.answeredBy(pid);
  }
  await client.stop();
  expect(client.failures).toEqual([]);
  expectOnly('app.pid', 'app.sock');
  await stop(app);
  expectOnly();
});

test.each(['before-listen', 'after-listen'] as const)(
  'nor when the new version unlinks the path and crashes %s',
  async (crash) => {
    await using app = scratch.start(plan(), env);
    const { pid } = await app.waitForGeneration(0);
    const client = hammer();
    // By its own path, and from beside: nothing that a preload could hold back.
    for (const unlinkBy of ['node', 'shell'] as const) {
      scratch.plan(plan({ unlinkFirst: [path], unlinkBy, crash, options: { readiness: 'manual' } }));
      await failUpgrade(app);
      expect(await answeredBy({ socketPath: path })).toBe(pid);
      expect(readFileSync(pidFile, 'utf8')).toBe(`${pid}\n`);
      if (unlinkBy === 'node') await client.stop();
    }
    expect(client.failures).toEqual([]);
    expectOnly('app.pid', 'app.sock');
    scratch.plan(plan());
    await upgrade(app);
    await stop(app);
    expectOnly();
  },
);

test('nor when the new version unlinks the path before it listens, and succeeds', async () => {
  const unlinking = plan({ unlinkFirst: [path] });
  await using app = scratch.start(unlinking, env);
  await app.waitForGeneration(0);
  const client = hammer();
  for (let generation = 1; generation <= 3; generation++) await client.answeredBy((await upgrade(app)).pid);
  await client.stop();
  expect(client.failures).toEqual([]);
  expectOnly('app.pid', 'app.sock');
  await stop(app);
  expectOnly();
});

test('a path that was removed by other means is back after the upgrade', async () => {
  await using app = scratch.start(plan(), env);
  await app.waitForGeneration(0);
  scratch.plan(plan({ unlinkFirst: [path], unlinkBy: 'shell' }));
  const { pid } = await upgrade(app);
  expect(await answeredBy({ socketPath: path })).toBe(pid);
  expectOnly('app.pid', 'app.sock');
});

test('a path and a PID file that SIGKILL left behind are stale at the next start', async () => {
  await using killed = scratch.start(plan(), env);
  const { pid } = await killed.waitForGeneration(0);
  killed.kill('SIGKILL');
  await killed.waitUntilGone(pid);
  // What an upgrade under way would have left as well.
  writeFileSync(`${pidFile}.${pid}`, `${pid}\n`);
  expect(existsSync(path)).toBe(true);

  await using app = scratch.start(plan(), env);
  const first = await app.waitForGeneration(0);
  expect(await answeredBy({ socketPath: path })).toBe(first.pid);
  expect(readFileSync(pidFile, 'utf8')).toBe(`${first.pid}\n`);
  await upgrade(app);
  await stop(app);
});

test('what SIGKILL in the middle of an upgrade left behind is cleared at the next start', async () => {
  await using killed = scratch.start(plan(), env);
  const { pid } = await killed.waitForGeneration(0);
  scratch.plan(plan({ options: { readiness: 'manual' }, goFile: scratch.path('never') }));
  killed.kill('SIGUSR1');
  await killed.waitForLine(/^listening /);
  expect(readdirSync(scratch.dir)).toContain('.app.sock.held');
  for (const child of childrenOf(pid)) process.kill(child.pid, 'SIGKILL');
  killed.kill('SIGKILL');
  await killed.waitUntilGone(pid);

  await using app = scratch.start(plan(), env);
  const first = await app.waitForGeneration(0);
  expect(await answeredBy({ socketPath: path })).toBe(first.pid);
  expectOnly('app.pid', 'app.sock');
  await stop(app);
  expectOnly();
});

test.each(['http', 'raw'] as const)(
  'the path of a server (%s) that was never attached goes with the last stop',
  async (kind) => {
    const stray: ListenerPlan = { name: 'stray', kind, listen: { path }, attach: 'none' };
    await using app = scratch.start({ listeners: [stray, { name: 'app', listen: { port: 0 } }] }, env);
    await app.waitForGeneration(0);
    const { pid } = await upgrade(app);
    if (kind === 'raw') expect(await askRaw({ path })).toBe(pid);
    expectOnly('app.pid', 'app.sock');
    await stop(app);
    expectOnly();
  },
);
