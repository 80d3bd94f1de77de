import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, expect, test, vi } from 'vitest';
import { Health } from '../src/health.js';
import { realHost } from '../src/host.js';
import { type HealthOptions, type HealthSettings, resolveHealth } from '../src/options/health.js';
import type { Reason, Status } from '../src/status.js';
import type { HealthReport } from '../src/types.js';
import { FakeHost } from './fake-host.js';

const REPORT: HealthReport = {
  status: 'ready',
  generation: 1,
  pid: 9,
  uptimeMs: 5,
  inFlight: 0,
  connections: 0,
  tasks: 0,
};

const lifecycle = {
  status: 'ready' as Status,
  phase: undefined,
  reason: undefined as Reason | undefined,
  isGreen: true,
};
let host: FakeHost;
let settings: HealthSettings | undefined;
let health: Health;
beforeEach(() => {
  host = new FakeHost();
  Object.assign(lifecycle, { status: 'ready', reason: undefined, isGreen: true });
  settings = resolveHealth(true);
  health = new Health({ settings: () => settings, host, lifecycle, report: () => REPORT });
});

const use = (options: HealthOptions | false) => {
  settings = resolveHealth(options);
};
const codes = async () => [
  (await health.answer('/livez', undefined)).statusCode,
  (await health.answer('/readyz', undefined)).statusCode,
  (await health.answer('/health', undefined)).statusCode,
];

test.each([
  ['starting', undefined, true, [200, 503, 503]],
  ['ready', undefined, true, [200, 200, 200]],
  ['ready', undefined, false, [200, 503, 503]],
  ['draining', 'stop', true, [200, 503, 503]],
  ['draining', 'upgrade', true, [200, 200, 200]],
  ['draining', 'upgrade', false, [200, 503, 503]],
  ['stopped', 'stop', true, [503, 503, 503]],
] as const)('answer() while %s, reason %s, green %s', async (status, reason, isGreen, expected) => {
  Object.assign(lifecycle, { status, reason, isGreen });
  expect(await codes()).toEqual(expected);
});

test('answer() is never cached, and a red one says when to come again', async () => {
  const shared = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
  expect((await health.answer('/readyz', undefined)).headers).toEqual(shared);
  lifecycle.status = 'starting';
  expect((await health.answer('/readyz', undefined)).headers).toEqual({ ...shared, 'Retry-After': '1' });
});

test.each(['/livez', '/readyz'])('answer() for %s tells the status and nothing else', async (path) => {
  lifecycle.status = 'stopped';
  expect(JSON.parse((await health.answer(path, '127.0.0.1')).body)).toEqual({ status: 'draining' });
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  [undefined, true],
  ['10.0.0.1', false],
  ['1127.0.0.1', false],
  ['::11', false],
  ['::ffff:10.0.0.1', false],
])('answer() tells details to %s: %s', async (address, shown) => {
  expect(JSON.parse((await health.answer('/health', address)).body)).toEqual(shown ? REPORT : { status: 'ready' });
});

test.each([true, false])('details: %s holds for everybody', async (details) => {
  use({ details });
  for (const address of ['127.0.0.1', '10.0.0.1']) {
    expect('pid' in JSON.parse((await health.answer('/health', address)).body)).toBe(details);
  }
});

test('checks turn readiness red, never liveness, and details name them', async () => {
  use({
    checks: {
      db: async () => {},
      queue: () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
      disk: () => {
        throw new Error('full');
      },
    },
  });
  expect(await codes()).toEqual([200, 503, 503]);
  expect(JSON.parse((await health.answer('/health', undefined)).body).checks).toEqual({
    db: 'ok',
    queue: 'failed: refused (ECONNREFUSED)',
    disk: 'failed: Error: full',
  });
});

test('a check that hangs is given up in its time, and told by its signal', async () => {
  let given: AbortSignal | undefined;
  use({
    checkTimeoutMs: 300,
    checks: {
      db: (signal) => {
        given = signal;
        return new Promise(() => {});
      },
    },
  });
  const answer = health.answer('/health', undefined);
  await host.advance(299);
  expect(given?.aborted).toBe(false);
  await host.advance(1);
  expect(JSON.parse((await answer).body).checks).toEqual({ db: 'timed out' });
  expect(given?.aborted).toBe(true);
  expect(host.timers).toBe(0);
});

test('checks are not asked for liveness', async () => {
  const db = vi.fn();
  use({ checks: { db } });
  await health.answer('/livez', undefined);
  expect(db).not.toHaveBeenCalled();
  await health.answer('/readyz', undefined);
  expect(db).toHaveBeenCalledTimes(1);
});

test.each([
  ['GET', '/readyz', true],
  ['HEAD', '/readyz', true],
  ['GET', '/readyz?probe=1', true],
  ['GET', '/readyz#a', true],
  ['GET', 'http://host:80/readyz?a', true],
  ['GET', 'HTTPS://host/readyz', true],
  ['POST', '/readyz', false],
  [undefined, '/readyz', false],
  ['GET', undefined, false],
  ['GET', '/readyz/', false],
  ['GET', '/READYZ', false],
  ['GET', '/', false],
  ['GET', '*', false],
  ['GET', '/?/readyz', false],
])('owns() %s %s: %s', (method, url, owned) => {
  expect(health.owns(method, url)).toBe(owned);
});

test('nothing is owned, and no path named, where health is off', () => {
  expect(health.paths).toEqual(['/health', '/readyz', '/livez']);
  use(false);
  expect(health.paths).toEqual([]);
  expect(health.owns('GET', '/readyz')).toBe(false);
});

/** Asks a real server whose requests go through `handle`. */
async function ask(method: string, path: string) {
  const real = new Health({ settings: () => settings, host: realHost, lifecycle, report: () => REPORT });
  let own = 0;
  const server = createServer((incoming, response) => {
    const handled = real.handle(incoming, response);
    own = real.ownRequests;
    if (!handled) response.end('of the application');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<{ statusCode: number | undefined; length: unknown; body: string }>((done) => {
    request({ port, method, path, host: '127.0.0.1', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      response.on('end', () =>
        done({ statusCode: response.statusCode, length: response.headers['content-length'], body }),
      );
    }).end();
  });
  await new Promise((done) => server.close(done));
  return { ...answer, own, ownLater: real.ownRequests };
}

test('handle() answers, and counts the request as its own until it is over', async () => {
  const body = JSON.stringify(REPORT);
  expect(await ask('GET', '/health')).toEqual({
    statusCode: 200,
    length: String(body.length),
    body,
    own: 1,
    ownLater: 0,
  });
});

test('handle() answers HEAD with the headers alone', async () => {
  const length = String(JSON.stringify({ status: 'ready' }).length);
  expect(await ask('HEAD', '/readyz')).toMatchObject({ statusCode: 200, length, body: '' });
});

test('handle() leaves other requests to the application', async () => {
  expect(await ask('POST', '/health')).toMatchObject({ body: 'of the application', own: 0 });
});
