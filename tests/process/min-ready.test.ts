import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp, startTraffic } from '@bye/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { SERVICE } from '../service.js';

it.each(['http', 'fastify'])(
  'minReadyMs makes a %s version harmless that listens and fails soon after',
  async (KIND) => {
    const directory = mkdtempSync(join(tmpdir(), 'bye-min-ready-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const BREAK_FILE = join(directory, 'how');
    // With every default, as an application has it.
    await using app = startApp(SERVICE, { env: { KIND, BREAK_FILE, BYE_MIN_READY_MS: undefined } });
    const { pid, port } = await app.waitForGeneration(0, { timeoutMs: 20_000 });
    const traffic = startTraffic({ target: { port }, keepAliveClients: 8, freshClients: 4 });

    writeFileSync(BREAK_FILE, 'listen-then-exit');
    app.kill('SIGUSR1');
    await app.waitForLine(/exited with code 4 before it was ready/, { timeoutMs: 20_000 });
    expect(app.current().pid).toBe(pid);

    rmSync(BREAK_FILE);
    app.kill('SIGUSR1');
    const next = await app.waitForGeneration(1, { timeoutMs: 20_000 });
    await app.waitUntilGone(pid, { timeoutMs: 20_000 });
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect([...counts.byPid.keys()].sort()).toEqual([pid, next.pid].sort());
  },
);
