import { once } from 'node:events';
import { connect } from 'node:net';
import { type App, startApp } from '@bye/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SERVICE } from '../service.js';
import { openAsked } from './moving.js';

// A process whose clients have nothing to ask holds nothing up. It takes some 20 ms; a fault here costs a timer of
// seconds (lingering, close hooks, 72 s of keep-alive), so that the bounds may be generous.

const GRACE_MS = 500;
const MOST_MS = 1500;

let app: App;
beforeEach(() => {
  app = startApp(SERVICE, {
    env: { KIND: 'fastify', BYE_LOG: 'info', SERVICE_OPTIONS: JSON.stringify({ keepAliveGraceMs: GRACE_MS }) },
  });
});
afterEach(() => app.dispose());

it('a stop with only idle connections ends when their grace is over, whether clients close their side or not', async () => {
  const { port } = await app.waitForGeneration(0);
  await openAsked({ port }, 50);
  const stubborn = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  await once(stubborn.resume(), 'connect');
  const startedAt = performance.now();
  app.kill('SIGTERM');
  expect(await app.exited).toEqual({ code: 0, signal: null });
  const tookMs = performance.now() - startedAt;
  stubborn.destroy();
  expect(tookMs).toBeGreaterThanOrEqual(GRACE_MS - 5);
  expect(tookMs).toBeLessThan(GRACE_MS + MOST_MS);
});

it('the old process of an upgrade with only idle connections ends when the last one has moved', async () => {
  const { port } = await app.waitForGeneration(0);
  await openAsked({ port }, 50);
  app.kill('SIGUSR1');
  expect(await app.waitForLine(/connections moved/, { timeoutMs: 20_000 })).toMatch(/ 50 connections moved/);
  const movedAt = performance.now();
  expect(await app.exited).toEqual({ code: 0, signal: null });
  expect(performance.now() - movedAt).toBeLessThan(MOST_MS);
});
