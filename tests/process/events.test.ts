import { requests, StrictConnection } from '@bye/testkit';
import { test as anyTest, expect } from 'vitest';
import { PROTOCOL_VERSION } from '../../packages/bye-core/src/channel/messages.js';
import { Hooked, type Release } from './hooked.js';
import { Scratch } from './lab.js';

// Each test compares every event of a process, in the order in which they come.

const test = anyTest.skipIf(process.platform === 'win32');

/** What differs from run to run. */
const VOLATILE = new Set(['event', 'level', 'message', 'on', 'durationMs', 'startedMs', 'untilMs', 'script', 'node']);

/** The events of one process, in order: `stop reason=stop signal=SIGTERM`. */
function toldBy(hooked: Hooked, pid: number): string[] {
  return hooked.events(pid).map(({ event, error, ...payload }) => {
    const fields = Object.entries(payload).flatMap(([name, value]) =>
      VOLATILE.has(name) || typeof value === 'object' ? [] : [`${name}=${value}`],
    );
    const code = (error as { code?: string } | undefined)?.code;
    return [String(event).replace('bye:', ''), ...fields, ...(code ? [code] : [])].join(' ');
  });
}

/** Stops the service and waits for its last word. */
async function stop(hooked: Hooked, pid: number): Promise<void> {
  hooked.app.kill('SIGTERM', pid);
  await lastWord(hooked, pid);
}

async function lastWord(hooked: Hooked, pid: number): Promise<void> {
  await hooked.app.waitForLine(new RegExp(`"bye:exit".*"on":${pid}\\b`));
  await hooked.app.waitUntilGone(pid);
}

const STOPPED = [
  'signal signal=SIGTERM action=stop',
  'stop reason=stop signal=SIGTERM',
  'phase phase=requests',
  'listener-closed key=tcp:*:0',
  'phase phase=tasks',
  'phase phase=hooks',
  'drained reason=stop requestsFinished=0',
];

async function start(release: Release = {}, env = {}): Promise<{ hooked: Hooked; pid: number; started: number }> {
  const hooked = new Hooked(release, { keepAliveGraceMs: 0, readiness: 'manual' }, env);
  const { pid } = await hooked.app.waitForGeneration(0);
  return { hooked, pid, started: toldBy(hooked, pid).length };
}

test('of a first start, a change of readiness, a signal with hooks, and a stop', async () => {
  const { hooked, pid } = await start({ signals: { SIGHUP: ['throw'] } });
  await using _ = hooked;
  await hooked.act('/red');
  await hooked.act('/red');
  hooked.app.kill('SIGHUP');
  await hooked.app.waitForLine('bye:hook-failed');
  await stop(hooked, pid);
  expect(toldBy(hooked, pid)).toEqual([
    'listener-opened key=tcp:*:0',
    'ready generation=0',
    'readiness green=false',
    'signal signal=SIGHUP action=hooks',
    'hook-failed hook=onSignal SIGHUP',
    ...STOPPED,
    'exit code=0',
  ]);
});

test('of an upgrade, on both sides', async () => {
  using scratch = new Scratch();
  const path = scratch.path('pid');
  const { hooked, pid, started } = await start({}, { PIDFILE: path });
  await using _ = hooked;
  hooked.app.kill('SIGUSR1');
  const { pid: next } = await hooked.app.waitForGeneration(1);
  await lastWord(hooked, pid);
  await hooked.app.waitForLine('bye:predecessor-gone');
  await stop(hooked, next);
  expect(toldBy(hooked, pid).slice(started)).toEqual([
    'signal signal=SIGUSR1 action=upgrade',
    'upgrade-requested generation=1 force=false',
    `upgrade-started successorPid=${next} generation=1`,
    `successor-loaded successorPid=${next} protocol=${PROTOCOL_VERSION}`,
    'stop reason=upgrade',
    'listener-closed key=tcp:*:0',
    `upgrade-finished successorPid=${next} generation=1`,
    'phase phase=requests',
    'phase phase=tasks',
    'phase phase=hooks',
    'drained reason=upgrade requestsFinished=0',
    'exit code=0',
  ]);
  expect(toldBy(hooked, next)).toEqual([
    'listener-adopted key=tcp:*:0 fd=5',
    'listener-opened key=tcp:*:0',
    `pid-file-written path=${path}`,
    `predecessor-draining predecessorPid=${pid}`,
    'ready generation=1',
    `predecessor-gone predecessorPid=${pid}`,
    ...STOPPED,
    `pid-file-removed path=${path}`,
    'exit code=0',
  ]);
});

test('of an upgrade that fails after the new process wrote its PID file', async () => {
  using scratch = new Scratch();
  const path = scratch.path('pid');
  const { hooked, pid, started } = await start({ upgradeFailed: ['throw'] }, { PIDFILE: path });
  await using _ = hooked;
  hooked.break('pid-file-and-exit');
  await hooked.act('/upgrade');
  const successor = hooked.events(pid).findLast(({ successorPid }) => successorPid)?.['successorPid'];
  expect(toldBy(hooked, pid).slice(started)).toEqual([
    'upgrade-requested generation=1 force=false',
    `upgrade-started successorPid=${successor} generation=1`,
    `successor-loaded successorPid=${successor} protocol=${PROTOCOL_VERSION}`,
    `pid-file-written path=${path}`,
    'hook-failed hook=onUpgradeFailed',
    'upgrade-failed ERR_BYE_UPGRADE_EXITED',
  ]);
});

test('of one that is refused as another runs, which a stop then ends', async () => {
  const { hooked, pid, started } = await start();
  await using _ = hooked;
  hooked.break('hang');
  hooked.app.kill('SIGUSR1');
  await hooked.app.waitForLine('hanging');
  await hooked.act('/upgrade');
  await stop(hooked, pid);
  const successor = hooked.events(pid).find(({ successorPid }) => successorPid)?.['successorPid'];
  const told = toldBy(hooked, pid).slice(started);
  // It takes the time that the end of a process takes, beside the requests; the hooks wait for it.
  const failed = 'upgrade-failed ERR_BYE_UPGRADE_ABORTED';
  expect(told).toContain(failed);
  expect(told.indexOf(failed)).toBeLessThan(told.indexOf('phase phase=hooks'));
  expect(told.filter((event) => event !== failed)).toEqual([
    'signal signal=SIGUSR1 action=upgrade',
    'upgrade-requested generation=1 force=false',
    `upgrade-started successorPid=${successor} generation=1`,
    'upgrade-refused ERR_BYE_UPGRADE_IN_PROGRESS',
    ...STOPPED,
    'exit code=0',
  ]);
});

test('of a new process that is stopped while the old one drains', async () => {
  const { hooked, pid } = await start();
  await using _ = hooked;
  const connection = await StrictConnection.open(hooked.app.current());
  const answer = connection.request(requests.slow('x', 1500));
  // A second connection is accepted after the first, and so is its request.
  await hooked.act('/listeners?name=SIGHUP');
  hooked.app.kill('SIGUSR1');
  const { pid: next } = await hooked.app.waitForGeneration(1);
  await stop(hooked, next);
  await answer;
  await lastWord(hooked, pid);
  expect(toldBy(hooked, next)).toContain(`predecessor-hurried predecessorPid=${pid} withinMs=25000`);
  expect(toldBy(hooked, pid)).toContain('drain-hurried withinMs=25000');
});
