import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createRawServer } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import * as core from '../../src/index.js';
import { createTestBye } from '../../src/testing.js';
import { settle } from '../fake-host.js';

const { Bye } = core;
afterEach(() => vi.unstubAllEnvs());

/** The promise of the public surface: a name that comes, goes or changes belongs here and in a changeset. */
const EXPORTS = ['Bye', 'ByeError', 'processBye', 'ready', 'systemdPorts', 'systemdTcpListener', 'valueState'];
const MEMBERS = [
  'addState',
  'attach',
  'bindApp',
  'canUpgrade',
  'constructor',
  'deadlineSignal',
  'drain',
  'generation',
  'health',
  'hooks',
  'isRunning',
  'markEndless',
  'onBeforeUpgrade',
  'onClose',
  'onGoodbye',
  'onShutdown',
  'onSignal',
  'onUpgradeFailed',
  'phase',
  'predecessor',
  'ready',
  'setReady',
  'shutdown',
  'signal',
  'spawn',
  'spawnDetached',
  'state',
  'stateLoaded',
  'status',
  'stop',
  'tasks',
  'trySpawn',
  'trySpawnDetached',
  'upgrade',
  'wait',
  'waitUntil',
];

test('bye-core exports these names and no other', () => {
  expect(Object.keys(core).sort()).toEqual(EXPORTS);
});

test('addState() of an instance that is not the process’s only registers', async () => {
  await using bye = createTestBye({ state: { save() {} } });
  const load = vi.fn();
  expect(await bye.addState('cache', { load, merge: load })).toBe(false);
  await bye.stateLoaded;
  await bye.ready();
  expect(bye.status).toBe('ready');
  expect(load).not.toHaveBeenCalled();
  expect(() => bye.addState('cache', { load })).toThrow("State 'cache' is registered already");
  expect(() => bye.addState('app', { load })).toThrow("State 'app' is registered already");
  expect(() => bye.addState('other', {})).toThrow("State 'other' must have one of save, load");
});

test('Bye has these members and no other', () => {
  const members = new Set<string>();
  for (let layer = Bye.prototype; layer !== Object.prototype; layer = Object.getPrototypeOf(layer)) {
    for (const name of Object.getOwnPropertyNames(layer)) members.add(name);
  }
  expect([...members].sort()).toEqual(MEMBERS);
  expect(Object.getOwnPropertyNames(Bye).sort()).toEqual(['length', 'name', 'prototype', 'withSignals']);
  expect(Symbol.asyncDispose in Bye.prototype).toBe(true);
});

test('new Bye() touches nothing process-wide', async () => {
  const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
  const bye = new Bye({ logger: false });
  await bye.ready();
  await bye.stop();
  expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(before);
});

test('a Bye begins as starting, in generation 0, without a predecessor', async () => {
  const bye = createTestBye();
  expect(bye).toMatchObject({ status: 'starting', phase: undefined, isRunning: true, generation: 0 });
  expect(bye.health()).toEqual({
    status: 'starting',
    generation: 0,
    pid: process.pid,
    uptimeMs: expect.any(Number),
    inFlight: 0,
    connections: 0,
    tasks: 0,
  });
  await bye.predecessor;
});

test('ready() makes it ready once, and not any more in a drain', async () => {
  const bye = createTestBye();
  await bye.ready();
  await bye.ready();
  expect(bye.status).toBe('ready');
  await bye.drain();
  await bye.ready();
  expect(bye.status).toBe('stopped');
});

test('a server that listens makes it ready, with readiness manual it does not', async () => {
  const [auto, manual] = [createTestBye(), createTestBye({ readiness: 'manual' })];
  for (const bye of [auto, manual]) {
    const server = bye.attach(createServer());
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  }
  await settle();
  expect([auto.status, manual.status]).toEqual(['ready', 'starting']);
  await Promise.all([auto.drain(), manual.drain()]);
});

