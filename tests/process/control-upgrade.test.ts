/** Upgrades by the control socket, on a real service: how each may end, and what is told on the way. */

import type { App } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { askControl, ControlClient, STATUS, STOP, UPGRADE } from '../control.js';
import { act, Scratch, startLab } from './lab.js';

const test = anyTest.skipIf(process.platform === 'win32');

let scratch: Scratch;
let path: string;
beforeEach(() => {
  scratch = new Scratch();
  path = scratch.path('control.sock');
});
afterEach(() => scratch[Symbol.dispose]());

function start(options: object = {}): App {
  return startLab({ options: { controlSocket: path, ...options }, env: { BREAK_FILE: scratch.breakFile } });
}

test('upgrade is answered with the new process, after the events on the way', async () => {
  await using app = start();
  const old = await app.waitForGeneration(0);
  const client = new ControlClient(path).ask(UPGRADE);
  const result = await client.result();
  const next = await app.waitForGeneration(1);
  expect(result).toEqual({
    ok: true,
    request: 'upgrade',
    pid: next.pid,
    generation: 1,
    durationMs: expect.any(Number),
  });
  const milestones = ['control-request', 'upgrade-started', 'stop', 'upgrade-finished'];
  expect(client.events.filter((event) => milestones.includes(event))).toEqual(milestones);
  const { data, pid } = await client.heardEvent('upgrade-started');
  expect({ data, pid }).toEqual({
    data: { successorPid: next.pid, generation: 1, script: expect.stringContaining('lab.mjs') },
    pid: old.pid,
  });
  expect(client.answers).toContainEqual({
    status: expect.objectContaining({
      pid: old.pid,
      upgrade: expect.objectContaining({ pid: next.pid, generation: 1 }),
    }),
  });
});

test('upgrade with wait is answered when the old process has drained, and tells what it still waits for', async () => {
  await using app = start();
  const old = await app.waitForGeneration(0);
  const request = act(old, '/wait?ms=3000');
  await app.waitForLine(`request /wait pid=${old.pid}`);
  const client = new ControlClient(path).ask({ ...UPGRADE, wait: true });
  const result = await client.result();
  expect(result).toMatchObject({ ok: true, generation: 1, drain: { reason: 'upgrade', requestsFinished: 1, cut: [] } });
  expect((await request).pid).toBe(old.pid);
  expect(client.answers).toContainEqual({
    status: expect.objectContaining({
      status: 'draining',
      phase: 'requests',
      inFlight: 1,
      untilMs: expect.any(Number),
    }),
  });
  await app.waitUntilGone(old.pid);
  await app.waitForGeneration(1);
});

test.each([
  ['crash', 'ERR_BYE_UPGRADE_EXITED', { exitCode: 1, signal: null }, 'broken on purpose'],
  ['exit-3', 'ERR_BYE_UPGRADE_EXITED', { exitCode: 3, signal: null }, undefined],
  ['kill', 'ERR_BYE_UPGRADE_EXITED', { exitCode: null, signal: 'SIGKILL' }, undefined],
  ['hang', 'ERR_BYE_UPGRADE_TIMEOUT', { timeoutMs: 1000 }, undefined],
])(
  'upgrade to a version that fails (%s) is answered with the reason, and the old one serves on',
  async (how, code, data, cause) => {
    // As good versions may have a slow day as well, only the one that hangs has little time.
    await using app = start(how === 'hang' ? { upgradeTimeoutMs: 1000 } : {});
    const old = await app.waitForGeneration(0);
    scratch.deploy(how);
    // A client that waits for the end of the old process hears of a failure at once.
    const client = new ControlClient(path).ask({ ...UPGRADE, wait: true });
    const result = await client.result();
    expect(result).toMatchObject({ ok: false, request: 'upgrade', error: { code, data } });
    if (!result.ok) expect(result.error.cause?.message).toBe(cause);
    expect(client.events.at(-1)).toBe('upgrade-failed');
    expect((await act(old, '/can')).pid).toBe(old.pid);
    expect(await askControl(path, STATUS)).toMatchObject({ status: { pid: old.pid, lastUpgrade: { ok: false } } });

    if (how === 'hang') return;
    scratch.deploy('');
    expect(await askControl(path, UPGRADE)).toMatchObject({ ok: true, generation: 1 });
    await app.waitForGeneration(1);
  },
);

