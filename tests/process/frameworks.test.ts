// Each way in: upgraded and stopped under load.
import type { App } from '@bye/testkit';
import { expect, test } from 'vitest';
import { startFastifyCli, startLoad, startWay, type Way } from './frameworks.js';

const way = (name: string, program: string, env: Record<string, string>, speaks: Way['speaks'] = 'http'): Way => ({
  name,
  program,
  env,
  speaks,
});

const WAYS: readonly Way[] = [
  way('node:http', 'bare.mjs', { WAY: 'http' }),
  way('Fastify with https', 'fastify.mjs', { WAY: 'https' }, 'https'),
  way('Fastify with http2', 'fastify.mjs', { WAY: 'http2' }, 'http2'),
  way('Fastify with serverFactory', 'fastify.mjs', { WAY: 'factory' }),
  way('Fastify by http.createServer(app.routing)', 'fastify.mjs', { WAY: 'routing' }),
  way('Express 5 by http.createServer(app)', 'express.mjs', { WAY: 'create-server' }),
  way('Express 5 by https.createServer(app)', 'express.mjs', { WAY: 'https' }, 'https'),
  way('Express 5 with mounted apps', 'express.mjs', { WAY: 'mounted' }),
  way('Express 5 with bye on a mounted app', 'express.mjs', { WAY: 'on-sub-app' }),
  way('Express 4 by http.createServer(app)', 'express.mjs', { WAY: 'create-server', EXPRESS: 'express4' }),
  way('Express 4 with bye on a mounted app', 'express.mjs', { WAY: 'on-sub-app', EXPRESS: 'express4' }),
  way('Koa by http.createServer(app.callback())', 'koa.mjs', { WAY: 'create-server' }),
  way('Koa with mounted apps', 'koa.mjs', { WAY: 'mounted' }),
  way('NestJS on Express', 'nest.mjs', { WAY: 'express' }),
  way('NestJS on Fastify, attached', 'nest.mjs', { WAY: 'fastify' }),
  way('NestJS on Fastify, with fastify-bye', 'nest.mjs', { WAY: 'fastify-plugin' }),
  way('Hono', 'hono.mjs', { WAY: 'http' }),
  way('Hono with http2', 'hono.mjs', { WAY: 'http2' }, 'http2'),
];

test.each(WAYS)('$name: no request fails in an upgrade and a stop', async (each) => {
  await using app = startWay(each);
  await upgradeAndStop(app, each);
});

test('fastify-cli with autoload: no request fails in an upgrade and a stop', async () => {
  await using app = startFastifyCli(['--close-grace-delay=30000']);
  await upgradeAndStop(app, way('fastify-cli', '', {}));
});

test.each(['http', 'fastify', 'express', 'koa', 'hono', 'nest'])(
  '%s that knows nothing of bye, with --import bye-core/register: the same, and its health route stays its own',
  async (WAY) => {
    const unknowing = { ...way(WAY, 'no-bye.mjs', { WAY }), takesUploads: false };
    await using app = startWay(unknowing, ['--import', 'bye-core/register']);
    const { port } = await app.waitForGeneration(0);
    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).text()).toBe("the application's own");
    await upgradeAndStop(app, unknowing);
  },
);

async function upgradeAndStop(app: App, each: Way): Promise<void> {
  const { pid: first, port } = await app.waitForGeneration(0);
  const load = startLoad(each, port);
  await load.answeredBy(first);

  app.kill('SIGUSR1');
  const { pid: second } = await app.waitForGeneration(1, { timeoutMs: 20_000 });
  await load.answeredBy(second);
  expect(await app.waitForExit()).toEqual({ code: 0, signal: null });

  await load.beforeStop();
  app.kill('SIGTERM');
  expect(await load.end()).toEqual([]);
  await app.waitForLine(new RegExp(`\\b${second}\\b.*exit 0`));
  await app.waitUntilGone(second);
}
