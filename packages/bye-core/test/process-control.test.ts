import { beforeEach, expect, test, vi } from 'vitest';
import type { Message } from '../src/channel/messages.js';
import type { Deadline } from '../src/deadline.js';
import { HookList } from '../src/hooks.js';
import { Lifecycle } from '../src/lifecycle.js';
import { resolveOptions } from '../src/options/options.js';
import type { ByeOptions } from '../src/options/types.js';
import { ProcessControl, type TakenOverBy } from '../src/process-control.js';
import { Shutdown } from '../src/shutdown.js';
import { Tasks } from '../src/tasks.js';
import type { Logger } from '../src/types.js';
import { FakeDrain, fakeServers } from './fake-drain.js';
import { FakeHost, settle } from './fake-host.js';

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let host: FakeHost;
let events: [string, object][];
let drain: FakeDrain;
let tasks: Tasks;
const abortUpgrade = vi.fn();
const onStop = vi.fn();
const cleanUp = vi.fn();
const onDrained = vi.fn(async () => {});
const upgrade = vi.fn(async () => {});
const predecessor = { end: Promise.resolve(), kill: vi.fn() };
beforeEach(() => {
  host = new FakeHost();
  events = [];
  drain = new FakeDrain();
  for (const mock of [abortUpgrade, onStop, cleanUp, predecessor.kill]) mock.mockReset();
  onDrained.mockReset().mockResolvedValue(undefined);
  predecessor.end = Promise.resolve();
  upgrade.mockReset().mockResolvedValue(undefined);
});

const never = () => new Promise<void>(() => {});
const eventsOf = (name: string) => events.filter(([each]) => each === name).map(([, payload]) => payload);

function create(options: ByeOptions = {}): ProcessControl {
  const lifecycle = new Lifecycle(host);
  const settings = resolveOptions({ signals: true, exit: true, logger: SILENT, ...options }, 'process', host.pid);
  const servers = fakeServers([drain]);
  const emit = (name: string, payload: object) => void events.push([name, payload]);
  const { signal } = lifecycle;
  tasks = new Tasks({ host, signal, mayStart: () => true, onUnheard: () => {}, reason: () => 'stop' });
  const hooks = {
    onShutdown: new HookList<'stop' | 'upgrade'>('onShutdown'),
    afterWork: new HookList<Deadline>('afterWork'),
    onClose: new HookList<void>('onClose'),
  };
  const shutdown = new Shutdown({ host, lifecycle, servers, tasks, emit, ...hooks });
  const actions = { upgrade, abortUpgrade, onStop, cleanUp, onDrained };
  return new ProcessControl({ host, settings, shutdown, servers, tasks, emit, predecessor, ...actions });
}

class FakeSuccessor implements TakenOverBy {
  readonly pid = 2000;
  readonly sent: Message[] = [];
  say: (message: Message) => void = () => {};
  end: (exitCode: number | null, signal: string | null) => void = () => {};

  send(message: Message): void {
    this.sent.push(message);
  }

  onMessage(listener: (message: Message) => void): void {
    this.say = listener;
  }

  onExit(listener: (exitCode: number | null, signal: string | null) => void): void {
    this.end = listener;
  }
}

test('handleSignals() installs handlers, once however often it is called', () => {
  const control = create();
  control.handleSignals();
  control.handleSignals();
  expect(host.handled).toEqual(['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1']);
  host.raise('SIGUSR1');
  expect(upgrade).toHaveBeenCalledTimes(1);
});

test('handleSignals() installs none where signals are off', () => {
  create({ signals: false }).handleSignals();
  expect(host.handled).toEqual([]);
});

test('an upgrade on SIGUSR1 that fails is no unhandledRejection', async () => {
  upgrade.mockRejectedValue(new Error('no'));
  create().handleSignals();
  host.raise('SIGUSR1');
  await settle();
});

