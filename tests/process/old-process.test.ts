import { requests, StrictConnection } from '@bye/testkit';
import { expect, it } from 'vitest';
import { act, Scratch, startLab } from './lab.js';

// What becomes of the old process after an upgrade: it ends, whatever it does, and takes nothing with it.

const LONG = { timeoutMs: 20_000 };

it('SIGTERM to an old process that drains is answered within the budget of a stop, and the new one serves on', async () => {
  await using app = startLab({ options: { shutdownTimeoutMs: 1000, moveConnections: false } });
  const old = await app.waitForGeneration(0, LONG);
  const [idle, busy, stuck] = await Promise.all([1, 2, 3].map(() => StrictConnection.open(old)));
  await idle!.request(requests.fast(1));
  const cut = act(stuck!, '/never').catch((error: Error) => error);
  await app.waitForLine('request /never');
  app.kill('SIGUSR1');
  const { pid } = await app.waitForGeneration(1, LONG);
  const answer = busy!.request(requests.slow(1, 100));
  await answer;
  app.kill('SIGTERM', old.pid);
  expect(await app.waitForExit()).toEqual({ code: 1, signal: null });
  await cut;
  expect((await act(old, '/can')).pid).toBe(pid);
  expect(app.strays()).toHaveLength(1);
});

it('SIGTERM to the new process ends the old one that still drains, too', async () => {
  await using app = startLab({ options: { shutdownTimeoutMs: 4000 } });
  const old = await app.waitForGeneration(0, LONG);
  const stuck = act(old, '/never').catch((error: Error) => error);
  await app.waitForLine('request /never');
  app.kill('SIGUSR1');
  const { pid } = await app.waitForGeneration(1, LONG);
  app.kill('SIGTERM', pid);
  await app.waitUntilGone(pid);
  // By itself, and not by force.
  expect(await app.waitForExit()).toEqual({ code: 1, signal: null });
  await stuck;
  expect(app.strays()).toEqual([]);
});

it.each([
  ['in a request', {}],
  ['in a hook of onShutdown()', { onShutdown: 'block' }],
])('an old process whose event loop blocks %s is ended by the new one', async (where, hooks) => {
  const options = { upgradeDrainTimeoutMs: 300, closeReserveMs: 100, moveConnections: false };
  await using app = startLab({ options, hooks });
  const old = await app.waitForGeneration(0, LONG);
  const client = await StrictConnection.open(old);
  await client.request(requests.fast(1));
  app.kill('SIGUSR1');
  const { pid } = await app.waitForGeneration(1, LONG);
  const blocked = where === 'in a request' ? act(client, '/block?ms=60000').catch((error: Error) => error) : undefined;
  await app.waitForLine(`the old process ${old.pid} outlived its deadline and was killed`, LONG);
  expect(await app.waitForExit()).toEqual({ code: null, signal: 'SIGKILL' });
  await blocked;
  expect((await act(old, '/can')).pid).toBe(pid);
  expect(app.strays()).toHaveLength(1);
});

it('SIGTERM to the new process ends an old one whose event loop blocks', async () => {
  await using app = startLab({ options: { shutdownTimeoutMs: 1000, closeReserveMs: 100, moveConnections: false } });
  const old = await app.waitForGeneration(0, LONG);
  const client = await StrictConnection.open(old);
  await client.request(requests.fast(1));
  app.kill('SIGUSR1');
  const { pid } = await app.waitForGeneration(1, LONG);
  const blocked = act(client, '/block?ms=60000').catch((error: Error) => error);
  await app.waitForLine('request /block');
  app.kill('SIGTERM', pid);
  await app.waitUntilGone(pid, LONG);
  await app.waitForExit();
  await blocked;
  expect(app.strays()).toEqual([]);
});

it('SIGTERM to a new process that is not ready ends that alone, at once: the old one serves on', async () => {
  using scratch = new Scratch();
  await using app = startLab({
    options: { readiness: 'manual', shutdownTimeoutMs: 120_000 },
    env: { BREAK_FILE: scratch.breakFile },
  });
  const old = await app.waitForGeneration(0, LONG);
  scratch.deploy('hang-listening');
  app.kill('SIGUSR1');
  const newPid = Number((await app.waitForLine('hanging', LONG)).split('=')[1]);
  process.kill(newPid, 'SIGTERM');
  await app.waitForLine(/upgrade failed.*exited with code 0 before it was ready/, LONG);
  expect((await act(old, '/can')).pid).toBe(old.pid);
  expect(app.strays().map(({ pid }) => pid)).toEqual([old.pid]);
});
