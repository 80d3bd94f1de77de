import { type App, requests, StrictConnection, until } from '@bye/testkit';
import { expect, it } from 'vitest';
import { act, printed, Scratch, startLab } from './lab.js';

const LONG = { timeoutMs: 20_000 };

/** Still the same process, and it answers. */
async function servesOn(app: App, { pid, port }: { pid: number; port: number }): Promise<void> {
  expect((await act({ port }, '/can')).pid).toBe(pid);
  expect(app.isRunning(pid)).toBe(true);
}

it('upgrade() rejects while another upgrade runs, whoever asks', async () => {
  using scratch = new Scratch();
  await using app = startLab({
    options: { readiness: 'manual', upgradeTimeoutMs: 3000 },
    env: { BREAK_FILE: scratch.breakFile },
  });
  const service = await app.waitForGeneration(0, LONG);
  scratch.deploy('hang-listening');
  const first = act(service, '/upgrade');
  const newPid = Number((await app.waitForLine('hanging', LONG)).split('=')[1]);
  const refusal = { code: 'ERR_BYE_UPGRADE_IN_PROGRESS', data: { pid: newPid } };
  expect((await act(service, '/upgrade')).outcome).toMatchObject(refusal);
  expect((await act(service, '/force')).outcome).toMatchObject(refusal);
  app.kill('SIGUSR1');
  await app.waitForLine(/upgrade refused: .*another upgrade runs/, LONG);
  expect((await first).outcome).toMatchObject({ code: 'ERR_BYE_UPGRADE_TIMEOUT' });
  await servesOn(app, service);
  expect(app.strays()).toHaveLength(1);
});

it('upgrade() rejects before this process is ready', async () => {
  using scratch = new Scratch();
  const SOCKET = scratch.path('socket');
  await using app = startLab({ options: { readiness: 'manual' }, env: { SOCKET, PAUSE_AT: 'listen' } });
  await app.waitForLine('paused at listen', LONG);
  app.kill('SIGUSR1');
  await app.waitForLine(/upgrade refused: .*not ready yet.*ERR_BYE_NOT_READY/, LONG);
  expect(await act({ socketPath: SOCKET }, '/upgrade')).toMatchObject({
    pid: app.pid,
    outcome: { code: 'ERR_BYE_NOT_READY' },
  });
});

it('upgrade() rejects while the predecessor drains, and force ends that', async () => {
  await using app = startLab();
  const old = await app.waitForGeneration(0, LONG);
  const client = await StrictConnection.open(old);
  const cut = act(client, '/never?secret=1').catch((error: Error) => error);
  await app.waitForLine('request /never');
  app.kill('SIGUSR1');
  const service = await app.waitForGeneration(1, LONG);
  const refusal = async () => (await act(service, '/upgrade')).outcome ?? {};
  // What it waits for, it says itself, a moment after the new process is ready.
  const { code, message, data } = await until(async () => {
    const refused = await refusal();
    return /1 request/.test(String(refused['message'])) && refused;
  });
  expect({ code, data }).toMatchObject({ code: 'ERR_BYE_PREDECESSOR_DRAINING', data: { pid: old.pid } });
  const { untilMs } = data as { untilMs: number };
  expect(untilMs - Date.now()).toBeGreaterThan(250_000);
  expect(untilMs - Date.now()).toBeLessThan(303_000);
  expect(message).toContain(`until ${new Date(untilMs).toISOString()} at the latest`);
  app.kill('SIGUSR1');
  await app.waitForLine(/upgrade refused: .*still drains/);
  await servesOn(app, service);

  expect((await act(service, '/force')).outcome).toMatchObject({ generation: 2 });
  expect(app.isRunning(old.pid)).toBe(false);
  expect(await cut).toMatchObject({ name: 'StrictFailure' });
  expect(printed(app, 'stderr')).toMatch(/request cut at the deadline after \d+ ms: GET \/never$/m);
  expect(await app.waitForGeneration(2)).toMatchObject({ port: old.port });
});

it('upgrade() waits for a predecessor that has nothing left to do but its exit', async () => {
  await using app = startLab({ env: { EXIT_MS: '500' } });
  const old = await app.waitForGeneration(0, LONG);
  app.kill('SIGUSR1');
  const service = await app.waitForGeneration(1, LONG);
  await app.waitForLine(`bye[${old.pid}] info: exit 0`, LONG);
  expect((await act(service, '/upgrade')).outcome).toMatchObject({ generation: 2 });
  expect(app.isRunning(old.pid)).toBe(false);
});

it.each([
  ['after a stop has begun', 'SIGTERM', 'stopping', /is stopping/],
  ['of a process that was replaced', 'SIGUSR1', 'generation=1', /replaced already/],
] as const)('upgrade() %s is refused, and answered', async (_name, signal, line, message) => {
  await using app = startLab({ options: { keepAliveGraceMs: 20_000, moveConnections: false } });
  const service = await app.waitForGeneration(0, LONG);
  const client = await StrictConnection.open(service);
  await client.request(requests.fast(1));
  app.kill(signal);
  await app.waitForLine(line, LONG);
  expect(await act(client, '/upgrade')).toMatchObject({
    pid: service.pid,
    outcome: { code: 'ERR_BYE_SHUTTING_DOWN', message: expect.stringMatching(message) },
  });
  expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
});
