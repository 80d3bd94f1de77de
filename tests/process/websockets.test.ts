// Clients of real libraries through upgrades and a stop: told in time, back in the new process, no message twice.
import { readFileSync, writeFileSync } from 'node:fs';
import { startApp, until } from '@bye/testkit';
import { expect, it } from 'vitest';
import { LIVE } from '../service.js';
import { Scratch } from './lab.js';
import { type LiveClient, startSocketIo, startWebSocket } from './live-clients.js';
import { writeCertificate } from './tls.js';

const CLIENTS = 100;
const SPREAD_MS = 400;

/** Encrypted, with `BYE_SOAK=1`. */
const SOAKED = [
  ['fastify', 'wss', startWebSocket, 5, [1012, 1001]],
  ['socket.io', 'https', startSocketIo, 5, ['transport close', 'transport close']],
] as const;
const isSoak = process.env['BYE_SOAK'] === '1';

it.each([
  ['ws', 'ws', startWebSocket, 2, [1012, 1001]],
  ['fastify', 'ws', startWebSocket, 2, [1012, 1001]],
  ['socket.io', 'http', startSocketIo, 2, ['transport close', 'transport close']],
  ['ws', 'wss', startWebSocket, isSoak ? 20 : 1, [1012, 1001]],
  ...(isSoak ? SOAKED : []),
] as const)(
  '%s over %s: every client is told, comes back, and no answered message was lost or doubled',
  async (...parts) => {
    const [KIND, scheme, start, upgrades, [atUpgrade, atStop]] = parts;
    using scratch = new Scratch();
    const [RECORD, GO] = [scratch.path('record'), scratch.path('go')];
    const CERTIFICATE = scheme === 'wss' || scheme === 'https' ? writeCertificate(scratch) : undefined;
    const SERVICE_OPTIONS = JSON.stringify({ closeSpreadMs: SPREAD_MS, readiness: 'manual' });
    await using app = startApp(LIVE, { env: { KIND, RECORD, GO, CERTIFICATE, SERVICE_OPTIONS, BYE_LOG: 'info' } });
    writeFileSync(`${GO}0`, '');
    const { port } = await app.waitForGeneration(0);
    const clients = Array.from({ length: CLIENTS }, (_, index) => start(port, String(index), scheme));
    try {
      for (let generation = 1; generation <= upgrades; generation++) {
        const old = app.current().pid;
        await untilAll(clients, (one) => one.pid === old && one.isSettled());
        const before = clients.map(({ endings }) => endings.length);
        app.kill('SIGUSR1');
        await app.waitForLine(`waiting generation=${generation}`, { timeoutMs: 20_000 });
        // Nobody is told before the new process is ready.
        const startedAt = performance.now();
        writeFileSync(`${GO}${generation}`, '');
        await app.waitForGeneration(generation, { timeoutMs: 20_000 });
        await app.waitUntilGone(old, { timeoutMs: 20_000 });
        const { pid: now } = app.current();
        await untilAll(clients, (one) => one.pid === now && one.isSettled());
        const ended = clients.flatMap(({ endings }, index) => endings.slice(before[index]));
        expect(ended.map(({ how }) => how)).toEqual(clients.map(() => atUpgrade));
        expectSpread(ended.map(({ at }) => at - startedAt));
      }
      const last = app.current().pid;
      const before = clients.map(({ endings }) => endings.length);
      const startedAt = performance.now();
      app.kill('SIGTERM');
      await app.waitForLine(new RegExp(`bye\\[${last}\\] info: exit 0`));
      await untilAll(clients, ({ endings }, index) => endings.length > (before[index] as number));
      const ended = clients.map(({ endings }, index) => endings[before[index] as number]!);
      expect(ended.map(({ how }) => how)).toEqual(clients.map(() => atStop));
      expectSpread(ended.map(({ at }) => at - startedAt));
    } finally {
      for (const client of clients) client.stop();
    }
    const record = readFileSync(RECORD, 'utf8').trimEnd().split('\n');
    const times = new Map<string, number>();
    for (const id of record) times.set(id, (times.get(id) ?? 0) + 1);
    const answered = clients.flatMap(({ acknowledged }) => acknowledged);
    expect(answered.length).toBeGreaterThan(CLIENTS * 10);
    expect(answered.filter((id) => times.get(id) !== 1)).toEqual([]);
    expect(new Set(answered).size).toBe(answered.length);
  },
  120_000,
);

async function untilAll(clients: readonly LiveClient[], holds: (client: LiveClient, index: number) => boolean) {
  // Reconnecting, by polling first, is work for a machine that does other things as well.
  await until(() => clients.every(holds), { timeoutMs: 30_000, what: 'every client' });
}

/** The nth is told no sooner than its share of the time has passed: no more come back at once than that. */
function expectSpread(times: readonly number[]): void {
  for (const [index, at] of [...times].sort((one, other) => one - other).entries()) {
    expect(at).toBeGreaterThanOrEqual((index * SPREAD_MS) / CLIENTS);
  }
}
