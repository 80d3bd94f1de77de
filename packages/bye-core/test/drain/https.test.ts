// A TLS connection is two sockets, of which requests carry the inner one. Trap T30: docs/internals.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { requests, testHandler } from '@bye/testkit';
import { expect, test } from 'vitest';
import { Bench, WITH_GRACE } from './bench.js';
import { createCertificate } from './tls.js';

const certificate = createCertificate();
const start = (bench: Bench) =>
  bench
    .listen(createServer(certificate, (request, response) => testHandler(request, response)))
    .then((target) => ({ ...target, tls: { rejectUnauthorized: false } }));

test('`drain()` of https counts each request once, answers it and says close (T30)', async () => {
  await using bench = new Bench(WITH_GRACE);
  const target = await start(bench);
  const [busy, idle] = [await bench.connect(target), await bench.connect(target)];
  await idle.request(requests.fast(1));
  const answer = busy.request(requests.slow(2, 300));
  await expect.poll(() => bench.bye.health()).toMatchObject({ inFlight: 1, connections: 2 });
  const drained = bench.bye.drain();
  expect((await idle.request(requests.fast(3))).saidClose).toBe(true);
  expect((await answer).saidClose).toBe(true);
  expect(await idle.closed).toMatchObject({ reset: false });
  expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
  expect(bench.bye.health()).toMatchObject({ inFlight: 0, connections: 0 });
});

test('`drain()` of https sends an answer that was not flushed, to its last byte', async () => {
  await using bench = new Bench();
  const target = await start(bench);
  const client = await bench.connect(target);
  const answer = client.request(requests.large(1, 8 * 2 ** 20));
  client.pauseReading();
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  client.resumeReading();
  expect((await answer).bodyBytes).toBe(8 * 2 ** 20);
  client.end();
  expect(await drained).toMatchObject({ cut: [] });
});

test('`drain()` of https does not wait for a handshake that never comes (T2)', async () => {
  await using bench = new Bench({ signals: true, keepAliveGraceMs: 200 });
  const { port } = await start(bench);
  const socket = connect(port, '127.0.0.1');
  bench.defer(() => socket.destroy());
  await expect.poll(() => bench.bye.health().connections).toBe(1);
  const closed = once(socket.on('error', () => {}).resume(), 'close');
  expect(await bench.bye.drain()).toMatchObject({ cut: [] });
  await closed;
});

test('`drain()` of https on a unix path tells a silent connection from one with a request', async () => {
  await using bench = new Bench({ signals: true, keepAliveGraceMs: 200 });
  const socketPath = join(mkdtempSync(join(tmpdir(), 'bye-tls-')), 'socket');
  bench.defer(() => rmSync(dirname(socketPath), { recursive: true }));
  const server = bench.bye.attach(createServer(certificate, (request, response) => testHandler(request, response)));
  await once(server.listen(socketPath), 'listening');
  const silent = connect(socketPath).on('error', () => {});
  bench.defer(() => silent.destroy());
  await expect.poll(() => bench.bye.health().connections).toBe(1);
  const busy = await bench.connect({ socketPath, tls: { rejectUnauthorized: false } });
  const answer = busy.request(requests.slow(1, 600));
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  expect((await answer).status).toBe(200);
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
});
