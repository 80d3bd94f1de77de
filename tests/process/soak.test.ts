// Many requests over many upgrades on the same connections: none fails, none is opened anew, and nothing grows.
import {
  openDescriptors,
  residentBytes,
  startApp,
  startTraffic,
  type TrafficOptions,
  threadCount,
  until,
} from '@bye/testkit';
import { expect, it } from 'vitest';
import { SERVICE } from '../service.js';

/** BYE_SOAK=1 for the long run: a million requests over 100 upgrades. */
const IS_LONG = process.env['BYE_SOAK'] === '1';
const UPGRADES = IS_LONG ? 100 : 5;
const REQUESTS = IS_LONG ? 1_000_000 : 10_000;
const CLIENTS = 64;
const SEED = Number(process.env['BYE_SEED'] ?? 1);

const mix = { fast: 900, echo: 95, slow: 3, slowMs: 50, large: 0.2, headersSet: 2, echoBytes: 2048 };

const LOADS: Record<string, Partial<TrafficOptions>> = {
  'one by one': {},
  'pipelined, and cut at random places': { pipelined: { share: 0.9, depth: 8, pieces: 6 } },
};

it.each(Object.entries(LOADS))(
  '%s: every connection lives through every upgrade, and no request fails (M1)',
  async (_how, load) => {
    await using app = startApp(SERVICE, { env: { BYE_LOG: 'info' } });
    const { port } = await app.waitForGeneration(0);
    const startedAt = performance.now();
    const traffic = startTraffic({
      target: { port },
      keepAliveClients: CLIENTS,
      freshClients: 0,
      thinkMs: 0,
      seed: SEED,
      mix,
      ...load,
    });
    const untilAnswered = (share: number) =>
      until(() => traffic.counts().ok >= REQUESTS * share || traffic.counts().failed > 0, { timeoutMs: 60_000 });
    await untilAnswered(0.5 / (UPGRADES + 1));
    const ports = traffic.localPorts();
    expect(new Set(ports).size).toBe(CLIENTS);
    const sizes = [];
    for (let generation = 1; generation <= UPGRADES; generation++) {
      await untilAnswered(generation / (UPGRADES + 1));
      const { pid: old } = app.current();
      sizes.push({ ...sizeOf(old), generation: generation - 1 });
      app.kill('SIGUSR1', old);
      await app.waitForGeneration(generation, { timeoutMs: 20_000 });
      await app.waitUntilGone(old, { timeoutMs: 20_000 });
      // Then its channel is closed, too.
      await app.waitForLine(`the old process ${old} has ended`, { timeoutMs: 20_000 });
    }
    await untilAnswered(1);
    const portsAtTheEnd = traffic.localPorts();
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect(counts).toMatchObject({ failed: 0, connects: CLIENTS, reconnects: 0, idleCloses: 0, closesSaid: 0 });
    expect(portsAtTheEnd).toEqual(ports);
    expect(counts.byPid.size).toBe(UPGRADES + 1);
    if (IS_LONG)
      tell({ ok: counts.ok, slowestMs: counts.slowestMs, seconds: (performance.now() - startedAt) / 1000, sizes });
    // The first process had nothing handed to it.
    const handedOver = sizes.slice(1);
    expect(new Set(handedOver.map(({ descriptors, threads }) => `${descriptors} ${threads}`)).size).toBe(1);
    if (IS_LONG) expect(mean(handedOver.slice(-20))).toBeLessThan(mean(handedOver.slice(0, 20)) * 1.15);
  },
  IS_LONG ? 1_800_000 : 60_000,
);

interface Size {
  readonly generation: number;
  readonly residentBytes: number;
}

function sizeOf(pid: number) {
  return { residentBytes: residentBytes(pid), descriptors: openDescriptors(pid).total, threads: threadCount(pid) };
}

function mean(sizes: readonly Size[]): number {
  return sizes.reduce((sum, size) => sum + size.residentBytes, 0) / sizes.length;
}

/** Every tenth generation's size, and what the load saw. */
function tell(report: { readonly sizes: readonly Size[]; readonly [name: string]: unknown }): void {
  const sizes = report.sizes.filter(({ generation }) => generation % 10 === 0);
  console.log(JSON.stringify({ ...report, sizes }));
}