test('SIGTERM ends upgrade and readiness first, drains, and exits 0', async () => {
  create().handleSignals();
  host.raise('SIGTERM');
  expect(abortUpgrade).toHaveBeenCalledWith('this process was told to stop');
  expect(onStop).toHaveBeenCalled();
  expect(host.exits).toEqual([]);
  await host.advance(30_000);
  expect(host.exits).toEqual([0]);
  expect(cleanUp).toHaveBeenCalledTimes(1);
  expect(eventsOf('exit')).toEqual([{ code: 0, keptAliveBy: ['Timeout'] }]);
  expect(eventsOf('stop')).toEqual([{ reason: 'stop', signal: 'SIGTERM' }]);
});

test('SIGTERM waits for the delay, Ctrl-C does not', async () => {
  expect(create({ shutdownDelayMs: 5000 }).planStop('SIGTERM')).toEqual({
    reason: 'stop',
    signal: 'SIGTERM',
    delayMs: 5000,
    graceMs: 1000,
    spreadMs: 1000,
    timeoutMs: 25_000,
    reserveMs: 3000,
  });
  expect(create({ shutdownDelayMs: 5000 }).planStop('SIGINT')).toMatchObject({ delayMs: 0, graceMs: 0 });
  expect(create({ shutdownDelayMs: 5000 }).planStop()).not.toHaveProperty('signal');
});

test('the exit code is 1 when something was cut', async () => {
  const control = create();
  void tasks.spawn(never, 'mail');
  void control.stop('SIGTERM');
  await host.advance(25_000);
  expect(host.exits).toEqual([1]);
});

test('a second stop() joins the first: one delay, one exit', async () => {
  const control = create({ shutdownDelayMs: 5000 });
  void control.stop('SIGTERM');
  await host.advance(1000);
  void control.stop();
  await host.advance(3999);
  expect(host.exits).toEqual([]);
  expect(drain.asked).toEqual(['sayClose']);
  await host.advance(2000);
  expect(host.exits).toEqual([0]);
  expect(eventsOf('exit')).toHaveLength(1);
});

test('SIGINT after SIGTERM ends the delay, and a second one later forces', async () => {
  create({ shutdownDelayMs: 5000 }).handleSignals();
  drain.whenQuiet = never;
  host.raise('SIGTERM');
  await host.advance(500);
  host.raise('SIGINT');
  await settle();
  expect(drain.asked).toContain('softClose');
  await host.advance(1500);
  host.raise('SIGINT');
  expect(host.exits).toEqual([130]);
  expect(eventsOf('exit')).toEqual([{ code: 130, keptAliveBy: [] }]);
  expect(cleanUp).toHaveBeenCalledTimes(1);
});

test('stop() resolves with its report where it may not exit, and takes the handlers off', async () => {
  const control = create({ exit: false });
  control.handleSignals();
  const stopped = control.stop();
  await host.advance(2000);
  expect(await stopped).toMatchObject({ reason: 'stop', cut: [] });
  expect(host.exits).toEqual([]);
  expect(host.handled).toEqual([]);
  expect(host.timers).toBe(0);
});

test('a clean-up that fails is told, and the process exits all the same', async () => {
  cleanUp.mockImplementation(() => {
    throw Object.assign(new Error('unlink'), { code: 'EACCES' });
  });
  void create().stop('SIGTERM');
  await host.advance(2000);
  expect(eventsOf('warning')).toEqual([{ message: 'cannot clean up: unlink (EACCES)' }]);
  expect(host.exits).toEqual([0]);
});

test.each([
  ['calls back', (callback?: () => void) => callback?.(), 0],
  ['never calls back', () => {}, 1000],
  [
    'throws',
    () => {
      throw new Error('closed');
    },
    0,
  ],
])('the exit waits for a logger to flush that %s', async (_title, flush, afterMs) => {
  void create({ logger: { ...SILENT, flush } as Logger }).stop('SIGTERM');
  await settle();
  await host.advance(afterMs);
  expect(host.exits).toEqual([0]);
  if (afterMs === 0) return;
  host = new FakeHost();
  drain = new FakeDrain();
  void create({ logger: { ...SILENT, flush } as Logger }).stop('SIGTERM');
  await host.advance(afterMs - 1);
  expect(host.exits).toEqual([]);
});

