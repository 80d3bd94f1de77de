import { beforeEach, expect, test, vi } from 'vitest';
import { PROTOCOL_VERSION } from '../../src/channel/messages.js';
import { HookList } from '../../src/hooks.js';
import { resolveOptions } from '../../src/options/options.js';
import type { ByeOptions } from '../../src/options/types.js';
import type { Reason, Status } from '../../src/status.js';
import { NOTHING_MORE } from '../../src/upgrade/handing-over.js';
import { Predecessor } from '../../src/upgrade/predecessor.js';
import { Upgrader } from '../../src/upgrade/upgrader.js';
import { FakeHost, settle } from '../fake-host.js';
import { FakeChild } from './fake-child.js';

const START = {
  node: process.execPath,
  execArgv: [],
  script: import.meta.filename,
  args: [],
  cwd: process.cwd(),
  environment: {},
  undo: {},
};

let host: FakeHost;
let child: FakeChild;
let lifecycle: { status: Status; phase: undefined; reason: Reason | undefined };
let order: string[];
let events: [string, object][];
let beforeUpgrade: HookList<void>;
let upgradeFailed: HookList<unknown>;
const restorePidFile = vi.fn();
const restorePath = vi.fn();
beforeEach(() => {
  host = new FakeHost();
  child = new FakeChild();
  host.killSession = child.killSession;
  host.spawn = (...how) => {
    order.push('spawn');
    return child.spawn(...how);
  };
  lifecycle = { status: 'ready', phase: undefined, reason: undefined };
  order = [];
  events = [];
  beforeUpgrade = new HookList('onBeforeUpgrade');
  upgradeFailed = new HookList('onUpgradeFailed');
  restorePidFile.mockReset().mockImplementation(() => void order.push('restorePidFile'));
  restorePath.mockReset().mockImplementation(() => void order.push('restorePath'));
});

function create(options: ByeOptions = {}): Upgrader {
  const settings = resolveOptions({ allowUnsafeUpgrade: true, upgradeTimeoutMs: 5000, ...options }, 'plain', host.pid);
  const emit = (name: string, payload: object) => void events.push([name, payload]);
  return new Upgrader({
    host,
    settings,
    lifecycle,
    start: START,
    generation: 4,
    predecessor: new Predecessor(undefined, host, emit),
    listeners: {
      handedOn: [
        { fd: 21, key: 'tcp:*:80', names: [] },
        { fd: 17, key: 'unix:/a', names: ['a.socket'] },
      ],
      holdPaths: () => {
        order.push('holdPaths');
        return [{ restore: restorePath, release: () => {} }];
      },
    },
    riders: () => [],
    greeting: () => undefined,
    hookedSignals: () => ['SIGHUP'],
    handOver: () => NOTHING_MORE,
    hasForeignChannel: false,
    preload: () => undefined,
    beforeUpgrade,
    upgradeFailed,
    emit,
    restorePidFile,
    onTakenOver: () => void order.push('takenOver'),
  });
}

const never = () => new Promise<void>(() => {});
const eventsOf = (name: string) => events.filter(([each]) => each === name).map(([, payload]) => payload);

test('upgrade() goes through hooks, paths, spawn and hand-over in this order', async () => {
  beforeUpgrade.add(() => void order.push('beforeUpgrade'));
  const upgrader = create();
  const upgrade = upgrader.upgrade(false);
  await settle();
  expect(upgrader.isRunning).toBe(true);
  await host.advance(80);
  child.sayReady();
  expect(await upgrade).toEqual({ pid: child.pid, generation: 5, durationMs: 80 });
  expect(order).toEqual(['beforeUpgrade', 'holdPaths', 'spawn', 'takenOver', 'restorePath']);
  expect(upgrader.last).toEqual({
    ok: true,
    at: new Date(host.epochNow()).toISOString(),
    durationMs: 80,
    pid: child.pid,
  });
  expect(events.map(([name]) => name)).toEqual(['upgrade-requested', 'upgrade-started', 'upgrade-finished']);
  expect([upgrader.isRunning, host.timers]).toEqual([false, 0]);
});

test('upgrade() tells the new process all it needs in its environment', async () => {
  void create().upgrade(false);
  await settle();
  expect(child.env).toMatchObject({ UPGRADE_FD: '3', BYE_GENERATION: '5', BYE_PROTOCOL: String(PROTOCOL_VERSION) });
  expect(JSON.parse(child.env['BYE_LISTENERS'] as string)).toEqual([
    { fd: 5, key: 'tcp:*:80', names: [] },
    { fd: 6, key: 'unix:/a', names: ['a.socket'] },
  ]);
  expect(JSON.parse(child.env['BYE_PREDECESSOR'] as string)).toMatchObject({
    pid: host.pid,
    drainTimeoutMs: 303_000,
    reserveMs: 3000,
    upgradeSignals: ['SIGUSR1'],
    hookedSignals: ['SIGHUP'],
  });
});

