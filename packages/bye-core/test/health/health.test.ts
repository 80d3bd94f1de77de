import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StrictConnection } from '@bye/testkit';
import request from 'supertest';
import { expect, test } from 'vitest';
import { Bye } from '../../src/api/bye.js';
import type { HealthOptions } from '../../src/options/health.js';
import type { ByeOptions } from '../../src/options/types.js';
import { Bench, createGate, WITH_GRACE } from '../drain/bench.js';

/** An app that refuses everybody, and knows which requests reached it. */
async function start(options: ByeOptions = {}) {
  const reached: string[] = [];
  const bench = new Bench(options);
  const { server, target } = await bench.serve((request, response) => {
    reached.push(`${request.method} ${request.url}`);
    response.writeHead(401).end();
  });
  return { bench, bye: bench.bye, agent: request(server), server, target, reached };
}

const withHealth = (health: HealthOptions) => start({ health });

test('health in every status: starting, ready, red, draining by a stop, stopped', async () => {
  const { bye, agent, reached } = await start({ readiness: 'manual' });
  const statuses = async () => {
    const [live, ready, health] = [await agent.get('/livez'), await agent.get('/readyz'), await agent.get('/health')];
    return [live.status, ready.status, health.status, health.body.status];
  };
  expect(await statuses()).toEqual([200, 503, 503, 'starting']);
  await bye.ready();
  expect(await statuses()).toEqual([200, 200, 200, 'ready']);
  bye.setReady(false);
  expect(await statuses()).toEqual([200, 503, 503, 'ready']);
  bye.setReady(true);
  expect(await statuses()).toEqual([200, 200, 200, 'ready']);
  bye.shutdown();
  expect(await statuses()).toEqual([200, 503, 503, 'draining']);
  bye.setReady(true);
  expect(await statuses()).toEqual([200, 503, 503, 'draining']);
  await bye.drain();
  // Its own servers are closed by now; a framework's inject() still asks.
  const answer = await bye.bindApp({}).answerHealth('/livez', undefined);
  expect(answer).toMatchObject({ statusCode: 503, headers: { 'Retry-After': '1' } });
  expect(reached).toEqual([]);
});

test('health stays 200 in a process that drains because it was replaced (T22)', async () => {
  const { bye, agent } = await start();
  await bye.ready();
  bye.shutdown('upgrade');
  await agent.get('/readyz').expect(200, { status: 'draining' });
  expect((await agent.get('/health').expect(200)).body).toMatchObject({ status: 'draining', reason: 'upgrade' });
});

test('a kept-alive prober is answered during a drain, told to close, and counted nowhere', async () => {
  const { bench, bye, target } = await start(WITH_GRACE);
  const prober = await bench.connect(target);
  expect(await prober.request({ path: '/readyz' })).toMatchObject({ status: 200, saidClose: false });
  const own = await prober.request({ path: '/health' });
  expect(JSON.parse(String(own.body))).toMatchObject({ inFlight: 0, connections: 1 });
  const drained = bye.drain();
  expect(await prober.request({ path: '/readyz', expectStatus: 503 })).toMatchObject({ saidClose: true });
  await drained;
});

test('health ignores query strings and takes HEAD; other methods and paths are for the app', async () => {
  const { bye, agent, reached } = await start();
  await bye.ready();
  await agent.get('/readyz?deep=1&x=%20').expect(200, { status: 'ready' }).expect('Cache-Control', 'no-store');
  const head = await agent.head('/readyz').expect(200);
  expect(head.headers).toMatchObject({ 'content-length': '18', 'content-type': 'application/json; charset=utf-8' });
  expect(reached).toEqual([]);
  await agent.post('/readyz').expect(401);
  await agent.get('/readyz/').expect(401);
  await agent.get('/READYZ').expect(401);
  await agent.get('/readyz2').expect(401);
  expect(reached).toEqual(['POST /readyz', 'GET /readyz/', 'GET /READYZ', 'GET /readyz2']);
});

test('health knows the absolute form of a request target', async () => {
  const { bench, bye, target } = await start();
  await bye.ready();
  const client = await bench.connect(target);
  for (const path of ['http://example.com/readyz', 'HTTP://example.com:8080/readyz?x'])
    expect((await client.request({ path })).status).toBe(200);
  await client.request({ path: 'http://example.com/other', expectStatus: 401 });
});

