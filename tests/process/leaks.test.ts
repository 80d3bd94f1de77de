import { readdirSync, readFileSync } from 'node:fs';
import { type App, openDescriptors, requests, StrictConnection, type Target, threadCount, until } from '@bye/testkit';
import { describe, expect, it } from 'vitest';
import { type LabOptions, Scratch, startLab } from './lab.js';

const LONG = { timeoutMs: 20_000 };

/** Each time the old process has to be gone, as it is after any upgrade without work. */
async function upgrade(app: App, generation: number): Promise<number> {
  const old = app.current().pid;
  app.kill('SIGUSR1');
  const { pid } = await app.waitForGeneration(generation, LONG);
  await app.waitUntilGone(old, LONG);
  // Then its channel is closed, too.
  await app.waitForLine(`the old process ${old} has ended`, LONG);
  return pid;
}

/** What the process of a generation has, once it has settled. */
function countOf(pid: number) {
  return { descriptors: openDescriptors(pid).byKind, threads: threadCount(pid) };
}

/** One upgrade after the other: the last generation is as small as the first one that was handed over to. */
async function upgradeInARow(count: number, lab: LabOptions, target: (port: number) => Target): Promise<void> {
  await using app = startLab(lab);
  await app.waitForGeneration(0, LONG);
  const first = countOf(await upgrade(app, 1));
  let pid = 0;
  for (let generation = 2; generation <= count; generation++) pid = await upgrade(app, generation);
  const { port } = app.current();
  await until(() => JSON.stringify(countOf(pid)) === JSON.stringify(first)).catch(() =>
    expect(countOf(pid)).toEqual(first),
  );
  expect(app.strays().map((process) => process.pid)).toEqual([pid]);
  const connection = await StrictConnection.open(target(port));
  expect((await connection.request(requests.fast(1))).pid).toBe(pid);
  connection.destroy();
  app.kill('SIGTERM');
  await app.waitUntilGone(pid);
  expect(app.strays()).toEqual([]);
}

describe.skipIf(process.platform !== 'linux')('upgrade() in a row leaves nothing behind', () => {
  it('after 100 times on a port', { timeout: 120_000 }, async () => {
    await upgradeInARow(100, {}, (port) => ({ port }));
  });

  it('after 20 times on a unix path, with a PID file', async () => {
    using scratch = new Scratch();
    const [SOCKET, PIDFILE] = [scratch.path('socket'), scratch.path('pid')];
    await upgradeInARow(20, { env: { SOCKET, PIDFILE } }, () => {
      expect(readdirSync(scratch.dir).sort()).toEqual(['pid', 'socket']);
      expect(readFileSync(PIDFILE, 'utf8')).toMatch(/^\d+\n$/);
      return { socketPath: SOCKET };
    });
    expect(readdirSync(scratch.dir)).toEqual([]);
  });
});
