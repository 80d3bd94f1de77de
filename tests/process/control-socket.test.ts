/** The control socket across the life of a service: one path for every generation, gone with the last. */

import { readdirSync, statSync } from 'node:fs';
import { startApp, until } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { askControl, ControlClient, STATUS, STOP, statusPid, UPGRADE } from '../control.js';
import { dropped, type Plan, Prober, Scratch, stop, upgrade } from '../listeners.js';
import { IDLE } from '../service.js';

const test = anyTest.skipIf(process.platform !== 'linux');

let scratch: Scratch;
let path: string;
beforeEach(() => {
  scratch = new Scratch();
  path = scratch.path('control.sock');
});
afterEach(() => scratch[Symbol.dispose]());

const PORT = { name: 'app', listen: { port: 0, host: '127.0.0.1' } };
const plan = (options: object = { controlSocket: path }): Plan => ({ listeners: [PORT], options });
const sockets = () => readdirSync(scratch.dir).filter((name) => name !== 'plan.json');

test('a client that connects every millisecond is never refused, across five upgrades of the one inode', async () => {
  await using app = scratch.start(plan());
  await app.waitForGeneration(0);
  const { ino } = statSync(path);
  const prober = new Prober(() => statusPid(path), 1);
  for (let generation = 1; generation <= 5; generation++) {
    const result = await askControl(path, { ...UPGRADE, wait: true });
    expect(result).toMatchObject({ ok: true, generation });
    await app.waitForGeneration(generation);
    await prober.answeredBy(app.current().pid);
  }
  await prober.stop();
  const refused = prober.failures.filter((failure) => /ECONNREFUSED|ENOENT|EAGAIN/.test(String(failure)));
  expect(refused).toEqual([]);
  // On a busy machine a client may take longer for its first byte than the old process waits for it before it exits.
  expect(prober.failures.length).toBeLessThan(prober.pids.length / 50);
  expect(statSync(path)).toMatchObject({ ino });
  expect(dropped(app)).toEqual([]);
  expect(sockets()).toEqual(['control.sock']);
  await stop(app);
  expect(sockets()).toEqual([]);
});

test('an upgrade is not held up by it', async () => {
  await using app = scratch.start(plan());
  await app.waitForGeneration(0);
  expect(await askControl(path, UPGRADE)).toMatchObject({ ok: true });
  await app.waitForGeneration(1);
  // A listener that nobody claims takes a second more.
  expect(dropped(app)).toEqual([]);
  expect(await askControl(path, STATUS)).toMatchObject({
    status: { listeners: [`unix:${path}`, 'tcp:127.0.0.1:0'] },
  });
});

test('a version that drops the option removes the path, one that changes it has the new one', async () => {
  const other = scratch.path('other.sock');
  await using app = scratch.start(plan());
  await app.waitForGeneration(0);
  scratch.plan(plan({ controlSocket: other }));
  await upgrade(app);
  await until(() => sockets().join() === 'other.sock', { what: 'the path that was changed is gone' });
  expect(await askControl(other, STATUS)).toMatchObject({ status: { generation: 1 } });
  scratch.plan(plan({}));
  await upgrade(app);
  await until(() => sockets().length === 0, { what: 'the path that was dropped is gone' });
  scratch.plan(plan());
  await upgrade(app);
  expect(await askControl(path, STATUS)).toMatchObject({ status: { generation: 3 } });
});

test('the option may come with the variable', async () => {
  await using app = scratch.start(plan({}), { BYE_CONTROL_SOCKET: path });
  await app.waitForGeneration(0);
  expect(await statusPid(path)).toBe(app.pid);
});

test('a failed upgrade leaves it as it was', async () => {
  await using app = scratch.start(plan());
  await app.waitForGeneration(0);
  const { ino } = statSync(path);
  const options = { controlSocket: path, readiness: 'manual' };
  scratch.plan({ ...plan(options), unlinkFirst: [path], unlinkBy: 'shell', crash: 'after-listen' });
  expect(await askControl(path, UPGRADE)).toMatchObject({ ok: false });
  expect(await statusPid(path)).toBe(app.pid);
  expect(statSync(path).ino).toBe(ino);
  expect(sockets()).toEqual(['control.sock']);
});

test('an old process that still drains leaves the path alone when it ends', async () => {
  await using app = scratch.start(plan());
  const old = await app.waitForGeneration(0);
  const onOld = new ControlClient(path);
  expect(await askControl(path, UPGRADE)).toMatchObject({ ok: true });
  await app.waitForGeneration(1);
  // Stopped by a connection of its own while it drains.
  onOld.ask(STOP);
  await app.waitUntilGone(old.pid);
  expect(await statusPid(path)).toBe(app.current().pid);
});

test('SIGINT removes it', async () => {
  await using app = scratch.start(plan());
  await app.waitForGeneration(0);
  app.kill('SIGINT');
  await app.waitForExit();
  expect(sockets()).toEqual([]);
});

test('it keeps no process alive', async () => {
  await using app = startApp(IDLE, { env: { BYE_CONTROL_SOCKET: path } });
  await app.waitForLine('begun');
  const idle = new ControlClient(path);
  const watch = new ControlClient(path).ask({ request: 'status', watch: true });
  await watch.heard((answer) => 'status' in answer);
  app.kill('SIGUSR2');
  await app.waitForLine('over');
  expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
  await Promise.all([idle.closed, watch.closed]);
});

test('nor a new version that has nothing else to do until its time is up', async () => {
  await using app = scratch.start(plan({ controlSocket: path, successor: { script: IDLE, env: { TIME_MS: '100' } } }), {
    BYE_CONTROL_SOCKET: path,
  });
  await app.waitForGeneration(0);
  expect(await askControl(path, UPGRADE)).toMatchObject({
    error: { code: 'ERR_BYE_UPGRADE_EXITED', data: { exitCode: 0 } },
  });
  expect(await statusPid(path)).toBe(app.pid);
});