test('a failed upgrade puts everything back, tells why, and is over', async () => {
  upgradeFailed.add((error) => void order.push(`upgradeFailed ${(error as { code: string }).code}`));
  const upgrader = create();
  const upgrade = upgrader.upgrade(false);
  await settle();
  child.end(1);
  await expect(upgrade).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_EXITED' });
  expect(order.slice(2)).toEqual(['restorePath', 'restorePidFile', 'upgradeFailed ERR_BYE_UPGRADE_EXITED']);
  expect(upgrader.last).toMatchObject({ ok: false, error: expect.stringContaining('exited with code 1') });
  expect(eventsOf('upgrade-failed')).toHaveLength(1);
  expect(upgrader.canUpgrade()).toEqual({ ok: true });
});

test('what cannot be put back is told, and hides neither the reason nor the hooks', async () => {
  restorePath.mockImplementation(() => {
    throw new Error('no path');
  });
  restorePidFile.mockImplementation(() => {
    throw new Error('no file');
  });
  upgradeFailed.add(() => {
    throw new Error('no lock');
  });
  const upgrade = create().upgrade(false);
  await settle();
  child.end(1);
  await expect(upgrade).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_EXITED' });
  expect(eventsOf('warning')).toEqual([{ message: 'Error: no path' }, { message: 'Error: no file' }]);
  expect(eventsOf('hook-failed')).toEqual([{ hook: 'onUpgradeFailed', error: new Error('no lock') }]);
});

test('a path that cannot be put back after the hand-over makes no failed upgrade of it', async () => {
  restorePath.mockImplementation(() => {
    throw new Error('no path');
  });
  const upgrade = create().upgrade(false);
  await settle();
  child.sayReady();
  await upgrade;
  expect(restorePidFile).not.toHaveBeenCalled();
  expect(eventsOf('warning')).toEqual([{ message: 'Error: no path' }]);
  expect(eventsOf('upgrade-failed')).toEqual([]);
});

test.each([
  ['throws', () => Promise.reject(new Error('locked')), 'Error: locked'],
  ['hangs', never, 'did not end in its time'],
])('a hook before the upgrade that %s fails it, with nothing started', async (_title, hook, why) => {
  beforeUpgrade.add(hook);
  const upgrade = create().upgrade(false);
  const rejected = expect(upgrade).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_HOOK', cause: expect.any(Error) });
  await host.advance(5000);
  await rejected;
  expect(
    JSON.stringify(eventsOf('upgrade-failed').map((event) => String(Reflect.get(event, 'error').cause))),
  ).toContain(why);
  expect(order).toEqual(['restorePidFile']);
});

test.each([
  ['throws', () => Promise.reject(new Error('no release')), 'no release'],
  ['hangs', never, 'did not answer within upgradeTimeoutMs'],
])('a successor function that %s fails the upgrade', async (_title, successor, why) => {
  const upgrader = create({ successor: successor as () => Promise<never> });
  const rejected = expect(upgrader.upgrade(false)).rejects.toMatchObject({
    code: 'ERR_BYE_UPGRADE_HOOK',
    cause: { message: expect.stringContaining(why) },
  });
  await host.advance(5000);
  await rejected;
  expect([upgrader.isRunning, host.timers]).toEqual([false, 0]);
});

test('a successor function is asked at each upgrade', async () => {
  const successor = vi.fn(() => ({ args: ['--release', '42'] }));
  const upgrader = create({ successor });
  const upgrade = upgrader.upgrade(false);
  await settle();
  expect(child.args.slice(-2)).toEqual(['--release', '42']);
  child.end(1);
  await expect(upgrade).rejects.toThrow();
  child = new FakeChild();
  void upgrader.upgrade(false);
  await settle();
  expect(successor).toHaveBeenCalledTimes(2);
});

test('the time-out counts hooks and new process together', async () => {
  beforeUpgrade.add(() => new Promise<void>((resolve) => host.after(4000, resolve)));
  const rejected = expect(create().upgrade(false)).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_TIMEOUT' });
  await host.advance(4999);
  expect(child.signals).toEqual([]);
  await host.advance(1);
  await rejected;
});

