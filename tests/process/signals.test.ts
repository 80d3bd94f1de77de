import { readdirSync } from 'node:fs';
import { type App, requests, StrictConnection } from '@bye/testkit';
import { expect, it } from 'vitest';
import { act, pass, Scratch, startLab } from './lab.js';

const LONG = { timeoutMs: 20_000 };
const CLEAN = { code: 0, signal: null };

/** Asks for an answer that takes a while, and sees that the service has begun with it. */
async function beginSlow(app: App, target: Parameters<typeof StrictConnection.open>[0], ms: number) {
  const connection = await StrictConnection.open(target);
  const answer = connection.request(requests.slow('x', ms));
  answer.catch(() => {});
  // A second connection is accepted after the first, and so is its request.
  await act(target, '/can');
  return { app, connection, answer };
}

it('SIGTERM while starting, before listen(), ends the process with 0', async () => {
  await using app = startLab({ env: { PAUSE_AT: 'processBye' } });
  await app.waitForLine('paused', LONG);
  app.kill('SIGTERM');
  expect(await app.waitForExit()).toEqual(CLEAN);
});

it('SIGTERM while starting, after listen(), answers what has come already', async () => {
  using scratch = new Scratch();
  const SOCKET = scratch.path('socket');
  await using app = startLab({ options: { readiness: 'manual' }, env: { SOCKET, PAUSE_AT: 'listen' } });
  await app.waitForLine('paused', LONG);
  const { answer } = await beginSlow(app, { socketPath: SOCKET }, 500);
  app.kill('SIGTERM');
  expect((await answer).saidClose).toBe(true);
  expect(await app.waitForExit()).toEqual(CLEAN);
  expect(readdirSync(scratch.dir)).toEqual([]);
});

it.each(['hang', 'hang-listening', 'pid-file-and-hang', 'helper'])(
  'SIGTERM while an upgrade runs ends the new process, too (%s)',
  async (how) => {
    using scratch = new Scratch();
    const SOCKET = scratch.path('socket');
    await using app = startLab({
      options: { readiness: 'manual', keepAliveGraceMs: 0 },
      env: { SOCKET, PIDFILE: scratch.path('pid'), BREAK_FILE: scratch.breakFile },
    });
    await app.waitForGeneration(0, LONG);
    scratch.deploy(how);
    app.kill('SIGUSR1');
    await app.waitForLine('hanging', LONG);
    app.kill('SIGTERM');
    expect(await app.waitForExit()).toEqual(CLEAN);
    expect(app.strays()).toEqual([]);
    expect(readdirSync(scratch.dir)).toEqual(['break']);
    await app.waitForLine(/upgrade failed.*told to stop/);
  },
);

it('SIGTERM twice within 3 ms is one request: what is in flight is answered', async () => {
  await using app = startLab();
  const { answer } = await beginSlow(app, await app.waitForGeneration(0, LONG), 2000);
  app.kill('SIGTERM');
  await pass(3);
  app.kill('SIGTERM');
  // The kernel may have made one of the two; this is surely another one.
  await app.waitForLine('stopping on SIGTERM');
  app.kill('SIGTERM');
  await app.waitForLine(/SIGTERM.*delivered twice/);
  expect((await answer).status).toBe(200);
  expect(await app.waitForExit()).toEqual(CLEAN);
});

it('SIGTERM again, 2 s later, forces nothing', async () => {
  await using app = startLab();
  const { answer } = await beginSlow(app, await app.waitForGeneration(0, LONG), 4000);
  app.kill('SIGTERM');
  await pass(2000);
  app.kill('SIGTERM');
  await app.waitForLine(/SIGTERM.*already stopping/);
  expect((await answer).status).toBe(200);
  expect(await app.waitForExit()).toEqual(CLEAN);
});

it('SIGINT again, 2 s later, ends the process with 130', async () => {
  await using app = startLab();
  const { answer } = await beginSlow(app, await app.waitForGeneration(0, LONG), 30_000);
  app.kill('SIGINT');
  await pass(2000);
  app.kill('SIGINT');
  expect(await app.waitForExit()).toEqual({ code: 130, signal: null });
  await expect(answer).rejects.toMatchObject({ name: 'StrictFailure' });
  expect(app.strays()).toEqual([]);
});

it('SIGINT again within 1 s is the same request', async () => {
  await using app = startLab();
  const { answer } = await beginSlow(app, await app.waitForGeneration(0, LONG), 1500);
  app.kill('SIGINT');
  await app.waitForLine('stopping on SIGINT');
  app.kill('SIGINT');
  await app.waitForLine(/SIGINT.*delivered twice/);
  expect((await answer).status).toBe(200);
  expect(await app.waitForExit()).toEqual(CLEAN);
});

it('SIGINT waits neither for shutdownDelayMs nor for keepAliveGraceMs', async () => {
  await using app = startLab({
    options: { shutdownDelayMs: 60_000, keepAliveGraceMs: 60_000, shutdownTimeoutMs: 200_000 },
  });
  const { connection, answer } = await beginSlow(app, await app.waitForGeneration(0, LONG), 300);
  const idle = await StrictConnection.open(app.current());
  await idle.request(requests.fast(1));
  app.kill('SIGINT');
  expect((await answer).status).toBe(200);
  expect(await app.waitForExit()).toEqual(CLEAN);
  expect(await idle.closed).toMatchObject({ by: 'server', idle: true, reset: false });
  connection.destroy();
});

it('SIGINT during the delay of a SIGTERM ends the delay, and cuts nothing', async () => {
  await using app = startLab({ options: { shutdownDelayMs: 60_000, shutdownTimeoutMs: 200_000 } });
  const { answer } = await beginSlow(app, await app.waitForGeneration(0, LONG), 1000);
  app.kill('SIGTERM');
  await app.waitForLine('draining: delay');
  app.kill('SIGINT');
  expect((await answer).status).toBe(200);
  expect(await app.waitForExit()).toEqual(CLEAN);
});

it('SIGQUIT stops like SIGTERM', async () => {
  await using app = startLab({ options: { shutdownDelayMs: 200 } });
  const { answer } = await beginSlow(app, await app.waitForGeneration(0, LONG), 1000);
  app.kill('SIGQUIT');
  await app.waitForLine('draining: delay');
  expect((await answer).status).toBe(200);
  expect(await app.waitForExit()).toEqual(CLEAN);
});
