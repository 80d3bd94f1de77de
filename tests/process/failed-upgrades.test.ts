import { readFileSync } from 'node:fs';
import { type App, openDescriptors, startApp, startTraffic, threadCount, until } from '@bye/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVICE } from '../service.js';
import { act, lastUpgrade, printed, Scratch, startLab } from './lab.js';

// One service under load is given every broken version in turn: it serves on with the same PID, says what went wrong,
// and nothing of the new process is left. At the end a good version takes over as if nothing had happened.

interface Failure {
  /** See fixtures/broken.mjs. */
  readonly how: string;
  readonly says: RegExp;
}

const FAILURES: Record<string, Failure> = {
  'crashes at once': { how: 'crash', says: /exited with code 1 before .*ERR_BYE_UPGRADE_EXITED.*broken on purpose/ },
  'has a syntax error': { how: 'syntax-error', says: /exited with code 1 before .*SyntaxError: Unexpected token ';'/ },
  'exits with an error code': { how: 'exit-3', says: /exited with code 3 before it was ready/ },
  'exits 0 without being ready': { how: 'exit-0', says: /exited with code 0 before it was ready/ },
  'is killed while it starts': { how: 'kill', says: /was ended by SIGKILL before it was ready/ },
  'listens, waits 500 ms and exits': { how: 'listen-then-exit', says: /exited with code 4 before it was ready/ },
  'hangs before it listens': { how: 'hang', says: /did not become ready: waited 5000 ms .*ERR_BYE_UPGRADE_TIMEOUT/ },
  'hangs while it listens': { how: 'hang-listening', says: /did not become ready: waited 5000 ms/ },
  'writes to the channel what is no message': {
    how: 'garbage',
    says: /wrote to its channel what nobody can read .*ERR_BYE_UPGRADE_CHANNEL_LOST.*SyntaxError/,
  },
  'writes to the channel what only Node may': {
    how: 'node-message',
    says: /wrote to its channel what nobody can read .*ERR_BYE_UPGRADE_CHANNEL_LOST/,
  },
  'hangs with a helper process': { how: 'helper', says: /did not become ready: waited 5000 ms/ },
};

/** Upgrades to the version that is there, under load. @returns what the load saw */
async function underLoad(port: number, upgrade: () => Promise<void>) {
  const traffic = startTraffic({ target: { port }, keepAliveClients: 4, freshClients: 2, mix: { slow: 2, large: 1 } });
  const answersGrow = async () => {
    const { ok } = traffic.counts();
    await until(() => traffic.counts().ok > ok + 30, { what: 'requests are answered', timeoutMs: 20_000 });
  };
  await answersGrow();
  await upgrade();
  await answersGrow();
  return traffic.stop();
}

/** Waits until a process has nothing open that it had not before; a connection that ended meanwhile may be missing. */
async function nothingLeft(pid: number, before: ReadonlySet<string>): Promise<void> {
  const left = () => targetsOf(pid).filter((target) => !before.has(target));
  await until(() => left().length === 0).catch(() => expect(left()).toEqual([]));
}

/** Each open descriptor by what it leads to, numbered where several lead to the same. */
function targetsOf(pid: number): string[] {
  const { byTarget } = openDescriptors(pid);
  return Object.entries(byTarget).flatMap(([target, count]) =>
    Array.from({ length: count }, (_, index) => `${target} #${index}`),
  );
}

