import { startApp } from '@bye/testkit';
import { expect, it } from 'vitest';
import { SERVICE } from '../service.js';
import { pass } from './lab.js';
import { askAll, openAsked, openFresh } from './moving.js';

// A client may be silent for as long as the server's keep-alive time, whoever answers then.

const LATE = { headersTimeout: 400, requestTimeout: 800, connectionsCheckingInterval: 100 };
const IDLE_MS = 2000;

it.concurrent.each([
  ['http', { ...LATE, keepAliveTimeout: 10_000 }],
  // With its own 72 s.
  ['fastify', LATE],
  ['express', { ...LATE, keepAliveTimeout: 10_000 }],
  ['koa', { ...LATE, keepAliveTimeout: 10_000 }],
] as const)(
  '%s: a connection idle for longer than headersTimeout after the move is served (M2)',
  async (KIND, timeouts) => {
    await using app = startApp(SERVICE, { env: { KIND, TIMEOUTS: JSON.stringify(timeouts) } });
    const { pid: old, port } = await app.waitForGeneration(0, { timeoutMs: 20_000 });
    const idle = await openAsked({ port }, 2);
    const [fresh] = await openFresh({ port }, 1);
    app.kill('SIGUSR1');
    const { pid } = await app.waitForGeneration(1, { timeoutMs: 20_000 });
    await app.waitUntilGone(old, { timeoutMs: 20_000 });
    await pass(IDLE_MS);
    expect(await askAll(idle)).toEqual(Array(2).fill({ pid, saidClose: false }));
    // One that has never asked owes its first request: it has had Node's 408.
    expect(await fresh!.closed).toMatchObject({ failure: { failure: 'unexpected-data' } });
  },
);
