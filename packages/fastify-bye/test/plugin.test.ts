import { createRequire } from 'node:module';
import { Bye, ByeError, type ByeOptions } from 'bye-core';
import { createTestBye } from 'bye-core/testing';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import * as imported from '../src/index.js';
import { fastifyBye } from '../src/index.js';

const withBye = (options: ByeOptions = {}) => ({ bye: createTestBye(options) });

test('`fastifyBye` tells Fastify its name, its version range and that it is not encapsulated', () => {
  const meta = (symbol: string) => Reflect.get(fastifyBye, Symbol.for(symbol));
  expect(meta('fastify.display-name')).toBe('fastify-bye');
  expect(meta('skip-override')).toBe(true);
  expect(meta('plugin-meta')).toMatchObject({ name: 'fastify-bye', fastify: '5.x' });
});

test('`fastifyBye` is refused by a Fastify it was not made for', async () => {
  const app = fastify();
  Object.defineProperty(app, 'version', { value: '4.29.1' });
  await expect(app.register(fastifyBye, withBye()).ready()).rejects.toThrow(/fastify-bye.*5\.x/);
});

test('`fastifyBye` comes by every form of import, as one thing', () => {
  const required = createRequire(import.meta.url)('fastify-bye');
  expect(required.fastifyBye).toBe(required);
  expect(required.default).toBe(required);
  expect(imported.default).toBe(fastifyBye);
  expect(imported.ByeError).toBe(ByeError);
  expect(imported.Bye).toBe(Bye);
});

test('`register(fastifyBye, { bye })` decorates with that instance, below the root too', async () => {
  const app = fastify();
  const { bye } = withBye();
  app.register(async (child) => {
    await child.register(fastifyBye, { bye });
    expect(child.bye).toBe(bye);
  });
  await app.ready();
  await app.close();
});

test('`register(fastifyBye)` twice is refused by name, and the app works with the first', async () => {
  const app = fastify();
  await app.register(fastifyBye, withBye());
  await expect(app.register(fastifyBye, withBye())).rejects.toMatchObject({ code: 'FST_ERR_DEC_ALREADY_PRESENT' });
  await app.close();
});

test('`register(fastifyBye)` names an option that it does not know', async () => {
  const app = fastify();
  await expect(app.register(fastifyBye, { shutdownTimeout: 1 } as never)).rejects.toThrow(/'shutdownTimeout'/);
});

test('two apps in one process have an instance each, and closing one leaves the other', async () => {
  const [one, other] = [fastify(), fastify()];
  await one.register(fastifyBye, withBye());
  await other.register(fastifyBye, withBye());
  for (const app of [one, other]) {
    app.get('/', async () => 'hello');
    await app.listen({ port: 0, host: '127.0.0.1' });
    await expect.poll(() => app.bye.status).toBe('ready');
  }
  expect(one.bye).not.toBe(other.bye);
  await one.close();
  expect(one.bye.status).toBe('ready');
  expect((await fetch(other.listeningOrigin)).status).toBe(200);
  await other.close();
});

test('two apps share one instance, and its drain closes both', async () => {
  const { bye } = withBye();
  const [one, other] = [fastify(), fastify()];
  for (const app of [one, other]) {
    await app.register(fastifyBye, { bye });
    await app.listen({ port: 0, host: '127.0.0.1' });
  }
  expect(await bye.drain()).toMatchObject({ cut: [], hookErrors: [] });
  expect([one.server.listening, other.server.listening]).toEqual([false, false]);
});

test('`app.close()` calls hooks in the order Fastify documents, and never ends the instance', async () => {
  const order: string[] = [];
  const app = fastify();
  await app.register(fastifyBye, withBye());
  app.addHook('preClose', async () => void order.push('preClose'));
  app.addHook('onClose', async () => void order.push('onClose'));
  await app.listen({ port: 0, host: '127.0.0.1' });
  await expect.poll(() => app.bye.status).toBe('ready');
  await app.close();
  expect(order).toEqual(['preClose', 'onClose']);
  expect(app.bye.status).toBe('ready');
});

test('`inject()` sees the health of the app, without a server and during a drain', async () => {
  const app = fastify();
  await app.register(fastifyBye, withBye());
  const status = async (path: string) => (await app.inject(path)).statusCode;
  expect([await status('/livez'), await status('/readyz')]).toEqual([200, 503]);
  await app.bye.ready();
  expect([await status('/livez'), await status('/readyz'), await status('/health?x=1')]).toEqual([200, 200, 200]);
  const { headers, body } = await app.inject({ method: 'HEAD', url: '/readyz' });
  expect({ headers, body }).toMatchObject({ headers: { 'cache-control': 'no-store' }, body: '' });
  app.bye.shutdown();
  const draining = await app.inject('/readyz');
  expect(draining).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
  expect(draining.json()).toEqual({ status: 'draining' });
});

test.each([
  ['before', true],
  ['after', false],
])("a route of the app's own on /health, %s the plugin, is an error that says what to rename", async (_when, first) => {
  const app = fastify();
  const own = () => app.get('/health', async () => 'mine');
  const register = async () => app.register(fastifyBye, withBye());
  const build = async () => {
    if (first) own();
    await register();
    if (!first) own();
    await app.ready();
  };
  await expect(build()).rejects.toMatchObject({
    code: 'ERR_BYE_HEALTH_PATH',
    data: { path: '/health' },
    message: expect.stringMatching(/rename it.*health: '\/prefix'.*health: false/),
  });
});

test("a route of the app's own on a health path may take another method, or bye's another path", async () => {
  const app = fastify();
  await app.register(fastifyBye, withBye({ health: '/internal' }));
  app.get('/health', async () => 'mine');
  app.post('/internal/health', async () => 'posted');
  await app.bye.ready();
  expect((await app.inject('/health')).body).toBe('mine');
  expect((await app.inject({ method: 'POST', url: '/internal/health' })).body).toBe('posted');
  expect((await app.inject('/internal/readyz')).json()).toEqual({ status: 'ready' });
  await app.close();
});

test('a health route of a plugin with a prefix is no conflict', async () => {
  const app = fastify();
  await app.register(fastifyBye, withBye());
  app.register(async (child) => void child.get('/health', async () => 'v1'), { prefix: '/v1' });
  expect((await app.inject('/v1/health')).body).toBe('v1');
  await app.close();
});