test('health says how things are to loopback callers, and only to them by default', async () => {
  const { bye, agent } = await start();
  await bye.ready();
  const { body } = await agent.get('/health').expect(200);
  expect(body).toMatchObject({ status: 'ready', generation: 0, pid: process.pid, tasks: 0 });
  expect(Object.keys(body)).toEqual(expect.arrayContaining(['uptimeMs', 'inFlight', 'connections']));
  const binding = bye.bindApp({});
  const seenBy = async (address: string | undefined) =>
    Object.keys(JSON.parse((await binding.answerHealth('/health', address)).body)).length > 1;
  for (const near of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', undefined])
    expect(await seenBy(near)).toBe(true);
  for (const far of ['10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1', '1.127.0.1', '::11'])
    expect(await seenBy(far)).toBe(false);
});

test.each([
  [true, '10.0.0.1', true],
  [false, '127.0.0.1', false],
])('`health.details: %s` gives %s details: %s', async (details, address, expected) => {
  const bye = new Bye({ health: { details } });
  const { body } = await bye.bindApp({}).answerHealth('/health', address);
  expect('pid' in JSON.parse(body)).toBe(expected);
});

test('health that a proxy on this machine forwards has no details', async () => {
  const { bye, agent } = await start();
  await bye.ready();
  const forwarded = await agent.get('/health').set('X-Forwarded-For', '203.0.113.7').expect(200);
  expect(forwarded.body).toEqual({ status: 'ready' });
  const direct = await agent.get('/health').expect(200);
  expect(direct.body).toHaveProperty('pid');
});

test('health over a unix socket has details', async () => {
  const bye = new Bye({ logger: false });
  const path = join(tmpdir(), `bye-health-${process.pid}.sock`);
  const server = bye.attach(createServer()).listen(path);
  await expect.poll(() => bye.status).toBe('ready');
  const client = await StrictConnection.open({ socketPath: path });
  expect(JSON.parse(String((await client.request({ path: '/health' })).body))).toMatchObject({ pid: process.pid });
  client.end();
  await new Promise((resolve) => server.close(resolve));
});

test('checks that fail, throw or hang turn readiness red, and never liveness', async () => {
  let signalOfHung: AbortSignal | undefined;
  const { bye, agent } = await withHealth({
    checkTimeoutMs: 100,
    checks: {
      fine: () => 'anything',
      fails: async () => Promise.reject(new Error('no route to database')),
      throws: () => {
        throw 'a string';
      },
      hangs: (signal) => {
        signalOfHung = signal;
        return new Promise(() => {});
      },
    },
  });
  await bye.ready();
  const { body } = await agent.get('/health').expect(503);
  expect(body.checks).toEqual({
    fine: 'ok',
    fails: expect.stringContaining('no route to database'),
    throws: expect.stringContaining('a string'),
    hangs: 'timed out',
  });
  expect(signalOfHung?.aborted).toBe(true);
  await agent.get('/readyz').expect(503, { status: 'ready' });
  await agent.get('/livez').expect(200);
});

test('checks run for readiness only, and their recovery turns it green', async () => {
  let asked = 0;
  let up = false;
  const { bye, agent } = await withHealth({
    checks: {
      database: async () => {
        asked++;
        if (!up) throw new Error('down');
      },
    },
  });
  await bye.ready();
  await agent.get('/livez').expect(200);
  expect(asked).toBe(0);
  await agent.get('/readyz').expect(503);
  up = true;
  await agent.get('/readyz').expect(200);
  expect(asked).toBe(2);
});

test('health says nothing of checks to others than loopback', async () => {
  const bye = new Bye({ health: { checks: { database: () => Promise.reject(new Error('password=secret')) } } });
  const { body, statusCode } = await bye.bindApp({}).answerHealth('/health', '10.0.0.1');
  expect([statusCode, body]).toEqual([503, '{"status":"starting"}']);
});

test.each([
  ['/internal', '/internal/health', '/internal/readyz', '/internal/livez'],
  ['/internal/', '/internal/health', '/internal/readyz', '/internal/livez'],
  [{ path: '/a', readinessPath: '/b', livenessPath: '/c' }, '/a', '/b', '/c'],
] as [string | HealthOptions, ...string[]][])(
  '`health: %j` moves the paths, and gives the standard ones back',
  async (health, ...paths) => {
    const { bye, agent } = await start({ health });
    await bye.ready();
    for (const path of paths) await agent.get(path).expect(200);
    for (const path of ['/health', '/readyz', '/livez']) await agent.get(path).expect(401);
  },
);

test('`health: false` leaves every path to the app', async () => {
  const { agent, reached } = await start({ health: false });
  for (const path of ['/health', '/readyz', '/livez']) await agent.get(path).expect(401);
  expect(reached).toHaveLength(3);
});

test.each([
  [{ path: 'health' }, RangeError, /'health\.path'/],
  [{ livenessPath: '/x?y' }, RangeError, /'health\.livenessPath'/],
  [{ paths: '/x' }, TypeError, /'health\.paths'/],
  [{ checks: { db: 'SELECT 1' } }, TypeError, /'health\.checks\.db'/],
  [{ checkTimeoutMs: 0 }, RangeError, /'health\.checkTimeoutMs'/],
  [{ details: 'everybody' }, TypeError, /'health\.details'/],
  ['no-slash', RangeError, /'health'/],
  [7, TypeError, /'health'/],
])('`health: %j` is refused by name', (health, type, name) => {
  expect(() => new Bye({ health: health as never })).toThrow(type as never);
  expect(() => new Bye({ health: health as never })).toThrow(name as RegExp);
});

test('a probe that hangs in a check holds no drain up beyond its time', async () => {
  const gate = createGate();
  const { bench, bye, target } = await withHealth({ checkTimeoutMs: 60_000, checks: { hangs: () => gate.opened } });
  const prober = await bench.connect(target);
  const answer = prober.request({ path: '/readyz', expectStatus: [200, 503] });
  await expect.poll(() => bye.health().connections).toBe(1);
  expect(bye.health().inFlight).toBe(0);
  gate.open();
  await answer;
  expect(await bye.drain()).toMatchObject({ cut: [] });
});

test('a client that hangs up on a probe leaves nothing in the count', async () => {
  const gate = createGate();
  const { bye, target } = await withHealth({ checks: { hangs: () => gate.opened } });
  const socket = connect(target.port, '127.0.0.1', () => socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n'));
  await expect.poll(() => bye.health().connections).toBe(1);
  socket.destroy();
  await expect.poll(() => bye.health()).toMatchObject({ connections: 0, inFlight: 0 });
  gate.open();
  expect(await bye.drain()).toMatchObject({ cut: [] });
});

test('a server that was not attached answers no health requests', async () => {
  const server = createServer((_request: IncomingMessage, response: ServerResponse) => response.end('app'));
  await request(server).get('/readyz').expect(200, 'app');
});
