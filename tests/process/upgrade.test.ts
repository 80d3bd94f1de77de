import { startApp, startTraffic } from '@bye/testkit';
import { describe, expect, it } from 'vitest';
import { SERVICE } from '../service.js';

const KINDS = [
  ['http', 10],
  ['fastify', 10],
  ['express', 10],
  ['koa', 10],
  ['express4', 3],
  ['koa2', 3],
] as const;

describe.each(KINDS)('%s', (KIND, upgrades) => {
  it(`loses no request in ${upgrades} upgrades and a stop, and no connection in the upgrades`, {
    timeout: 120_000,
  }, async () => {
    await using app = startApp(SERVICE, { env: { KIND } });
    const { port } = await app.waitForGeneration(0);
    const traffic = startTraffic({ target: { port, host: '127.0.0.1' }, keepAliveClients: 64, freshClients: 8 });
    for (let generation = 1; generation <= upgrades; generation++) {
      const old = app.current().pid;
      app.kill('SIGUSR1');
      await app.waitForGeneration(generation, { timeoutMs: 20_000 });
      await app.waitUntilGone(old, { timeoutMs: 20_000 });
    }
    expect(traffic.counts()).toMatchObject({ reconnects: 0, idleCloses: 0 });
    await traffic.stopConnecting();
    const last = app.current().pid;
    app.kill('SIGTERM');
    const counts = await traffic.finished;
    await app.waitUntilGone(last);
    expect(counts.failures).toEqual([]);
    expect(counts.failed).toBe(0);
    expect(counts.byPid.size).toBe(upgrades + 1);
  });
});
