import { readFileSync } from 'node:fs';
import { type App, childrenOf, startedWith, startTraffic, until } from '@bye/testkit';
import { expect, it } from 'vitest';
import { Hooked } from './hooked.js';

const UPGRADES = 10;

/** Whether this process answers SIGHUP: no longer as the kernel does. */
function answersHangup(pid: number): boolean {
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0';
    return (BigInt(`0x${caught}`) & 1n) === 1n;
  } catch {
    return false;
  }
}

/**
 * Sends SIGHUP about every millisecond to every process of the service: to a new one from the moment it has run the first
 * JavaScript on. Before that the kernel answers.
 */
function storm(app: App, first: number) {
  const targets = new Map<number, number>([[first, 0]]);
  let sent = 0;
  let turn = 0;
  let ended = false;
  const admit = (parent: number, generation: number): void => {
    for (const { pid } of childrenOf(parent)) {
      // Between fork and exec it still looks like its parent, and has that one's environment.
      const isNext = startedWith(pid, 'BYE_GENERATION', String(generation + 1));
      if (!targets.has(pid) && isNext && answersHangup(pid)) targets.set(pid, generation + 1);
    }
  };
  const step = (): void => {
    if (ended) return;
    const [newest, generation] = [...targets].at(-1) as [number, number];
    if (turn++ % 4 === 0) admit(newest, generation);
    for (const pid of targets.keys()) if (app.kill('SIGHUP', pid)) sent++;
    setTimeout(step, 1);
  };
  step();
  return {
    end: () => {
      ended = true;
      return { sent, processes: targets.size };
    },
  };
}

it.skipIf(process.platform !== 'linux')(
  `SIGHUP every 1 ms to every process ends none in ${UPGRADES} upgrades under load, and no request is lost`,
  { timeout: 120_000 },
  async () => {
    await using hooked = new Hooked({ signals: { SIGHUP: ['count'] } });
    const { app } = hooked;
    const { pid: first, port } = await app.waitForGeneration(0);
    const traffic = startTraffic({ target: { port }, keepAliveClients: 8, freshClients: 2 });
    const storming = storm(app, first);
    const pids = [first];
    for (let generation = 1; generation <= UPGRADES; generation++) {
      const old = app.current().pid;
      app.kill('SIGUSR1');
      const { pid } = await app.waitForGeneration(generation, { timeoutMs: 30_000 });
      pids.push(pid);
      await app.waitUntilGone(old, { timeoutMs: 20_000 });
    }
    const counts = await traffic.stop();
    app.kill('SIGTERM');
    await app.waitUntilGone(pids.at(-1) as number);
    const { sent, processes } = storming.end();
    expect([counts.failed, counts.failures]).toEqual([0, []]);
    expect(counts.byPid.size).toBe(UPGRADES + 1);
    expect(processes).toBe(UPGRADES + 1);
    expect(sent).toBeGreaterThan(UPGRADES * 10);
    // Whoever a signal ends says no last word.
    const lastWords = () => hooked.events().filter(({ event }) => event === 'bye:exit');
    await until(() => lastWords().length === pids.length);
    expect(lastWords().map(({ on, code }) => [on, code])).toEqual(pids.map((pid) => [pid, 0]));
    for (const pid of pids) expect(hooked.runs(pid)).toBeGreaterThan(0);
    expect(hooked.events().filter(({ event }) => event === 'bye:upgrade-failed')).toEqual([]);
    expect(await app.exited).toEqual({ code: 0, signal: null });
  },
);