test('drain() reports, in one object for every caller', async () => {
  const bye = createTestBye();
  const order: string[] = [];
  bye.onShutdown((reason) => void order.push(`onShutdown ${reason}`));
  bye.onClose(() => void order.push('first'));
  bye.onClose(() => {
    order.push('last');
    throw new Error('no');
  });
  const drain = bye.drain();
  expect(bye.drain()).toBe(drain);
  expect(await drain).toEqual({
    reason: 'stop',
    durationMs: expect.any(Number),
    requestsFinished: 0,
    cut: [],
    hookErrors: [new Error('no')],
  });
  expect(order).toEqual(['onShutdown stop', 'last', 'first']);
  expect(await bye.stop()).toBe(await drain);
});

test('drain() reports the requests it finished, and waits for them', async () => {
  const bye = createTestBye();
  let answer = () => {};
  const server = bye.attach(
    createServer((_request, response) => {
      answer = () => response.end('done');
    }),
  );
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const answered = new Promise<string | undefined>((done) => {
    get({ port, host: '127.0.0.1', agent: false }, (response) => {
      response.resume().on('end', () => done(response.headers.connection));
    });
  });
  await vi.waitUntil(() => bye.health().inFlight === 1);
  const drain = bye.drain();
  await settle();
  expect(bye.status).toBe('draining');
  answer();
  expect(await answered).toBe('close');
  expect(await drain).toMatchObject({ requestsFinished: 1, cut: [] });
});

test('drain() leaves no timer behind', async () => {
  const bye = createTestBye();
  const server = bye.attach(createServer());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  await bye.drain();
  expect(timers()).toBeLessThanOrEqual(before);
});

test('await using drains', async () => {
  let bye: core.Bye;
  {
    await using scoped = createTestBye();
    bye = scoped;
    expect(bye.isRunning).toBe(true);
  }
  expect(bye.status).toBe('stopped');
});

test('shutdown() announces once, with its reason, and ends nothing', async () => {
  const bye = createTestBye();
  const hook = vi.fn();
  bye.onShutdown(hook);
  const told = bye.onShutdown();
  bye.shutdown('upgrade');
  bye.shutdown();
  expect(await told).toBe('upgrade');
  expect(await bye.onShutdown()).toBe('upgrade');
  expect(bye.signal.reason).toBe('upgrade');
  expect(hook.mock.calls).toEqual([['upgrade']]);
  expect(bye).toMatchObject({ status: 'draining', isRunning: false, phase: undefined });
  expect(bye.deadlineSignal.aborted).toBe(false);
});

test('onShutdown() returns what takes the hook off again', async () => {
  const bye = createTestBye();
  const hook = vi.fn();
  bye.onShutdown(hook)();
  await bye.drain();
  expect(hook).not.toHaveBeenCalled();
});

test('wait() resolves after shutdown() and the last task', async () => {
  const bye = createTestBye();
  let finish = () => {};
  void bye.spawn(() => new Promise<void>((resolve) => (finish = resolve)));
  const waited = vi.fn();
  void bye.wait().then(waited);
  await settle();
  bye.shutdown();
  await settle();
  expect(waited).not.toHaveBeenCalled();
  finish();
  await settle();
  expect(waited).toHaveBeenCalled();
});

test('spawn() is refused after shutdown(), except while something is in progress', async () => {
  const bye = createTestBye();
  let finish = () => {};
  void bye.spawn(() => new Promise<void>((resolve) => (finish = resolve)));
  bye.shutdown();
  expect(await bye.spawn(() => 5)).toBe(5);
  finish();
  await bye.wait();
  await expect(bye.spawn(() => 5)).rejects.toMatchObject({ code: 'ERR_BYE_SHUTTING_DOWN', data: { reason: 'stop' } });
  await expect(bye.spawnDetached(() => 5)).rejects.toBeInstanceOf(core.ByeError);
  expect(bye.trySpawn(() => 5)).toBeUndefined();
  expect(bye.trySpawnDetached(() => 5)).toBeUndefined();
});

