import { beforeEach, expect, test, vi } from 'vitest';
import { Deadline } from '../src/deadline.js';
import { HookList } from '../src/hooks.js';
import { Lifecycle } from '../src/lifecycle.js';
import { Shutdown, type ShutdownPlan } from '../src/shutdown.js';
import type { Reason } from '../src/status.js';
import { Tasks } from '../src/tasks.js';
import type { DrainReport } from '../src/types.js';
import { FakeDrain, fakeServers } from './fake-drain.js';
import { FakeHost } from './fake-host.js';

const PLAN: ShutdownPlan = {
  reason: 'stop',
  delayMs: 0,
  graceMs: 1000,
  spreadMs: 0,
  timeoutMs: 10_000,
  reserveMs: 2000,
};

let host: FakeHost;
let lifecycle: Lifecycle;
let onShutdown: HookList<Reason>;
let afterWork: HookList<Deadline>;
let onClose: HookList<void>;
let tasks: Tasks;
let order: string[];
beforeEach(() => {
  host = new FakeHost();
  lifecycle = new Lifecycle(host);
  onShutdown = new HookList('onShutdown');
  afterWork = new HookList('afterWork');
  onClose = new HookList('onClose');
  order = [];
  const { signal } = lifecycle;
  tasks = new Tasks({ host, signal, mayStart: () => true, onUnheard: () => {}, reason: () => 'stop' });
});

const never = () => new Promise<void>(() => {});
const after = (ms: number, name: string) => () =>
  new Promise<void>((resolve) =>
    host.after(ms, () => {
      order.push(name);
      resolve();
    }),
  );

function create(...drains: FakeDrain[]): Shutdown {
  const emit = (name: string, payload: object) => {
    if (name === 'phase') order.push(`phase ${Reflect.get(payload, 'phase')}`);
    else order.push(name);
  };
  return new Shutdown({ host, lifecycle, servers: fakeServers(drains), tasks, onShutdown, afterWork, onClose, emit });
}

/** Lets time pass until a stop has ended; tells when that was. */
async function finish(stop: Promise<DrainReport>, withinMs = 60_000): Promise<DrainReport> {
  const ended = vi.fn();
  void stop.then(ended);
  await host.advance(withinMs);
  expect(ended).toHaveBeenCalled();
  return stop;
}

test('start() goes through hooks, delay, requests, tasks and close hooks in this order', async () => {
  const drain = new FakeDrain('app', false);
  onShutdown.add(after(10, 'onShutdown'));
  afterWork.add(after(10, 'afterWork'));
  onClose.add(after(10, 'onClose'));
  void tasks.spawn(after(700, 'task'), 'task');
  host.after(600, () => {
    order.push('request');
    drain.becomeQuiet();
  });
  const report = await finish(create(drain).start({ ...PLAN, delayMs: 500 }));
  expect(order).toEqual([
    'stop',
    'phase delay',
    'onShutdown',
    'phase requests',
    'request',
    'phase tasks',
    'task',
    'afterWork',
    'phase hooks',
    'onClose',
    'drained',
  ]);
  expect(report).toEqual({ reason: 'stop', durationMs: 720, requestsFinished: 0, cut: [], hookErrors: [] });
  expect(lifecycle.status).toBe('stopped');
  expect(host.timers).toBe(0);
});

test('start() says close at once, stops accepting after the delay, and counts the grace from the signal', async () => {
  const drain = new FakeDrain();
  const begun = host.now();
  const stop = create(drain).start({ ...PLAN, delayMs: 500 });
  expect(drain.asked).toEqual(['sayClose']);
  await host.advance(499);
  expect(drain.asked).toEqual(['sayClose']);
  await finish(stop);
  expect(drain.asked.slice(1, 4)).toEqual(['emptyAcceptQueue', 'softClose', 'closeIdle 1000']);
  expect(drain.closeIdle.mock.calls[0]).toEqual([begun, 1000]);
});

test('start() leaves idle connections of a replaced process alone', async () => {
  const drain = new FakeDrain('app', false);
  void create(drain).start({ ...PLAN, reason: 'upgrade', graceMs: undefined });
  await host.advance(5000);
  expect(drain.asked).toEqual(['sayClose', 'emptyAcceptQueue', 'softClose']);
});

test('start() lets the second call join the first, whose plan and end (untilMs) count', async () => {
  const shutdown = create();
  const first = shutdown.start(PLAN);
  expect(shutdown.untilMs).toBe(host.epochNow() + 10_000);
  expect(shutdown.start({ ...PLAN, reason: 'upgrade' })).toBe(first);
  expect((await finish(first)).reason).toBe('stop');
});

test('start() cuts what still runs, names it, and leaves the close hooks their share', async () => {
  const drain = new FakeDrain('app', false);
  drain.inFlight = 1;
  drain.work = [{ kind: 'request', name: 'GET /slow', ageMs: 8000 }];
  void tasks.spawn(never, 'mail');
  onClose.add(after(1500, 'onClose'));
  const stop = create(drain).start(PLAN);
  await host.advance(7999);
  expect(lifecycle.deadlineSignal.aborted).toBe(false);
  await host.advance(1);
  expect(lifecycle.deadlineSignal.aborted).toBe(true);
  expect(drain.asked).toContain('destroy');
  const report = await finish(stop, 1500);
  expect(report.cut).toEqual([...drain.work, { kind: 'task', name: 'mail', ageMs: 8000 }]);
  expect(report.durationMs).toBe(9500);
  expect(report.hookErrors).toEqual([]);
});

