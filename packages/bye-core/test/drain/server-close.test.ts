// What an application sees that closes its server itself. Traps T2, T26: docs/internals.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { requests, testHandler } from '@bye/testkit';
import { expect, test } from 'vitest';
import { Bench, WITH_GRACE } from './bench.js';

async function openRaw(bench: Bench, port: number, text = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  bench.defer(() => socket.destroy());
  await once(socket, 'connect');
  if (text !== '') await new Promise((resolve) => socket.write(text, resolve));
  return socket;
}

test('`server.close()` calls back once, and emits close once, also when called again (T26)', async () => {
  await using bench = new Bench();
  const { server, target } = await bench.serve((request, response) => testHandler(request, response));
  const client = await bench.connect(target);
  await client.request(requests.fast(1));
  const calls: string[] = [];
  server.on('close', () => calls.push('close'));
  expect(server.close((error) => calls.push(`first ${error}`))).toBe(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await bench.bye.drain();
  expect(calls).toEqual(['close', 'first undefined']);
  expect(server.listening).toBe(false);
});

test('`server.close()` emits close once when a drain closes the server first (T26)', async () => {
  await using bench = new Bench();
  const { server, target } = await bench.serve((request, response) => testHandler(request, response));
  const client = await bench.connect(target);
  const calls: string[] = [];
  server.on('close', () => calls.push('close'));
  const answer = client.request(requests.slow(1, 100));
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  server.close(() => calls.push('called back'));
  await Promise.all([answer, drained, expect.poll(() => calls).toHaveLength(2)]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual(['close', 'called back']);
});

test('`server.close()` of one that never listened is ERR_SERVER_NOT_RUNNING, as without bye', async () => {
  await using bench = new Bench();
  const server = bench.bye.attach(createServer());
  const error = await new Promise((resolve) => server.close(resolve));
  expect(error).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' });
});

test('`server.close()` ends for silent connections, half heads, upgraded sockets and busy ones (T2)', async () => {
  await using bench = new Bench({ signals: true, keepAliveGraceMs: 200 });
  const { server, target } = await bench.serve((request, response) => testHandler(request, response));
  server.on('upgrade', (_request, socket: Socket) => {
    socket.on('error', () => {}).write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
  });
  await openRaw(bench, target.port);
  await openRaw(bench, target.port, 'GET /fast?n=1 HTTP/1.1\r\nHo');
  const upgraded = await openRaw(
    bench,
    target.port,
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
  );
  await once(upgraded, 'data');
  const busy = await bench.connect(target);
  const traffic = (async () => {
    let count = 0;
    for (; busy.usable; count++) await busy.request(requests.slow(count, 20));
    return count;
  })();
  await expect.poll(() => bench.bye.health().connections).toBe(4);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect(await traffic).toBeGreaterThan(0);
  expect(bench.bye.health()).toMatchObject({ status: 'ready', connections: 0, inFlight: 0 });
});

test('`server.close()` gives idle connections their grace, and drains no other server', async () => {
  await using bench = new Bench(WITH_GRACE);
  const { server, target } = await bench.serve((request, response) => testHandler(request, response));
  const other = await bench.serve((request, response) => testHandler(request, response));
  const [client, spared] = [await bench.connect(target), await bench.connect(other.target)];
  await Promise.all([client.request(requests.fast(1)), spared.request(requests.fast(1))]);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  expect((await client.request(requests.fast(2))).saidClose).toBe(true);
  await closed;
  expect((await spared.request(requests.fast(2))).saidClose).toBe(false);
  spared.end();
});

test('`server.closeIdleConnections()` after close() reaps nothing before its grace is over (T4)', async () => {
  await using bench = new Bench(WITH_GRACE);
  const { server, target } = await bench.serve((request, response) => testHandler(request, response));
  const client = await bench.connect(target);
  await client.request(requests.fast(1));
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  expect((await client.request(requests.fast(2))).saidClose).toBe(true);
  await closed;
});

test('a server that listens again serves as before, and is drained again', async () => {
  await using bench = new Bench(WITH_GRACE);
  const { server, target } = await bench.serve((request, response) => testHandler(request, response));
  for (let round = 0; round < 3; round++) {
    const client = await bench.connect(target);
    expect((await client.request(requests.fast(round))).saidClose).toBe(false);
    expect((await client.request(requests.fast(round))).saidClose).toBe(false);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    expect((await client.request(requests.fast(round))).saidClose).toBe(true);
    await closed;
    server.listen(target.port, '127.0.0.1');
    await once(server, 'listening');
    if (round === 1) bench.bye.attach(server);
  }
  const client = await bench.connect(target);
  await client.request(requests.fast('last'));
  const drained = bench.bye.drain();
  expect((await client.request(requests.fast('last'))).saidClose).toBe(true);
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
  expect(server.listening).toBe(false);
});
