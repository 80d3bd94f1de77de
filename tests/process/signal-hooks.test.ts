import { requests, StrictConnection, until } from '@bye/testkit';
import { test as anyTest, expect } from 'vitest';
import { Hooked } from './hooked.js';

const test = anyTest.skipIf(process.platform === 'win32');
const CLEAN = { code: 0, signal: null };
const HUP = { signals: { SIGHUP: ['tell'] } };
const RAN = ['hook SIGHUP tell SIGHUP', 'end of hook SIGHUP tell'];

function sendTimes(hooked: Hooked, pid: number, times = 5): void {
  for (let count = 0; count < times; count++) hooked.app.kill('SIGHUP', pid);
}

/** Sends a signal several times to a process that holds it back, until it has seen them. */
async function sendWhilePaused(hooked: Hooked, pid: number): Promise<void> {
  sendTimes(hooked, pid);
  // What libuv has noted of a signal it tells in order.
  hooked.app.kill('SIGUSR2', pid);
  await hooked.app.waitForLine('seen');
}

/** Begins an upgrade to a release that pauses before it adds its hooks. @returns the new process's PID */
async function upgradeAndPause(hooked: Hooked): Promise<number> {
  await hooked.app.waitForGeneration(0);
  hooked.app.kill('SIGUSR1');
  return Number(/pid=(\d+)/.exec(await hooked.app.waitForLine(/^paused/))?.[1]);
}

test('the hooks of a signal run, one that throws stops none, and nothing ends', async () => {
  await using hooked = new Hooked({ signals: { SIGHUP: ['throw', 'tell'], SIGUSR2: ['tell'] } });
  const { pid } = await hooked.app.waitForGeneration(0);
  hooked.app.kill('SIGHUP');
  await hooked.app.waitForLine('end of hook SIGHUP tell');
  hooked.app.kill('SIGUSR2');
  await hooked.app.waitForLine('end of hook SIGUSR2 tell');
  expect(hooked.hookLines()).toEqual([
    'hook SIGHUP throw SIGHUP',
    ...RAN,
    'hook SIGUSR2 tell SIGUSR2',
    'end of hook SIGUSR2 tell',
  ]);
  expect(hooked.events().find(({ event }) => event === 'bye:hook-failed')).toMatchObject({ hook: 'onSignal SIGHUP' });
  expect(hooked.app.current().pid).toBe(pid);
});

test('what comes while the hooks run makes them run once more', async () => {
  await using hooked = new Hooked({ signals: { SIGHUP: ['wait'] } });
  const { pid } = await hooked.app.waitForGeneration(0);
  hooked.app.kill('SIGHUP');
  await hooked.app.waitForLine('hook SIGHUP wait');
  sendTimes(hooked, pid);
  // An answer later than the signals: they have been seen.
  await hooked.act('/listeners?name=SIGHUP');
  hooked.go();
  await until(() => hooked.hookLines().length >= 4);
  await hooked.act('/listeners?name=SIGHUP');
  expect(hooked.hookLines()).toEqual(Array(2).fill(['hook SIGHUP wait SIGHUP', 'end of hook SIGHUP wait']).flat());
});

test('a hook can be taken off, and the last one takes the handler along', async () => {
  await using hooked = new Hooked({ signals: { SIGHUP: ['tell', 'tell'] } });
  await hooked.app.waitForGeneration(0);
  await hooked.act('/remove?name=SIGHUP');
  expect(await hooked.act('/listeners?name=SIGHUP')).toBe(1);
  await hooked.act('/remove?name=SIGHUP');
  expect(await hooked.act('/listeners?name=SIGHUP')).toBe(0);
  hooked.app.kill('SIGHUP');
  expect(await hooked.app.waitForExit()).toEqual({ code: null, signal: 'SIGHUP' });
});

