/** Traps of docs/internals/traps.md that only a framework or a hand-over can show. */

import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '@bye/testkit';
import type { Bye } from 'bye-core';
import { createTestBye } from 'bye-core/testing';
import express from 'express';
import { expressBye } from 'express-bye';
import fastify, { type FastifyInstance } from 'fastify';
import { fastifyBye } from 'fastify-bye';
import Koa from 'koa';
import { koaBye } from 'koa-bye';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SERVICE } from '../service.js';

// It has no types under this name.
const express4 = createRequire(import.meta.url)('express4') as typeof express;

interface Answer {
  readonly status: number | undefined;
  readonly connection: string | undefined;
  readonly reused: boolean;
  readonly body: string;
}

/** One connection, kept alive; nothing is retried. */
function openClient(target: { port: number; host: string } | { socketPath: string }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    async get(path: string): Promise<Answer> {
      const request = httpGet({ ...target, path, agent });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const body = Buffer.concat(await response.toArray()).toString();
      const { statusCode: status, headers } = response;
      return { status, connection: headers.connection, reused: request.reusedSocket, body };
    },
    close: () => agent.destroy(),
  };
}

function createGate() {
  let open = () => {};
  let enter = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const entered = new Promise<void>((resolve) => {
    enter = resolve;
  });
  return { opened, entered, open, enter };
}

describe('Fastify on both addresses of localhost', () => {
  let app: FastifyInstance;
  let bye: Bye;
  let port: number;
  let gate: ReturnType<typeof createGate>;
  const clients: { close(): void }[] = [];
  const client = (host: string) => {
    const opened = openClient({ port, host });
    clients.push(opened);
    return opened;
  };

  beforeEach(async () => {
    const { lookup } = dns;
    vi.spyOn(dns, 'lookup').mockImplementation(((host: string, ...rest: unknown[]) => {
      if (host !== 'localhost') return Reflect.apply(lookup, dns, [host, ...rest]);
      const callback = rest.pop() as (...args: unknown[]) => void;
      const both = [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ];
      const all = (rest[0] as { all?: boolean } | undefined)?.all === true;
      process.nextTick(() => (all ? callback(null, both) : callback(null, '127.0.0.1', 4)));
    }) as never);
    // With the time that idle connections have in a service.
    bye = createTestBye({ signals: true, keepAliveGraceMs: 5000, shutdownTimeoutMs: 20_000 });
    gate = createGate();
    app = fastify();
    // Not the root's instance, as under fastify-cli and autoload.
    await app.register(async (child) => {
      await child.register(fastifyBye, { bye });
      child.get('/', async () => 'hello');
      child.get('/held', async () => {
        gate.enter();
        await gate.opened;
        return 'held';
      });
    });
    await app.listen({ port: 0, host: 'localhost' });
    expect(app.addresses().map((listener) => (listener as AddressInfo).address)).toEqual(['::1', '127.0.0.1']);
    port = (app.server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    gate.open();
    for (const { close } of clients.splice(0)) close();
    await app.close();
    vi.restoreAllMocks();
  });

  test('`app.close()` cuts no idle connection of the second one (T4)', async () => {
    const idle = client('::1');
    expect(await idle.get('/')).toMatchObject({ status: 200, connection: 'keep-alive' });
    const firstClosed = once(app.server, 'close');
    const closed = app.close();
    // Nobody is connected to the first, so Fastify closes the second at this moment.
    await firstClosed;
    expect(await idle.get('/')).toMatchObject({ status: 200, reused: true, connection: 'close' });
    await closed;
  });

  test('`app.close()` answers no request with 503, below the root too (T25)', async () => {
    const [held, idle] = [client('127.0.0.1'), client('127.0.0.1')];
    await idle.get('/');
    const answer = held.get('/held');
    await gate.entered;
    const closed = app.close();
    expect(await idle.get('/')).toMatchObject({ status: 200, reused: true, body: 'hello' });
    gate.open();
    expect(await answer).toMatchObject({ status: 200, body: 'held' });
    await closed;
  });

  test('`app.close()` waits for a request on the second one (T9)', async () => {
    const answer = client('::1').get('/held');
    await gate.entered;
    expect(bye.health()).toMatchObject({ inFlight: 1, connections: 1 });
    const firstClosed = once(app.server, 'close');
    let isClosed = false;
    const closed = app.close().then(() => {
      isClosed = true;
    });
    await firstClosed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    gate.open();
    expect(await answer).toMatchObject({ status: 200, body: 'held' });
    await closed;
  });
});

describe('`listen()` on an address in use tells it as the framework does (T29)', () => {
  let taken: Server;
  let port: number;
  beforeEach(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, resolve));
    port = (taken.address() as AddressInfo).port;
  });
  afterEach(() => void taken.close());
  const bye = () => ({ bye: createTestBye() });

  test('Express 5 calls back with the error', async () => {
    const error = await new Promise((resolve) => expressBye(express(), bye()).listen(port, resolve));
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
  });

  test.each([
    ['Express 4', () => expressBye(express4(), bye())],
    ['Koa', () => koaBye(new Koa(), bye())],
  ])('%s does not call back, and the server emits it', async (_name, create) => {
    const callback = vi.fn();
    const [error] = await once(create().listen(port, callback), 'error').catch((thrown) => [thrown]);
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
    expect(callback).not.toHaveBeenCalled();
  });
});

test('a kept-alive probe sees only 200 from an old process that was replaced (T22)', async () => {
  await using app = startApp(SERVICE, { env: { BYE_LOG: 'info', BYE_MOVE_CONNECTIONS: 'false' } });
  const { port, pid } = await app.waitForGeneration(0);
  const probe = openClient({ port, host: '127.0.0.1' });
  expect(await probe.get('/readyz')).toMatchObject({ status: 200, body: '{"status":"ready"}' });
  app.kill('SIGUSR1');
  await app.waitForGeneration(1);
  await app.waitForLine(`bye[${pid}] info: draining: replaced`);
  expect(await probe.get('/readyz')).toMatchObject({ status: 200, reused: true, body: '{"status":"draining"}' });
  expect(await probe.get('/readyz')).toMatchObject({ status: 200, reused: false, body: '{"status":"ready"}' });
  probe.close();
  await app.waitUntilGone(pid);
});

test('Fastify finds the address of an adopted unix socket (T17)', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bye-traps-'));
  try {
    const socketPath = join(dir, 'app.sock');
    const script = new URL('../fixtures/fastify-unix.mjs', import.meta.url).pathname;
    await using app = startApp(script, { env: { SOCKET: socketPath } });
    await app.waitForGeneration(0);
    app.kill('SIGUSR1');
    const { pid } = await app.waitForGeneration(1);
    await app.waitForLine(`ready pid=${pid} generation=1 address=${socketPath}`);
    const client = openClient({ socketPath });
    expect(await client.get('/')).toMatchObject({ status: 200, body: String(pid) });
    client.close();
  } finally {
    rmSync(dir, { recursive: true });
  }
});
