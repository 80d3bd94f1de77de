import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { requests, StrictConnection, testHandler } from '@bye/testkit';
import type { Bye, ByeOptions } from 'bye-core';
import { createTestBye } from 'bye-core/testing';
import Koa3 from 'koa';
import request from 'supertest';
import { afterEach, describe, expect, test } from 'vitest';
import { koaBye } from '../src/index.js';

const Koa2: typeof Koa3 = createRequire(import.meta.url)('koa2');
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function createApp(Koa: typeof Koa3, options: ByeOptions = {}): { app: Koa3; bye: Bye } {
  const bye = createTestBye(options);
  ends.push(() => bye.drain());
  return { app: koaBye(new Koa(), { bye }), bye };
}

const listening = (server: Server) =>
  new Promise<number>((resolve) => server.once('listening', () => resolve((server.address() as AddressInfo).port)));

describe.each([
  ['3', Koa3],
  ['2', Koa2],
])('Koa %s', (_major, Koa) => {
  test('`koaBye()` returns the same app, and changes nothing the second time', () => {
    const app = new Koa();
    const bye = createTestBye();
    expect(koaBye(app, { bye })).toBe(app);
    const { listen, callback } = app;
    expect(koaBye(app, { bye })).toBe(app);
    expect([app.listen, app.callback]).toEqual([listen, callback]);
  });

  test('`koaBye()` takes nothing but a Koa app', () => {
    for (const wrong of [undefined, null, {}, () => {}, createServer(), Koa])
      expect(() => koaBye(wrong as never)).toThrow(
        new TypeError('koaBye() takes a Koa application: pass what new Koa() returned'),
      );
  });

  test('`listen()` returns the http.Server, calls back once, and is ready', async () => {
    const { app, bye } = createApp(Koa);
    let calls = 0;
    const server = app.listen(0, '127.0.0.1', () => calls++);
    expect(server).toBeInstanceOf(Object.getPrototypeOf(createServer()).constructor);
    await listening(server);
    await expect.poll(() => bye.status).toBe('ready');
    expect(calls).toBe(1);
  });

  test("`listen()` on a port in use is an 'error' event, and no callback (T29)", async () => {
    const { app: holder } = createApp(Koa);
    const port = await listening(holder.listen(0, '127.0.0.1'));
    const { app } = createApp(Koa);
    let calls = 0;
    const server = app.listen(port, '127.0.0.1', () => calls++);
    expect(await new Promise((resolve) => server.on('error', resolve))).toMatchObject({ code: 'EADDRINUSE' });
    expect(calls).toBe(0);
  });

  test('`supertest(app.callback())` sees health in front of a middleware that answers 401', async () => {
    const { app, bye } = createApp(Koa);
    app.use((context) => context.throw(401));
    const handle = app.callback();
    await request(handle).get('/other').expect(401);
    await request(handle).get('/livez').expect(200, { status: 'starting' });
    await request(handle).get('/readyz').expect(503, { status: 'starting' }).expect('Retry-After', '1');
    await bye.ready();
    await request(handle).get('/readyz?verbose').expect(200, { status: 'ready' }).expect('Cache-Control', 'no-store');
    await request(handle).head('/readyz').expect(200);
    await request(handle).post('/readyz').expect(401);
    bye.setReady(false);
    await request(handle).get('/readyz').expect(503);
    await request(handle).get('/livez').expect(200);
  });

  test('`listen()` with a router that has /health says what to rename', () => {
    const { app } = createApp(Koa);
    // As @koa/router marks its middleware.
    const router = { stack: [{ path: '/health', methods: ['HEAD', 'GET'] }] };
    app.use(Object.assign(async () => {}, { router }));
    expect(() => app.listen(0)).toThrow(
      expect.objectContaining({ code: 'ERR_BYE_HEALTH_PATH', data: { path: '/health' } }),
    );
  });

  test('`bye.attach(http.createServer(app.callback()))` drains the app as `listen()` does', async () => {
    for (const open of [
      (app: Koa3, bye: Bye) => bye.attach(createServer(app.callback())).listen(0, '127.0.0.1'),
      (app: Koa3) => app.listen(0, '127.0.0.1'),
    ]) {
      const { app, bye } = createApp(Koa, { signals: true, keepAliveGraceMs: 4000 });
      app.use((context, next) => {
        if (!testHandler(context.req, context.res)) return next();
        context.respond = false;
        return undefined;
      });
      const client = await StrictConnection.open({ port: await listening(open(app, bye)), host: '127.0.0.1' });
      ends.push(() => client.destroy());
      const answer = client.request(requests.slow(1, 100));
      await expect.poll(() => bye.health().inFlight).toBe(1);
      const drained = bye.drain();
      expect((await answer).saidClose).toBe(true);
      expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
    }
  });
});
