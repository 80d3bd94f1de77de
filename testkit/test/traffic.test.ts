/** A load must count what really happened: nothing on a good server, each lost request on a bad one. */
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startTraffic, testHandler, until } from '../src/index.js';

let server: http.Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

it('counts no failure on a good server, whatever is asked of it', async () => {
  const port = await listen(testHandler);
  const traffic = startTraffic({
    target: { port },
    keepAliveClients: 8,
    freshClients: 4,
    thinkMs: 1,
    mix: { slowMs: 20, largeBytes: 200_000 },
    pipelined: { share: 0.2, depth: 4, pieces: 5 },
  });
  await until(() => traffic.counts().ok > 1000, { timeoutMs: 20_000 });
  const counts = await traffic.stop();
  expect(counts).toMatchObject({ failed: 0, idleCloses: 0, reconnects: 0, clients: 0, failures: [] });
  expect(counts.sent).toBe(counts.ok);
  expect([...counts.byPid]).toEqual([[process.pid, counts.ok]]);
});

it('sends the same requests again for the same seed', async () => {
  const urls: string[] = [];
  const port = await listen((req, res) => {
    urls.push(`${req.method} ${req.url}`);
    testHandler(req, res);
  });
  for (const from of [0, 60]) {
    const traffic = startTraffic({
      target: { port },
      keepAliveClients: 1,
      freshClients: 0,
      thinkMs: 0,
      seed: 5,
      mix: { slow: 0 },
    });
    await until(() => urls.length >= from + 60, { everyMs: 1 });
    await traffic.stop();
    urls.length = from + 60;
  }
  expect(urls.slice(60)).toEqual(urls.slice(0, 60));
});

it('counts each answer that a bad server loses, and says where', async () => {
  let lost = 0;
  const port = await listen((req, res) => {
    if (Math.random() > 0.05) return void testHandler(req, res);
    lost++;
    req.socket.destroy();
  });
  const traffic = startTraffic({
    target: { port },
    keepAliveClients: 4,
    freshClients: 2,
    mix: { fast: 1, echo: 0, slow: 0, large: 0, headersSet: 0 },
  });
  await until(() => lost >= 30);
  const counts = await traffic.stop();
  expect(counts.failed).toBe(lost);
  expect(counts.failures).toHaveLength(20);
  expect(counts.failures[0]).toMatchObject({ failure: 'eof-before-answer', method: 'GET', bytesGot: 0 });
});

it('counts a server that refuses connections', async () => {
  const port = await listen(testHandler);
  await new Promise((resolve) => server?.close(resolve));
  const traffic = startTraffic({ target: { port }, keepAliveClients: 1, freshClients: 1 });
  await until(() => traffic.counts().failed >= 2);
  expect((await traffic.stop()).failures[0]).toMatchObject({ failure: 'refused', method: 'connect' });
});

it('reaches a unix path', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'testkit-'));
  const socketPath = join(directory, 'app.sock');
  server = http.createServer(testHandler);
  await new Promise<void>((resolve) => server?.listen(socketPath, resolve));
  const traffic = startTraffic({ target: { socketPath }, keepAliveClients: 2, freshClients: 2, mix: { slow: 0 } });
  await until(() => traffic.counts().ok > 50);
  expect((await traffic.stop()).failed).toBe(0);
  rmSync(directory, { recursive: true });
});

it('opens another connection when the server said close', async () => {
  const port = await listen((req, res) => {
    res.setHeader('Connection', 'close');
    testHandler(req, res);
  });
  const traffic = startTraffic({
    target: { port },
    keepAliveClients: 2,
    freshClients: 0,
    mix: { slow: 0, headersSet: 0 },
  });
  await until(() => traffic.counts().reconnects > 20);
  const counts = await traffic.stop();
  expect(counts.failed).toBe(0);
  expect(counts.closesSaid).toBe(counts.ok);
});

it('opens no connection after stopConnecting(), and ends its clients quietly', async () => {
  let connections = 0;
  let draining = false;
  const port = await listen((req, res) => {
    if (draining) res.shouldKeepAlive = false;
    testHandler(req, res);
  });
  server?.on('connection', () => connections++);
  const traffic = startTraffic({
    target: { port },
    keepAliveClients: 6,
    freshClients: 3,
    mix: { headersSet: 0, slowMs: 20 },
  });
  await until(() => traffic.counts().ok > 100);
  await traffic.stopConnecting();
  const before = connections;
  const answered = traffic.counts().ok;
  await until(() => traffic.counts().ok > answered + 50, { what: 'the connections that are there go on' });
  draining = true;
  const counts = await traffic.finished;
  expect(connections).toBe(before);
  expect(counts).toMatchObject({ failed: 0, clients: 0 });
});

it('stops connecting only once the server has answered on each connection', async () => {
  const unanswered = new Set<unknown>();
  const port = await listen((req, res) => {
    unanswered.add(req.socket);
    res.on('finish', () => unanswered.delete(req.socket));
    setTimeout(() => testHandler(req, res), 50);
  });
  const mix = { fast: 1, echo: 0, slow: 0, large: 0, headersSet: 0 };
  const traffic = startTraffic({ target: { port }, keepAliveClients: 0, freshClients: 10, mix });
  await until(() => unanswered.size === 10, { everyMs: 1 });
  await traffic.stopConnecting();
  expect(unanswered.size).toBe(0);
});

async function listen(handler: (req: http.IncomingMessage, res: http.ServerResponse) => unknown): Promise<number> {
  server = http.createServer(handler);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
