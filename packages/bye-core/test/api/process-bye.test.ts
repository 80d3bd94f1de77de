import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Bye, ByeError, type ByeOptions } from '../../src/index.js';

const SLOT = Symbol.for('bye.process/1');
beforeEach(() => {
  vi.resetModules();
  vi.stubEnv('BYE_LOG', 'silent');
});
afterEach(() => {
  Reflect.deleteProperty(globalThis, SLOT);
  vi.unstubAllEnvs();
});

/** The process's instance of a copy of bye-core of its own. */
async function load(options?: ByeOptions) {
  const core = await import('../../src/index.js');
  return { core, bye: core.processBye(options) };
}

test('processBye() is one instance, for every copy and for withSignals()', async () => {
  const { core, bye } = await load();
  expect([core.processBye(), core.Bye.withSignals()]).toEqual([bye, bye]);
  vi.resetModules();
  const copy = await load();
  expect(copy.core.Bye).not.toBe(core.Bye);
  expect(copy.bye).toBe(bye);
});

test('processBye() refuses other options than the first, with an error that every copy knows', async () => {
  const { core } = await load({ pidFile: '/a' });
  expect(() => core.processBye({ pidFile: '/b' })).toThrow('Cannot change pidFile');
  expect(() => core.processBye({ pidFile: '/b' })).toThrow(ByeError);
});

test('processBye() refuses options that give a hooked signal another meaning, and stays as it was', async () => {
  const { registerBye } = await import('../../src/api/process-bye.js');
  const { processBye } = await import('../../src/index.js');
  registerBye();
  const { instance } = Reflect.get(globalThis, SLOT) as { instance: Bye };
  const remove = instance.onSignal('SIGHUP', () => {});
  expect(() => processBye({ stopSignals: ['SIGHUP'] })).toThrow(/SIGHUP as it is in stopSignals: use onShutdown/);
  expect(() => processBye({ upgradeSignals: ['SIGHUP'] })).toThrow(/use onBeforeUpgrade/);
  remove();
  expect(processBye({ stopSignals: ['SIGHUP'] })).toBe(instance);
  expect(() => instance.onSignal('SIGHUP', () => {})).toThrow(RangeError);
});

test('processBye() touches nothing process-wide under a test runner', async () => {
  const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
  const { bye } = await load();
  bye.onSignal('SIGHUP', () => {});
  await bye.ready();
  await bye.stop();
  expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(before);
  expect(bye.status).toBe('stopped');
});

test('ready() is that of the process’s instance', async () => {
  const { core, bye } = await load({ readiness: 'manual' });
  await core.ready();
  expect(bye.status).toBe('ready');
});

test('drain() ends an upgrade under way, as stop() does', async () => {
  const { bye } = await load({ allowUnsafeUpgrade: true });
  await bye.ready();
  let done = () => {};
  bye.onBeforeUpgrade(() => new Promise<void>((resolve) => (done = resolve)));
  const upgrade = bye.upgrade();
  const drain = bye.drain();
  done();
  await expect(upgrade).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_ABORTED' });
  expect((await drain).cut).toEqual([]);
});

test('health() tells of the last upgrade', async () => {
  const { bye } = await load({ allowUnsafeUpgrade: true });
  await bye.ready();
  bye.onBeforeUpgrade(() => {
    throw new Error('locked');
  });
  const failed = vi.fn();
  bye.onUpgradeFailed(failed);
  await expect(bye.upgrade()).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_HOOK' });
  expect(failed).toHaveBeenCalledTimes(1);
  expect(bye.health().lastUpgrade).toMatchObject({ ok: false, error: expect.stringContaining('locked') });
});

test.each([
  [{}, []],
  [{ LISTEN_FDS: '1', LISTEN_PID: '1' }, []],
])('systemdPorts() with %j is %j, and the variables are gone', async (variables, ports) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const { core } = await load();
  expect(core.systemdPorts()).toEqual(ports);
  expect(process.env).not.toHaveProperty('LISTEN_FDS');
});

test('systemdTcpListener() listens by itself where systemd passed nothing, and rejects where it cannot', async () => {
  const { core } = await load();
  const server = await core.systemdTcpListener(0);
  const { port } = server.address() as { port: number };
  expect(server.listening).toBe(true);
  expect(server.listenerCount('error')).toBe(0);
  await expect(core.systemdTcpListener(port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  server.close();
});
