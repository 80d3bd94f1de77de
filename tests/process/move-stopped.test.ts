import { type StrictConnection, until } from '@bye/testkit';
import { expect, it } from 'vitest';
import { type Deployed, Moving, openAsked } from './moving.js';

// A stop signal while connections move: whoever it is sent to, the service ends, and no request is lost.

const servers: Deployed['servers'] = [{ listen: { port: 0 }, timeouts: { keepAliveTimeout: 60_000 } }];
const slow: Deployed = { decide: 'slowly', servers };

/** Starts a move that takes its time. */
async function startMove(moving: Moving) {
  const { app } = moving;
  const [port = 0] = await moving.ports();
  const connections = await openAsked({ port }, 400);
  const old = app.current().pid;
  app.kill('SIGUSR1', old);
  const { pid } = await app.waitForGeneration(1, { timeoutMs: 20_000 });
  return { connections, old, pid };
}

/** Asks until the server has said close or closed. @returns who gave answers */
async function askToTheEnd(connections: readonly StrictConnection[]): Promise<Set<number | undefined>> {
  const pids = new Set<number | undefined>();
  const ask = async (connection: StrictConnection) => {
    while (connection.usable) pids.add((await connection.request({ path: '/count' })).pid);
  };
  await Promise.all(connections.map(ask));
  return pids;
}

it('SIGTERM to the old process ends both, and what was asked is answered', { timeout: 60_000 }, async () => {
  await using moving = new Moving(slow);
  const { app } = moving;
  const { connections, old, pid } = await startMove(moving);
  const asking = askToTheEnd(connections);
  app.kill('SIGTERM', old);
  await asking;
  await app.waitForLine('ERR_BYE_UPGRADE_ABORTED', { timeoutMs: 20_000 });
  await until(() => !app.isRunning(old) && !app.isRunning(pid), { timeoutMs: 20_000 });
  expect(await app.exited).toEqual({ code: 0, signal: null });
});

it('SIGTERM to the new process ends both, and what was asked is answered', { timeout: 60_000 }, async () => {
  await using moving = new Moving(slow);
  const { app } = moving;
  const { connections, old, pid } = await startMove(moving);
  const asking = askToTheEnd(connections);
  app.kill('SIGTERM', pid);
  await asking;
  await until(() => !app.isRunning(old) && !app.isRunning(pid), { timeoutMs: 20_000 });
  expect(await app.exited).toEqual({ code: 0, signal: null });
  expect(app.log.toString()).not.toContain('upgrade failed');
});
