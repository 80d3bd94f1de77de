// Each way in: upgraded and stopped under load.
import { test } from 'vitest';
import { startFastifyCli, startWay, upgradeAndStop, type Way } from './frameworks.js';

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
  await upgradeAndStop(app, {}, /stopping on SIGTERM/);
});
