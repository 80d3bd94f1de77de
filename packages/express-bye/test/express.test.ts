import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { exactBody, requests, StrictConnection, testHandler } from '@bye/testkit';
import type { Bye, ByeOptions } from 'bye-core';
import { createTestBye } from 'bye-core/testing';
import express5, { type Express } from 'express';
import request from 'supertest';
import { afterEach, describe, expect, test } from 'vitest';
import { expressBye } from '../src/index.js';

const express4: typeof express5 = createRequire(import.meta.url)('express4');
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function createApp(express: typeof express5, options: ByeOptions = {}): { app: Express; bye: Bye } {
  const bye = createTestBye(options);
  ends.push(() => bye.drain());
  return { app: expressBye(express(), { bye }), bye };
}

const listening = (server: Server) =>
  new Promise<number>((resolve) => server.once('listening', () => resolve(portOf(server))));
const portOf = (server: Server) => (server.address() as AddressInfo).port;

describe.each([
  ['5', express5],
  ['4', express4],
])('Express %s', (major, express) => {
  test('`expressBye()` returns the same app, and changes nothing the second time', () => {
    const app = express();
    const bye = createTestBye();
    expect(expressBye(app, { bye })).toBe(app);
    const { listen } = app;
    expect(expressBye(app, { bye })).toBe(app);
    expect(app.listen).toBe(listen);
    expect(app).toBeTypeOf('function');
  });

  test('`expressBye()` takes nothing but an Express app', () => {
    for (const wrong of [undefined, null, {}, () => {}, createServer(), express])
      expect(() => expressBye(wrong as never)).toThrow(
        new TypeError('expressBye() takes an Express application: pass what express() returned'),
      );
  });

  test.each([
    [
      'before',
      (root: Express, sub: Express, bye: Bye) => {
        root.use('/api', expressBye(sub, { bye }));
      },
    ],
    [
      'after',
      (root: Express, sub: Express, bye: Bye) => {
        root.use('/api', sub);
        expressBye(sub, { bye });
      },
    ],
  ])('`expressBye()` on an app, called %s it is mounted, ties the one that listens', async (_when, mount) => {
    const bye = createTestBye();
    ends.push(() => bye.drain());
    const [outermost, root, sub] = [express(), express(), express()];
    outermost.use('/v1', root);
    sub.get('/health', (_request, response) => void response.send("the application's own"));
    mount(root, sub, bye);
    const port = await listening(outermost.listen(0, '127.0.0.1'));
    await expect.poll(() => bye.status).toBe('ready');
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    expect(JSON.parse(await ask('/health'))).toMatchObject({ status: 'ready', connections: 1 });
    expect(await ask('/v1/api/health')).toBe("the application's own");
  });

  test('`listen()` returns the http.Server, which calls the app itself', async () => {
    const { app, bye } = createApp(express);
    const server = app.listen(0, '127.0.0.1');
    expect(server.listeners('request')).toEqual([app]);
    await listening(server);
    await expect.poll(() => bye.status).toBe('ready');
  });

  test.each([
    ['(port, callback)', (app: Express, done: () => void) => app.listen(0, done)],
    ['(port, host, callback)', (app: Express, done: () => void) => app.listen(0, '127.0.0.1', done)],
    ['(port, host, backlog, callback)', (app: Express, done: () => void) => app.listen(0, '127.0.0.1', 10, done)],
    ['(callback)', (app: Express, done: () => void) => app.listen(done)],
  ])('`listen%s` calls back once', async (_form, listen) => {
    const { app } = createApp(express);
    let calls = 0;
    await new Promise<void>((resolve) =>
      listen(app, () => {
        calls++;
        resolve();
      }),
    );
    expect(calls).toBe(1);
  });

  test(`\`listen()\` on a port in use: ${major === '5' ? 'the callback has the error' : "an 'error' event"} (T29)`, async () => {
    const { app: holder } = createApp(express);
    const port = await listening(holder.listen(0, '127.0.0.1'));
    const { app } = createApp(express);
    const calls: unknown[] = [];
    const server = app.listen(port, '127.0.0.1', ((error?: Error) => calls.push(error)) as () => void);
    const errors = await new Promise<unknown[]>((resolve) => server.on('error', (error) => resolve([error])));
    expect(errors).toMatchObject([{ code: 'EADDRINUSE' }]);
    expect(calls).toMatchObject(major === '5' ? [{ code: 'EADDRINUSE' }] : []);
  });

  test('`supertest(app)` sees health in front of a middleware that answers 401', async () => {
    const { app, bye } = createApp(express);
    app.use((_request, response) => void response.status(401).end());
    await request(app).get('/other').expect(401);
    await request(app).get('/livez').expect(200, { status: 'starting' });
    await request(app).get('/readyz').expect(503, { status: 'starting' }).expect('Retry-After', '1');
    await bye.ready();
    await request(app).get('/readyz?verbose').expect(200, { status: 'ready' }).expect('Cache-Control', 'no-store');
    await request(app).head('/readyz').expect(200);
    await request(app).post('/readyz').expect(401);
    bye.setReady(false);
    await request(app).get('/readyz').expect(503);
    await request(app).get('/livez').expect(200);
  });

  test('an app mounted in another keeps its routes, and health is at the top', async () => {
    const { app, bye } = createApp(express);
    const { app: child } = createApp(express);
    child.get('/hello', (_request, response) => void response.send('hello from the child'));
    app.use('/child', child);
    await bye.ready();
    await request(app).get('/child/hello').expect(200, 'hello from the child');
    await request(app).get('/readyz').expect(200);
    expect(child.mountpath).toBe('/child');
  });

  test("`listen()` with a route of the app's own on /health says what to rename, and binds nothing", () => {
    const { app } = createApp(express);
    app.get('/health', (_request, response) => void response.send('mine'));
    expect(() => app.listen(0)).toThrow(
      expect.objectContaining({ code: 'ERR_BYE_HEALTH_PATH', data: { path: '/health' } }),
    );
  });

  test("bye's health elsewhere, or off, leaves the route to the app", async () => {
    for (const health of ['/internal', false] as const) {
      const { app } = createApp(express, { health });
      app.get('/health', (_request, response) => void response.send('mine'));
      app.post('/internal/health', (_request, response) => void response.send('posted'));
      const server = app.listen(0, '127.0.0.1');
      await listening(server);
      await request(server).get('/health').expect(200, 'mine');
      await request(server).post('/internal/health').expect(200, 'posted');
      await request(server)
        .get('/internal/readyz')
        .expect(health === false ? 404 : 200);
    }
  });

  test('`bye.attach(http.createServer(app))` drains the app as `listen()` does', async () => {
    const { app, bye } = createApp(express, { signals: true, keepAliveGraceMs: 4000 });
    app.use((request, response, next) => testHandler(request, response) || next());
    const server = bye.attach(createServer(app)).listen(0, '127.0.0.1');
    const client = await StrictConnection.open({ port: await listening(server), host: '127.0.0.1' });
    ends.push(() => client.destroy());
    const answer = client.request(requests.slow(1, 100));
    await expect.poll(() => bye.health().inFlight).toBe(1);
    const drained = bye.drain();
    expect((await answer).saidClose).toBe(true);
    expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
  });

  test('`drain()` answers 404s and thrown errors, and names a cut request by its route', async () => {
    const { app, bye } = createApp(express, { signals: true, keepAliveGraceMs: 300, shutdownTimeoutMs: 1200 });
    app.get('/users/:id', () => {});
    app.get('/throws', () => {
      throw Object.assign(new Error('on purpose'), { stack: '' });
    });
    const target = { port: await listening(app.listen(0, '127.0.0.1')), host: '127.0.0.1' };
    const clients = await Promise.all([1, 2, 3].map(() => StrictConnection.open(target)));
    ends.push(() => clients.map((client) => client.destroy()));
    const hung = clients[0]?.request({ path: '/users/42?token=secret', check: exactBody('') });
    await expect.poll(() => bye.health().inFlight).toBe(1);
    const drained = bye.drain();
    expect(await clients[1]?.request({ path: '/none', expectStatus: 404 })).toMatchObject({ saidClose: true });
    expect(await clients[2]?.request({ path: '/throws', expectStatus: 500 })).toMatchObject({ saidClose: true });
    expect((await drained).cut).toMatchObject([{ name: 'GET /users/:id' }]);
    await expect(hung).rejects.toThrow();
  });
});