test('spawnDetached() and waitUntil() take a promise, which a drain waits for', async () => {
  const bye = createTestBye();
  const ends: (() => void)[] = [];
  const work = () => new Promise<void>((resolve) => ends.push(resolve));
  void bye.spawnDetached(work());
  void bye.trySpawnDetached(work);
  bye.waitUntil(work());
  expect(bye.health().tasks).toBe(3);
  const drained = vi.fn();
  void bye.drain().then(drained);
  await settle();
  expect(drained).not.toHaveBeenCalled();
  for (const end of ends) end();
  await vi.waitUntil(() => drained.mock.calls.length > 0);
});

test('a task is named by its option, its function, or what it is', async () => {
  const bye = createTestBye({ shutdownTimeoutMs: 20 });
  const never = () => new Promise(() => {});
  const sendMail = () => never();
  for (const spawn of [
    () => bye.spawn(never, { name: 'given' }),
    () => bye.spawn(sendMail),
    () => bye.spawn(() => never()),
  ])
    void spawn();
  void bye.spawnDetached(sendMail);
  void bye.spawnDetached(never());
  bye.waitUntil(never());
  const { cut } = await bye.drain();
  expect(cut.map(({ name }) => name)).toEqual(['given', 'sendMail', 'task', 'sendMail', 'detached', 'waitUntil']);
});

test('a task that fails unheard is logged', async () => {
  const error = vi.fn();
  const bye = createTestBye({ logger: { debug() {}, info() {}, warn() {}, error } });
  bye.waitUntil(Promise.reject(new Error('no')));
  await settle();
  expect(error).toHaveBeenCalledWith(expect.anything(), "task 'waitUntil' failed: Error: no");
});

test.each([undefined, null, {}, 'server', () => {}, { listen: true }])('attach() refuses %o', (value) => {
  expect(() => createTestBye().attach(value as never)).toThrow(TypeError);
  expect(() => createTestBye().attach(value as never)).toThrow(/attach\(\) takes a server/);
});

test('attach() refuses another role, and returns the server', () => {
  const server = createRawServer();
  expect(() => createTestBye().attach(server, { role: 'metrics' as never })).toThrow(
    new RangeError("A role is 'app' or 'admin': got metrics"),
  );
  expect(createTestBye().attach(server)).toBe(server);
});

test('setReady() turns the readiness red and back, and the status not', async () => {
  const bye = createTestBye({ readiness: 'manual' });
  await bye.ready();
  const answer = () => bye.bindApp({}).answerHealth('/readyz', undefined);
  expect((await answer()).statusCode).toBe(200);
  bye.setReady(false);
  expect((await answer()).statusCode).toBe(503);
  expect(bye.status).toBe('ready');
  bye.setReady(true);
  expect((await answer()).statusCode).toBe(200);
});

test('an upgrade needs the process’s instance', async () => {
  const bye = createTestBye();
  expect(bye.canUpgrade()).toMatchObject({
    ok: false,
    code: 'ERR_BYE_UPGRADE_UNAVAILABLE',
    remedy: 'Use processBye()',
  });
  await expect(bye.upgrade()).rejects.toMatchObject({ data: { reason: 'not-the-process' } });
});

test.each([
  ['onBeforeUpgrade', (bye: core.Bye) => bye.onBeforeUpgrade('hook' as never)],
  ['onUpgradeFailed', (bye: core.Bye) => bye.onUpgradeFailed(undefined as never)],
  ['onClose', (bye: core.Bye) => bye.onClose({} as never)],
  ['onShutdown', (bye: core.Bye) => bye.onShutdown(null as never)],
  ['onSignal', (bye: core.Bye) => bye.onSignal('SIGHUP', 'hook' as never)],
])('%s() refuses what is no function, and names itself', (name, add) => {
  expect(() => add(createTestBye())).toThrow(new RegExp(`^${name}\\(\\) takes a function`));
});

test('createTestBye() is silent and quick, and takes options', () => {
  const info = vi.fn();
  const bye = createTestBye({ logger: { debug() {}, info, warn() {}, error() {} } });
  void bye.ready();
  expect(info).toHaveBeenCalled();
  expect(() => createTestBye({ shutdownTimeoutMs: -1 })).toThrow(RangeError);
});