describe.skipIf(process.platform !== 'linux')('upgrade() to a version that', () => {
  const scratch = new Scratch();
  let app: App;
  let pid: number;
  let port: number;

  beforeAll(async () => {
    app = startLab({
      options: { readiness: 'manual', upgradeTimeoutMs: 5000 },
      env: { BREAK_FILE: scratch.breakFile, PIDFILE: scratch.path('pid') },
    });
    ({ pid, port } = await app.waitForGeneration(0, { timeoutMs: 20_000 }));
    // What Node opens for the first child it ever starts stays open.
    scratch.deploy('exit-3');
    await act({ port }, '/upgrade');
  });
  afterAll(async () => {
    await app.dispose();
    scratch[Symbol.dispose]();
  });

  it.each(Object.entries(FAILURES))('%s is harmless (T24)', async (_name, { how, says }) => {
    const before = new Set(targetsOf(pid));
    const threads = threadCount(pid);
    const from = app.log.lines.length;
    scratch.deploy(how);
    const counts = await underLoad(port, async () => {
      app.kill('SIGUSR1', pid);
      expect(await app.waitForLine('upgrade failed', { from, timeoutMs: 20_000 })).toMatch(says);
    });
    expect(counts.failures).toEqual([]);
    expect([...counts.byPid.keys()]).toEqual([pid]);
    expect((await lastUpgrade(port))?.error).toMatch(says);
    expect(app.log.lines.slice(from).map(({ text }) => text)).toContain(
      `hook upgrade-failed ERR_BYE_UPGRADE_${/TIMEOUT|waited/.test(says.source) ? 'TIMEOUT' : /CHANNEL_LOST/.test(says.source) ? 'CHANNEL_LOST' : 'EXITED'} pid=${pid}`,
    );
    expect(app.strays().map((process) => process.pid)).toEqual([pid]);
    await nothingLeft(pid, before);
    expect(threadCount(pid)).toBe(threads);
  });

  it('fails rejects with code, data and cause', async () => {
    scratch.deploy('crash');
    expect(await act({ port }, '/upgrade')).toMatchObject({
      pid,
      outcome: { code: 'ERR_BYE_UPGRADE_EXITED', data: { exitCode: 1, signal: null }, cause: 'broken on purpose' },
    });
  });

  it.each(['pid-file-and-exit', 'pid-file-and-hang'])(
    'wrote its own PID file leaves the old PID in it (%s)',
    async (how) => {
      scratch.deploy(how);
      const upgrade = act({ port }, '/upgrade');
      await until(() => readFileSync(scratch.path('pid'), 'utf8') !== `${pid}\n`, { everyMs: 1, timeoutMs: 20_000 });
      expect(await upgrade).toMatchObject({ pid, outcome: { code: expect.stringContaining('ERR_BYE_UPGRADE') } });
      expect(readFileSync(scratch.path('pid'), 'utf8')).toBe(`${pid}\n`);
    },
  );

  it('is good succeeds after all of them', async () => {
    scratch.deploy('');
    const counts = await underLoad(port, async () => {
      app.kill('SIGUSR1', pid);
      await app.waitForGeneration(1, { timeoutMs: 20_000 });
    });
    const next = app.current();
    expect(counts.failures).toEqual([]);
    expect([...counts.byPid.keys()]).toEqual([pid, next.pid]);
    await app.waitUntilGone(pid);
    expect(readFileSync(scratch.path('pid'), 'utf8')).toBe(`${next.pid}\n`);
    app.kill('SIGTERM');
    await app.waitUntilGone(next.pid);
    expect(app.strays()).toEqual([]);
    expect(printed(app)).not.toContain('never seen');
  });
});

describe.skipIf(process.platform !== 'linux')('Fastify', () => {
  it('upgrade() to a version with a plugin that throws is harmless', async () => {
    using scratch = new Scratch();
    await using app = startApp(SERVICE, { env: { KIND: 'fastify', BREAK_FILE: scratch.breakFile } });
    const { pid, port } = await app.waitForGeneration(0, { timeoutMs: 20_000 });
    scratch.deploy('plugin');
    const counts = await underLoad(port, async () => {
      app.kill('SIGUSR1');
      expect(await app.waitForLine('upgrade failed', { timeoutMs: 20_000 })).toMatch(
        /exited with code 1 before it was ready.*plugin broken on purpose/,
      );
    });
    expect(counts.failures).toEqual([]);
    expect([...counts.byPid.keys()]).toEqual([pid]);
    expect(app.strays().map((process) => process.pid)).toEqual([pid]);
  });
});
