// https and HTTP/2 servers under load through upgrades, each to another release path: no request fails, and every client
// that comes back resumes its session. BYE_SOAK=1 makes it 20 upgrades.
import { startTraffic, until } from '@bye/testkit';
import { expect, it } from 'vitest';
import { type TlsServerSpec, TlsService, visit } from './tls.js';

const UPGRADES = process.env['BYE_SOAK'] === '1' ? 20 : 2;
/** Clients that connect anew for each request. */
const RETURNING = 4;

it.each<[string, TlsServerSpec]>([
  ['https', { kind: 'https' }],
  ['http2 with HTTP/1.1', { kind: 'http2 and 1' }],
])(
  '%s: no request fails, and every session resumes',
  async (title, spec) => {
    await using service = new TlsService({ servers: [spec] });
    const [port = 0] = await service.ports();
    const traffic = startTraffic({
      target: { port, tls: { rejectUnauthorized: false } },
      keepAliveClients: 12,
      freshClients: 4,
    });
    let isStopping = false;
    const resumedBy = new Map<number, number>();
    const returning = Array.from({ length: RETURNING }, async (_, index) => {
      const options = { maxVersion: index % 2 === 0 ? 'TLSv1.3' : 'TLSv1.2' } as const;
      let { session } = await visit(port, options);
      while (!isStopping) {
        const next = await visit(port, { ...options, session });
        if (!next.isReused) throw new Error(`${options.maxVersion}: a handshake in full with ${next.said.pid}`);
        ({ session } = next);
        resumedBy.set(next.said.pid, (resumedBy.get(next.said.pid) ?? 0) + 1);
      }
    });
    // A failure is reported at the end of the test, where all are awaited.
    for (const client of returning) client.catch(() => {});
    for (let generation = 1; generation <= UPGRADES; generation++) {
      service.deploy({ servers: [spec] });
      const pid = await service.upgrade(generation);
      const hasResumed = () => (resumedBy.get(pid) ?? 0) >= RETURNING;
      await Promise.race([until(hasResumed, { what: 'sessions resumed' }), Promise.all(returning)]);
    }
    isStopping = true;
    await Promise.all(returning);
    const { ok, failed, failures } = await traffic.stop();
    expect({ failed, failures }).toEqual({ failed: 0, failures: [] });
    const resumed = [...resumedBy.values()].reduce((sum, count) => sum + count);
    console.log(`${title}: ${ok} answered, ${resumed} sessions resumed over ${UPGRADES} upgrades`);
  },
  240_000,
);
