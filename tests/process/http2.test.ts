// HTTP/2 under load through upgrades and a stop: a conforming client sees no failure. Trap T15: docs/internals.
// BYE_SOAK=1 makes it 20 upgrades each.
import { createRandom, seededBuffer, startApp } from '@bye/testkit';
import { expect, it } from 'vitest';
import { HTTP2 } from '../service.js';
import { Http2Client } from './http2-client.js';
import { Scratch } from './lab.js';
import { writeCertificate } from './tls.js';

const UPGRADES = process.env['BYE_SOAK'] === '1' ? 20 : 2;
const CLIENTS = 4;
/** Requests that each client has in flight. */
const STREAMS = 4;

it.each([
  ['h2c', 'http'],
  ['h2', 'https'],
  ['fastify', 'https'],
])(
  '%s: no request of a conforming client fails',
  async (KIND, scheme) => {
    using scratch = new Scratch();
    const CERTIFICATE = writeCertificate(scratch);
    const SERVICE_OPTIONS = JSON.stringify({ minReadyMs: 100 });
    await using app = startApp(HTTP2, { env: { KIND, CERTIFICATE, SERVICE_OPTIONS, BYE_LOG: 'info' } });
    const { port } = await app.waitForGeneration(0);
    const clients = Array.from({ length: CLIENTS }, () => new Http2Client(`${scheme}://127.0.0.1:${port}`));
    const answeredBy = new Map<string, number>();
    let isStopping = false;
    const load = clients.flatMap((client, index) =>
      Array.from({ length: STREAMS }, async (_, lane) => {
        const random = createRandom(index * STREAMS + lane);
        while (!isStopping) {
          // Small ones, and uploads that flow control takes in several turns.
          const sent = seededBuffer(random.integer(1000), random.next() < 0.1 ? 200_000 : random.integer(1000));
          const { headers, body } = await client.send(sent);
          if (Number(headers[':status']) !== 200 || !body.equals(sent))
            throw new Error(`Not what was sent: ${body.length}`);
          const pid = String(headers['x-pid']);
          answeredBy.set(pid, (answeredBy.get(pid) ?? 0) + 1);
        }
      }),
    );
    // A failure is reported at the end of the test, where all are awaited.
    for (const lane of load) lane.catch(() => {});
    for (let generation = 1; generation <= UPGRADES; generation++) {
      const old = app.current().pid;
      app.kill('SIGUSR1');
      await app.waitForGeneration(generation, { timeoutMs: 20_000 });
      await app.waitForLine(new RegExp(`bye\\[${old}\\] info: exit 0`), { timeoutMs: 20_000 });
      await app.waitUntilGone(old);
    }
    isStopping = true;
    await Promise.all(load);
    const last = app.current().pid;
    app.kill('SIGTERM');
    await app.waitForLine(new RegExp(`bye\\[${last}\\] info: exit 0`));
    for (const client of clients) client.close();
    expect(answeredBy.size).toBe(UPGRADES + 1);
    const [answered, retried] = [
      [...answeredBy.values()].reduce((sum, count) => sum + count),
      clients.reduce((sum, one) => sum + one.retried, 0),
    ];
    console.log(`${KIND}: ${answered} answered, ${retried} sent again`);
  },
  240_000,
);
