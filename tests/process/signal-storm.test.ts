import { fileURLToPath } from 'node:url';
import { type App, startTraffic, until } from '@bye/testkit';
import { expect, it } from 'vitest';
import { Hooked } from './hooked.js';

const UPGRADES = 10;
/** Says that it has begun, right after what bye has run first. */
const MARK = fileURLToPath(new URL('../fixtures/start/mark.cjs', import.meta.url));

/**
 * Sends SIGHUP about every millisecond to every process of the service: to a new one from its first JavaScript on. Before
 * that the kernel answers.
 */
function storm(app: App, first: number) {
  const targets = new Map([[first, 0]]);
  let ended = false;
  const unfollow = app.log.onLine(({ text }) => {
    const started = /^marked .*?pid=(\d+)/.exec(text)?.[1];
    if (started !== undefined) targets.set(Number(started), 0);
  });
  const step = (): void => {
    if (ended) return;
    for (const [pid, sent] of targets) if (app.kill('SIGHUP', pid)) targets.set(pid, sent + 1);
    setTimeout(step, 1);
  };
  step();
  return {
    sentTo: (pid: number) => targets.get(pid) ?? 0,
    end: () => {
      ended = true;
      unfollow();
      return { sent: [...targets.values()].reduce((sum, sent) => sum + sent), processes: targets.size };
    },
  };
}

it.skipIf(process.platform === 'win32')(
  `SIGHUP every 1 ms to every process ends none in ${UPGRADES} upgrades under load, and no request is lost`,
  { timeout: 120_000 },
  async () => {
    await using hooked = new Hooked({ signals: { SIGHUP: ['count'] } }, {}, {}, ['--require', MARK]);
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
      // What it printed may be read late: the last one would be stopped before the storm has found it.
      const before = storming.sentTo(pid);
      await until(() => storming.sentTo(pid) > before);
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