test('start() lets a request fail in its own way before its connection is destroyed', async () => {
  const drain = new FakeDrain('app', false);
  drain.inFlight = 1;
  drain.work = [{ kind: 'request', name: 'GET /slow', ageMs: 8000 }];
  lifecycle.deadlineSignal.addEventListener('abort', () => {
    process.nextTick(() => drain.asked.push('answered 503'));
  });
  await finish(create(drain).start(PLAN));
  expect(drain.asked.indexOf('answered 503')).toBeGreaterThan(0);
  expect(drain.asked.indexOf('answered 503')).toBeLessThan(drain.asked.indexOf('destroy'));
});

test('start() aborts deadlineSignal only if something is cut', async () => {
  onClose.add(() => expect(lifecycle.deadlineSignal.aborted).toBe(false));
  expect((await finish(create(new FakeDrain()).start(PLAN))).hookErrors).toEqual([]);
  expect(lifecycle.deadlineSignal.aborted).toBe(false);
});

test('start() ends within its budget whatever hangs', async () => {
  const drain = new FakeDrain('app', false);
  onShutdown.add(never);
  onClose.add(never);
  const report = await finish(create(drain).start(PLAN), 11_000);
  expect(report.hookErrors.map((error) => (error as Error).message)).toEqual([
    'A hook given to onShutdown() did not end in its time',
    'A hook given to onClose() did not end in its time',
  ]);
  expect(order.filter((event) => event === 'hook-failed')).toHaveLength(2);
});

test('start() serves admin servers until the close hooks are over', async () => {
  const admin = new FakeDrain('admin');
  onClose.add(() => void order.push(`admin: ${admin.asked.join()}`));
  await finish(create(admin).start(PLAN));
  expect(order).toContain('admin: sayClose');
  expect(admin.asked).toEqual(['sayClose', 'softClose', 'closeIdle 0', 'endUpgraded', 'destroy']);
});

test('start() gives the last answers of an admin server a second', async () => {
  const report = await finish(create(new FakeDrain('admin', false)).start(PLAN));
  expect(report.durationMs).toBe(1000);
});

test('start() counts what was answered in the drain', async () => {
  const [one, other] = [new FakeDrain(), new FakeDrain('admin')];
  Object.assign(one, { finished: 2 });
  Object.assign(other, { finished: 3 });
  expect((await finish(create(one, other).start(PLAN))).requestsFinished).toBe(5);
});

test('announce() ends nothing, runs its hooks once, and keeps the first reason', async () => {
  const shutdown = create();
  const hook = vi.fn();
  onShutdown.add(hook);
  await shutdown.announce('stop', new Deadline(host, 1000));
  await shutdown.announce('upgrade', new Deadline(host, 1000));
  expect(hook).toHaveBeenCalledTimes(1);
  expect(hook).toHaveBeenCalledWith('stop');
  expect(lifecycle).toMatchObject({ status: 'draining', reason: 'stop', phase: undefined });
  await finish(shutdown.start(PLAN));
  expect(hook).toHaveBeenCalledTimes(1);
});

test('announce() before a stop takes nothing from the share of its close hooks', async () => {
  const shutdown = create();
  onShutdown.add(never);
  onClose.add(after(1500, 'onClose'));
  void shutdown.announce('stop', new Deadline(host, 10_000));
  const report = await finish(shutdown.start({ ...PLAN, timeoutMs: 6000 }), 6000);
  expect(order).toContain('onClose');
  expect(report.hookErrors).toHaveLength(1);
});

test('hurryIfRunning() ends the delay and brings the end forward', async () => {
  const drain = new FakeDrain('app', false);
  const shutdown = create(drain);
  const stop = shutdown.start({ ...PLAN, delayMs: 5000 });
  await host.advance(100);
  shutdown.hurryIfRunning(3000, 0);
  expect(drain.closeIdle).toHaveBeenCalledWith(host.now(), 0);
  const report = await finish(stop, 3000);
  expect(order).toContain('phase requests');
  expect(report.durationMs).toBeLessThanOrEqual(3100);
});

test('hurryIfRunning() leaves the close hooks their share', async () => {
  void tasks.spawn(never, 'mail');
  onClose.add(after(1900, 'onClose'));
  const shutdown = create();
  const stop = shutdown.start(PLAN);
  shutdown.hurryIfRunning(0, 0);
  const report = await finish(stop, 2000);
  expect(order).toContain('onClose');
  expect(report.hookErrors).toEqual([]);
});

test('hurryIfRunning() ends close hooks that hang in that time too', async () => {
  onClose.add(never);
  const shutdown = create();
  const stop = shutdown.start({ ...PLAN, timeoutMs: 90_000 });
  await host.advance(10);
  shutdown.hurryIfRunning(3000, 0);
  expect((await finish(stop, 3000)).durationMs).toBeLessThanOrEqual(3010);
});

test('hurryIfRunning() hurries hooks that announce() started with more time', async () => {
  onShutdown.add(never);
  const shutdown = create();
  void shutdown.announce('stop', new Deadline(host, 100_000));
  const stop = shutdown.start({ ...PLAN, timeoutMs: 90_000 });
  shutdown.hurryIfRunning(3000, 0);
  // Half of what is left for work: requests come after them.
  expect((await finish(stop, 3000)).durationMs).toBe(500);
});

test('hurryIfRunning() does nothing before a stop', async () => {
  const drain = new FakeDrain();
  const shutdown = create(drain);
  shutdown.hurryIfRunning(0, 0);
  expect(drain.asked).toEqual([]);
  expect((await finish(shutdown.start({ ...PLAN, delayMs: 500 }))).durationMs).toBe(500);
});