test('takenOver() drains without a limit for idle connections, exits, and leaves PID file and paths', async () => {
  const successor = new FakeSuccessor();
  create().takenOver(successor);
  expect(drain.asked).toEqual(['sayClose']);
  await host.advance(2000);
  expect(drain.asked).not.toContain('closeIdle 1000');
  expect(host.exits).toEqual([0]);
  expect(cleanUp).not.toHaveBeenCalled();
  expect(eventsOf('stop')).toEqual([{ reason: 'upgrade', signal: undefined }]);
});

test('takenOver() tells the new process every half second what it waits for', async () => {
  const successor = new FakeSuccessor();
  const control = create({ upgradeDrainTimeoutMs: 60_000 });
  drain.whenQuiet = never;
  drain.inFlight = 2;
  drain.connectionCount = 3;
  void tasks.spawn(never, 'mail');
  control.takenOver(successor);
  const untilMs = host.epochNow() + 63_000;
  expect(successor.sent).toEqual([
    { bye: 'draining', untilMs, waitingFor: '2 requests, 3 connections, 1 task', idle: false },
  ]);
  await host.advance(1000);
  expect(successor.sent).toHaveLength(3);
});

test('takenOver() stops telling when there is nothing left to wait for', async () => {
  create({ exit: false }).takenOver(new FakeSuccessor());
  await host.advance(5000);
  expect(host.timers).toBe(0);
});

test('takenOver() ends the drain in the time that the new process gives', async () => {
  const successor = new FakeSuccessor();
  const control = create();
  drain.whenQuiet = never;
  void tasks.spawn(never, 'mail');
  control.takenOver(successor);
  successor.say({ bye: 'draining', untilMs: 0, waitingFor: '', idle: false });
  await host.advance(10_000);
  expect(host.exits).toEqual([]);
  successor.say({ bye: 'finish', withinMs: 500 });
  await host.advance(5000);
  expect(host.exits).toEqual([1]);
  expect(successor.sent.at(-1)).toMatchObject({ waitingFor: 'its exit', idle: true });
});

test('takenOver() tells when the new process ends before this one', () => {
  const successor = new FakeSuccessor();
  create().takenOver(successor);
  successor.end(null, 'SIGKILL');
  expect(eventsOf('successor-lost')).toEqual([{ successorPid: 2000, exitCode: null, signal: 'SIGKILL' }]);
});

test('SIGTERM to a replaced process ends its drain within the time of a stop', async () => {
  const control = create({ shutdownTimeoutMs: 4000 });
  control.handleSignals();
  drain.whenQuiet = never;
  void tasks.spawn(never, 'mail');
  control.takenOver(new FakeSuccessor());
  await host.advance(60_000);
  host.raise('SIGTERM');
  await host.advance(5000);
  expect(host.exits).toEqual([1]);
  expect(cleanUp).not.toHaveBeenCalled();
});

test('stop() waits for an old process that drains, and ends it at the end of its budget', async () => {
  const control = create({ shutdownTimeoutMs: 10_000 });
  control.handleSignals();
  predecessor.end = never();
  host.raise('SIGTERM');
  await host.advance(9999);
  expect([host.exits, predecessor.kill.mock.calls]).toEqual([[], []]);
  await host.advance(1);
  expect(predecessor.kill).toHaveBeenCalledTimes(1);
  expect(host.exits).toEqual([0]);
});

test('SIGINT again ends an old process that drains, too', async () => {
  create().handleSignals();
  predecessor.end = never();
  host.raise('SIGINT');
  await host.advance(1000);
  host.raise('SIGINT');
  expect(predecessor.kill).toHaveBeenCalledTimes(1);
  expect(host.exits).toEqual([130]);
});
