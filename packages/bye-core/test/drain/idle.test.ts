// How long connections that have nothing to do may stay. Traps T2, T27, T28: docs/internals.
import { once } from 'node:events';
import { connect } from 'node:net';
import { requests, testHandler } from '@bye/testkit';
import { expect, test } from 'vitest';
import { Bench } from './bench.js';

const GRACE_MS = 300;
const serve = (bench: Bench) => bench.serve((request, response) => testHandler(request, response));

test('`drain()` ends idle connections after keepAliveGraceMs, and resets none (T27)', async () => {
  await using bench = new Bench({ signals: true, keepAliveGraceMs: GRACE_MS });
  const { target } = await serve(bench);
  const client = await bench.connect(target);
  await client.request(requests.fast(1));
  const startedAt = performance.now();
  const drained = bench.bye.drain();
  expect(await client.closed).toMatchObject({ by: 'server', idle: true, reset: false });
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(GRACE_MS - 5);
  expect(await drained).toMatchObject({ cut: [] });
});

test.each([
  ['a silent connection', ''],
  ['half a request head', 'GET /fast?n=1 HTTP/1.1\r\nHost'],
])('`drain()` does not wait for %s beyond the grace (T2)', async (_what, text) => {
  await using bench = new Bench({ signals: true, keepAliveGraceMs: GRACE_MS });
  const { target } = await serve(bench);
  const socket = connect({ port: target.port, host: '127.0.0.1' });
  bench.defer(() => socket.destroy());
  await once(socket, 'connect');
  socket.resume().write(text);
  await expect.poll(() => bench.bye.health().connections).toBe(1);
  const ended = once(socket, 'end');
  const drained = bench.bye.drain();
  await ended;
  expect(await drained).toMatchObject({ cut: [] });
});

test.each([
  ['drain()', (bench: Bench) => bench.bye.drain()],
  ['server.close()', (bench: Bench) => bench.server?.close()],
])('`%s` leaves a connection that has not spoken yet open for its first request (T28)', async (_name, begin) => {
  await using bench = new Bench({ signals: true, keepAliveGraceMs: 5000 });
  const { target } = await serve(bench);
  const client = await bench.connect(target);
  await expect.poll(() => bench.bye.health().connections).toBe(1);
  begin(bench);
  await expect.poll(() => bench.server?.listening).toBe(false);
  expect((await client.request(requests.fast(1))).saidClose).toBe(true);
});

test('`drain()` does not wait for a client that never closes its side', async () => {
  await using bench = new Bench();
  const { target } = await serve(bench);
  const socket = connect({ port: target.port, host: '127.0.0.1', allowHalfOpen: true });
  bench.defer(() => socket.destroy());
  await once(socket.resume(), 'connect');
  await expect.poll(() => bench.bye.health().connections).toBe(1);
  const closed = once(socket, 'close');
  expect(await bench.bye.drain()).toMatchObject({ cut: [] });
  socket.end();
  await closed;
});

test('a connection that became idle during the drain keeps its grace from then on', async () => {
  await using bench = new Bench({ signals: true, keepAliveGraceMs: GRACE_MS });
  const { target } = await bench.serve((request, response) => {
    if (request.url === '/begun') response.writeHead(200).write('head before the drain; ');
    setTimeout(() => response.end('end'), GRACE_MS + 100);
  });
  const client = await bench.connect(target);
  const begun = client.request({ path: '/begun' });
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  expect((await begun).saidClose).toBe(false);
  expect((await client.request({ path: '/' })).saidClose).toBe(true);
  expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
});

test("role 'admin' serves until the last moment, and holds nothing up", async () => {
  await using bench = new Bench();
  const app = await serve(bench);
  const metrics = await serve(bench);
  bench.bye.attach(metrics.server, { role: 'admin' });
  const [client, prober] = [await bench.connect(app.target), await bench.connect(metrics.target)];
  const answer = client.request(requests.slow(1, 200));
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  await expect.poll(() => app.server.listening).toBe(false);
  expect(metrics.server.listening).toBe(true);
  expect((await prober.request(requests.fast('metrics'))).status).toBe(200);
  await answer;
  expect(await drained).toMatchObject({ cut: [] });
  expect(metrics.server.listening).toBe(false);
});