test('signals that stop or upgrade, that nobody can handle, or that do not exist are refused', async () => {
  await using hooked = new Hooked({});
  await hooked.app.waitForGeneration(0);
  expect(await hooked.act('/add?name=SIGTERM')).toMatch(/^RangeError: .*stopSignals: use onShutdown\(\)/);
  expect(await hooked.act('/add?name=SIGUSR1')).toMatch(/^RangeError: .*upgradeSignals: use onBeforeUpgrade\(\)/);
  expect(await hooked.act('/add?name=SIGKILL')).toMatch(/^RangeError: .*can't be handled/);
  expect(await hooked.act('/add?name=SIGHOP')).toMatch(/^RangeError: .*got "SIGHOP"/);
  expect(await hooked.act('/add?name=SIGHUP')).toBe('added');
});

test('nothing is installed where signals are off', async () => {
  await using hooked = new Hooked(HUP, { signals: false });
  await hooked.app.waitForGeneration(0);
  expect(await hooked.act('/listeners?name=SIGHUP')).toBe(0);
  hooked.app.kill('SIGHUP');
  expect(await hooked.app.waitForExit()).toEqual({ code: null, signal: 'SIGHUP' });
});

test('they run with `register`, whose instance gets its options later', async () => {
  const register = ['--import', 'bye-core/register'];
  await using hooked = new Hooked(HUP, { stopSignals: ['SIGTERM', 'SIGUSR2'] }, {}, register);
  await hooked.app.waitForGeneration(0);
  expect(await hooked.act('/add?name=SIGUSR2')).toMatch(/^RangeError/);
  hooked.app.kill('SIGHUP');
  await until(() => hooked.hookLines().length === 2);
});

test('a signal that comes while the new process starts is delivered once', async () => {
  await using hooked = new Hooked(HUP);
  const { pid: oldPid } = await hooked.app.waitForGeneration(0);
  hooked.deploy({ ...HUP, pause: true });
  const pid = await upgradeAndPause(hooked);
  await sendWhilePaused(hooked, pid);
  hooked.go();
  await hooked.app.waitForGeneration(1);
  await hooked.app.waitUntilGone(oldPid);
  expect(hooked.hookLines()).toEqual(RAN);
  hooked.app.kill('SIGHUP', pid);
  await until(() => hooked.hookLines(pid).length === 4);
});

test('a signal held for a version that has no hook for it is dropped, and then Node’s again', async () => {
  await using hooked = new Hooked(HUP);
  await hooked.app.waitForGeneration(0);
  hooked.deploy({ pause: true });
  const pid = await upgradeAndPause(hooked);
  await sendWhilePaused(hooked, pid);
  hooked.go();
  await hooked.app.waitForGeneration(1);
  await until(() => hooked.events(pid).some(({ event }) => event === 'bye:signal-ignored'));
  expect(hooked.hookLines()).toEqual([]);
  expect(await hooked.act('/listeners?name=SIGHUP')).toBe(0);
  hooked.app.kill('SIGHUP', pid);
  await hooked.app.waitUntilGone(pid);
});

test('the hooks run while a replaced process drains, and during a stop', async () => {
  await using hooked = new Hooked(HUP);
  const { pid: oldPid, port } = await hooked.app.waitForGeneration(0);
  const begin = async () => {
    const connection = await StrictConnection.open({ port });
    const answer = connection.request(requests.slow('x', 1000));
    // A second connection is accepted after the first, and so is its request.
    await hooked.act('/listeners?name=SIGHUP');
    return { answer };
  };
  const first = await begin();
  hooked.app.kill('SIGUSR1');
  const { pid } = await hooked.app.waitForGeneration(1);
  hooked.app.kill('SIGHUP', oldPid);
  await until(() => hooked.hookLines(oldPid).length === 2);
  expect((await first.answer).status).toBe(200);
  await hooked.app.waitUntilGone(oldPid);
  const second = await begin();
  hooked.app.kill('SIGTERM', pid);
  await until(() => hooked.events(pid).some(({ phase }) => phase === 'requests'));
  hooked.app.kill('SIGHUP', pid);
  await until(() => hooked.hookLines(pid).length === 2);
  expect((await second.answer).status).toBe(200);
  await hooked.app.waitUntilGone(pid);
  expect(await hooked.app.exited).toEqual(CLEAN);
});