test('of two upgrades at once the second is told that one runs', async () => {
  await using app = start({ upgradeTimeoutMs: 2000 });
  await app.waitForGeneration(0);
  scratch.deploy('hang');
  const first = new ControlClient(path).ask(UPGRADE);
  const { data } = await first.heardEvent('upgrade-started');
  const second = await askControl(path, UPGRADE);
  expect(second).toMatchObject({
    ok: false,
    error: { code: 'ERR_BYE_UPGRADE_IN_PROGRESS', data: { pid: data['successorPid'] } },
  });
  expect(await first.result()).toMatchObject({ ok: false, error: { code: 'ERR_BYE_UPGRADE_TIMEOUT' } });
});

test('while the predecessor drains an upgrade is refused until it is forced; an old connection hears the same', async () => {
  await using app = start();
  const old = await app.waitForGeneration(0);
  const onOld = new ControlClient(path);
  const late = new ControlClient(path);
  const stopping = new ControlClient(path);
  const never = act(old, '/never').catch(() => 'cut');
  await app.waitForLine(`request /never pid=${old.pid}`);
  // Both connections were accepted before this one.
  expect(await askControl(path, UPGRADE)).toMatchObject({ ok: true });
  await app.waitForGeneration(1);
  const refused = await askControl(path, UPGRADE);
  expect(refused).toMatchObject({
    ok: false,
    error: { code: 'ERR_BYE_PREDECESSOR_DRAINING', data: { pid: old.pid, untilMs: expect.any(Number) } },
  });
  if (!refused.ok) expect(refused.error.message).toMatch(/1 request,/);
  expect(await askControl(path, STATUS)).toMatchObject({
    status: { status: 'ready', generation: 1, predecessor: { pid: old.pid, waitingFor: expect.any(String) } },
  });

  expect(await onOld.ask(STATUS).result()).toMatchObject({ status: { pid: old.pid, status: 'draining', inFlight: 1 } });
  const replaced = { ok: false, error: { code: 'ERR_BYE_SHUTTING_DOWN', data: { reason: 'upgrade' } } };
  expect(await late.ask(UPGRADE).result()).toMatchObject(replaced);
  // The service would go on, and what the old process still answers would be cut.
  expect(await stopping.ask(STOP).result()).toMatchObject({ request: 'stop', ...replaced });

  expect(await askControl(path, { ...UPGRADE, force: true })).toMatchObject({ ok: true, generation: 2 });
  expect(await never).toBe('cut');
  expect(app.isRunning(old.pid)).toBe(false);
  await app.waitForGeneration(2);
});

test('a client that leaves in the middle cancels nothing', async () => {
  await using app = start();
  const old = await app.waitForGeneration(0);
  const leaving = new ControlClient(path).ask(UPGRADE);
  await leaving.heardEvent('upgrade-started');
  leaving.socket.destroy();
  await app.waitForGeneration(1);
  await app.waitUntilGone(old.pid);
  const stopping = new ControlClient(path).ask(STOP);
  await stopping.heardEvent('control-request');
  stopping.socket.destroy();
  await app.waitUntilGone(app.generations()[1]?.pid ?? 0);
});

test('a client that closes its side after the request hears the result', async () => {
  await using app = start();
  await app.waitForGeneration(0);
  const client = new ControlClient(path).ask({ ...UPGRADE, wait: true });
  client.socket.end();
  expect(await client.result()).toMatchObject({ ok: true, drain: { cut: [] } });
  await app.waitForGeneration(1);
});