test('a second upgrade is refused while one runs, and told so', async () => {
  const upgrader = create();
  void upgrader.upgrade(false);
  const refused = { code: 'ERR_BYE_UPGRADE_IN_PROGRESS', data: { pid: undefined } };
  await expect(upgrader.upgrade(false)).rejects.toMatchObject(refused);
  await settle();
  await expect(upgrader.upgrade(true)).rejects.toMatchObject({ ...refused, data: { pid: child.pid } });
  expect(eventsOf('upgrade-refused')).toHaveLength(2);
  expect(order).toEqual(['holdPaths', 'spawn']);
});

test.each([
  ['starting', undefined, 'ERR_BYE_NOT_READY', 'not ready yet'],
  ['draining', 'stop', 'ERR_BYE_SHUTTING_DOWN', 'is stopping'],
  ['draining', 'upgrade', 'ERR_BYE_SHUTTING_DOWN', 'has been replaced already'],
  ['stopped', 'stop', 'ERR_BYE_SHUTTING_DOWN', 'is stopping'],
] as const)('an upgrade is refused while %s (%s)', async (status, reason, code, why) => {
  Object.assign(lifecycle, { status, reason });
  const upgrader = create();
  expect(upgrader.canUpgrade()).toMatchObject({ ok: false, code, message: expect.stringContaining(why) });
  await expect(upgrader.upgrade(false)).rejects.toMatchObject({ code });
  expect(order).toEqual([]);
  expect(upgrader.last).toBeUndefined();
});

test('canUpgrade() names the remedy of what is unsafe', () => {
  host.pid = 1;
  const verdict = create({ allowUnsafeUpgrade: false }).canUpgrade();
  expect(verdict).toMatchObject({
    ok: false,
    code: 'ERR_BYE_UPGRADE_UNSAFE',
    remedy: expect.stringMatching(/SIGTERM/),
  });
  expect(create().canUpgrade()).toEqual({ ok: true });
});

test('abort() ends the new process, and the upgrade says why', async () => {
  const upgrader = create();
  const upgrade = upgrader.upgrade(false);
  await settle();
  upgrader.abort('this process was told to stop');
  await expect(upgrade).rejects.toMatchObject({
    code: 'ERR_BYE_UPGRADE_ABORTED',
    data: { pid: child.pid, reason: 'this process was told to stop' },
  });
  expect(child.signals).toEqual(['SIGTERM']);
});

test('abort() before the new process is started keeps it from being started', async () => {
  let done = () => {};
  beforeUpgrade.add(() => new Promise<void>((resolve) => (done = resolve)));
  const upgrader = create();
  const upgrade = upgrader.upgrade(false);
  upgrader.abort('this process was told to stop');
  done();
  await expect(upgrade).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_ABORTED' });
  expect(order).not.toContain('spawn');
});

test('abort() does nothing while no upgrade runs', () => {
  const upgrader = create();
  upgrader.abort('stop');
  expect(upgrader.canUpgrade()).toEqual({ ok: true });
});

test('abort() waits no longer for a hook that hangs', async () => {
  beforeUpgrade.add(never);
  const upgrader = create();
  const upgrade = upgrader.upgrade(false);
  const rejected = expect(upgrade).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_ABORTED' });
  await settle();
  const over = upgrader.abort('this process was told to stop');
  await host.advance(1);
  await rejected;
  await over;
  expect(order).not.toContain('spawn');
  expect([upgrader.isRunning, host.timers]).toEqual([false, 0]);
});

test.each(['before', 'after'])(
  'abort() %s the failure leaves hooks that take back only closeReserveMs',
  async (when) => {
    upgradeFailed.add(never);
    const upgrader = create({ closeReserveMs: 700 });
    const upgrade = upgrader.upgrade(false);
    const rejected = expect(upgrade).rejects.toMatchObject({ name: 'ByeError' });
    await settle();
    if (when === 'after') child.end(1);
    await settle();
    const over = upgrader.abort('this process was told to stop');
    child.end(1);
    await host.advance(699);
    expect(upgrader.isRunning).toBe(true);
    await host.advance(301);
    await over;
    await rejected;
    expect([upgrader.isRunning, host.timers]).toEqual([false, 0]);
  },
);

test('abort() waits no longer for a `successor` that hangs', async () => {
  const upgrader = create({ successor: never as never });
  const upgrade = upgrader.upgrade(false);
  const rejected = expect(upgrade).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_ABORTED' });
  await settle();
  void upgrader.abort('this process was told to stop');
  await host.advance(1);
  await rejected;
  expect(order).not.toContain('spawn');
});
