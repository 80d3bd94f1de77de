import dns from 'node:dns';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { exactBody, type RequestSpec, StrictConnection, startTraffic, testHandler } from '@bye/testkit';
import type { ByeOptions } from 'bye-core';
import { createTestBye } from 'bye-core/testing';
import fastify from 'fastify';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fastifyBye } from '../src/index.js';

const HELLO: RequestSpec = { path: '/', check: exactBody('hello') };
const HELD: RequestSpec = { path: '/held', check: exactBody('held') };
/** `signals` of an injected instance only gives idle connections the grace they have in a service. */
const WITH_GRACE: ByeOptions = { signals: true, keepAliveGraceMs: 4000, shutdownTimeoutMs: 15_000 };

const BOTH = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

let release: () => void;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const end of ends.splice(0)) await end();
});
beforeEach(() => {
  // 'localhost' has both addresses, whatever this machine says.
  const lookup = dns.lookup as unknown as (...args: unknown[]) => void;
  vi.spyOn(dns, 'lookup').mockImplementation(((host: string, ...rest: unknown[]) => {
    if (host !== 'localhost') return lookup(host, ...rest);
    const done = rest.at(-1) as (...args: unknown[]) => void;
    const isAll = (rest[0] as { all?: boolean }).all === true;
    process.nextTick(() => (isAll ? done(null, BOTH) : done(null, BOTH[0]?.address, 4)));
  }) as never);
});

async function start(host: string, options: ByeOptions = WITH_GRACE) {
  const app = fastify();
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await app.register(fastifyBye, { bye: createTestBye(options) });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  app.get('/', async () => 'hello');
  app.get('/held', () => released.then(() => 'held'));
  app.all('/*', (request, reply) => {
    reply.hijack();
    if (!testHandler(request.raw, reply.raw)) reply.raw.writeHead(404).end();
  });
  await app.listen({ port: 0, host });
  await expect.poll(() => app.bye.status).toBe('ready');
  ends.push(() => app.bye.drain());
  return { app, port: (app.server.address() as AddressInfo).port };
}

async function open(host: string, port: number): Promise<StrictConnection> {
  const connection = await StrictConnection.open({ host, port });
  ends.push(() => connection.destroy());
  expect((await connection.request(HELLO)).saidClose).toBe(false);
  return connection;
}

/** Every method that ends an app, and what it leaves. */
const ENDINGS = [
  ['app.close()', (app: Awaited<ReturnType<typeof start>>['app']) => app.close(), 'ready'],
  ['bye.drain()', (app: Awaited<ReturnType<typeof start>>['app']) => app.bye.drain(), 'stopped'],
] as const;

test.each(ENDINGS)(
  'requests during `%s` get 200 and no 503, on both addresses of localhost (T8)',
  async (_name, end, status) => {
    const { app, port } = await start('localhost');
    expect(app.addresses()).toHaveLength(2);
    const clients = [await open('127.0.0.1', port), await open('::1', port)];
    const held = [await open('127.0.0.1', port), await open('::1', port)].map((client) => client.request(HELD));
    await expect.poll(() => app.bye.health()).toMatchObject({ inFlight: 2, connections: 4 });
    const ended = end(app);
    for (const client of clients) {
      const { saidClose } = await client.request(HELLO);
      expect(saidClose).toBe(true);
    }
    await expect(StrictConnection.open({ host: '::1', port })).rejects.toMatchObject({ failure: 'refused' });
    release();
    expect((await Promise.all(held)).map(({ saidClose }) => saidClose)).toEqual([true, true]);
    await ended;
    await expect.poll(() => app.bye.health()).toMatchObject({ inFlight: 0, connections: 0 });
    expect(app.bye.status).toBe(status);
  },
);

test('an idle connection to the second address survives that the first has nothing left (T4)', async () => {
  const { app, port } = await start('localhost');
  const client = await open('::1', port);
  const mainClosed = once(app.server as Server, 'close');
  const drained = app.bye.drain();
  // Fastify's reaction to it: close() on the other servers.
  await mainClosed;
  expect((await client.request(HELLO)).saidClose).toBe(true);
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
});

test('`app.close()` under load answers everything that was sent', async () => {
  const { app, port } = await start('127.0.0.1');
  const traffic = startTraffic({ target: { port, host: '127.0.0.1' }, keepAliveClients: 8, freshClients: 2 });
  await expect.poll(() => app.bye.health().inFlight).toBeGreaterThan(0);
  await traffic.stopConnecting();
  await app.close();
  const counts = await traffic.finished;
  expect(counts.failures).toEqual([]);
});

test('404s and malformed addresses are answered and counted during the drain (T14)', async () => {
  const { app, port } = await start('127.0.0.1');
  const [missing, malformed] = [await open('127.0.0.1', port), await open('127.0.0.1', port)];
  const drained = app.bye.drain();
  expect(await missing.request({ path: '/none', expectStatus: 404 })).toMatchObject({ saidClose: true });
  expect(await malformed.request({ path: '/%E0%A4%A', expectStatus: 400 })).toMatchObject({ saidClose: true });
  expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
});

test('`app.close()` is over in no time when clients are idle or silent, in tests', async () => {
  const { app, port } = await start('127.0.0.1', {});
  const client = await open('127.0.0.1', port);
  const startedAt = performance.now();
  await app.close();
  expect(performance.now() - startedAt).toBeLessThan(2000);
  expect(await client.closed).toMatchObject({ reset: false });
});

test('a drain closes the app: its onClose hooks run after the last request, with the phase hooks', async () => {
  const { app, port } = await start('127.0.0.1');
  const client = await open('127.0.0.1', port);
  const held = client.request(HELD);
  await expect.poll(() => app.bye.health().inFlight).toBe(1);
  const order: string[] = [];
  app.server.once('close', () => order.push('server'));
  app.bye.onClose(() => order.push(`${app.bye.phase}`));
  const drained = app.bye.drain();
  release();
  await held;
  expect(await drained).toMatchObject({ hookErrors: [] });
  expect(order).toContain('hooks');
  await expect(app.listen({ port: 0 })).rejects.toThrow();
});

test('an HTTP/2 app closes, and answers its streams', async () => {
  const app = fastify({ http2: true });
  await app.register(fastifyBye, { bye: createTestBye() });
  let go = () => {};
  app.get(
    '/',
    () =>
      new Promise((resolve) => {
        go = () => resolve('hello');
      }),
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { connect } = await import('node:http2');
  const session = connect(app.listeningOrigin);
  ends.push(() => session.destroy());
  const stream = session.request({ ':path': '/' });
  await expect.poll(() => app.bye.health().inFlight).toBe(1);
  const closed = app.close();
  go();
  let text = '';
  for await (const part of stream) text += part;
  expect(text).toBe('hello');
  await closed;
});
