import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createRawServer } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GoodbyeHooks } from '../src/goodbye.js';
import { Health } from '../src/health.js';
import { realHost } from '../src/host.js';
import { describeRequest, Servers } from '../src/servers.js';

let servers: Servers;
let mayListen: boolean;
let opened: Server[];
const onListening = vi.fn();
const onUnattached = vi.fn();
const onSoftClose = vi.fn();
beforeEach(() => {
  mayListen = true;
  opened = [];
  onListening.mockReset();
  onUnattached.mockReset();
  onSoftClose.mockReset();
  const lifecycle = { status: 'ready', phase: undefined, reason: undefined, isGreen: true } as const;
  const health = new Health({ settings: () => undefined, host: realHost, lifecycle, report: () => ({}) as never });
  const goodbye = new GoodbyeHooks(() => {});
  const parts = {
    host: realHost,
    health,
    goodbye,
    graceMs: () => 0,
    mayListen: () => mayListen,
    onListening,
    onUnattached,
    onSoftClose,
  };
  servers = new Servers(parts);
});
afterEach(async () => {
  await Promise.all(opened.map((server) => server.listening && once(server.close(), 'close')));
});

function create(): Server {
  const server = createServer();
  opened.push(server);
  return server;
}

async function listen(server: Server): Promise<void> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
}

const rolesOf = (server: Server) =>
  (['app', 'admin'] as const).filter((role) => servers.drains(role).some((drain) => drain.server === server));

test('attach() tells when the server listens, or at once if it does', async () => {
  const [early, late] = [create(), create()];
  servers.attach(early, 'app');
  expect(onListening).not.toHaveBeenCalled();
  await listen(early);
  await listen(late);
  servers.attach(late, 'app');
  expect(onListening.mock.calls).toEqual([[early], [late]]);
});

test('attach() of an admin server does not count as listening, until it becomes one of the application', async () => {
  const server = create();
  servers.attach(server, 'admin');
  await listen(server);
  expect([onListening.mock.calls.length, rolesOf(server)]).toEqual([0, ['admin']]);
  servers.attach(server, 'app');
  servers.attach(server, 'app');
  expect([onListening.mock.calls.length, rolesOf(server)]).toEqual([1, ['app']]);
});

test('notice() drains a server with the admin ones, and leaves a raw one alone', async () => {
  const server = create();
  servers.notice(server);
  servers.notice(createRawServer() as never);
  await listen(server);
  expect(servers.drains()).toHaveLength(1);
  expect(rolesOf(server)).toEqual(['admin']);
  expect(onListening).not.toHaveBeenCalled();
});

test('a server that is closed is forgotten, and is what it was when it listens again', async () => {
  const server = create();
  servers.attach(server, 'app');
  await listen(server);
  const drain = servers.drainOf(server);
  await once(server.close(), 'close');
  expect([servers.drainOf(server), servers.drains()]).toEqual([undefined, []]);
  // What the hook of listen() does just before.
  servers.notice(server);
  await listen(server);
  expect([servers.drainOf(server), rolesOf(server)]).toEqual([drain, ['app']]);
  expect(onListening).toHaveBeenCalledTimes(2);
});

test('a server that begins to listen once a stop has begun is closed again', async () => {
  const server = create();
  servers.attach(server, 'app');
  mayListen = false;
  const closed = once(server, 'close');
  server.listen(0, '127.0.0.1');
  await closed;
  expect(onListening).not.toHaveBeenCalled();
  expect(onSoftClose).toHaveBeenCalledWith(server);
});

test.each([
  ['GET', '/users/7?token=secret', 'GET /users/7'],
  ['POST', '/a#b', 'POST /a'],
  ['GET', '/', 'GET /'],
  ['OPTIONS', undefined, 'OPTIONS '],
])('describeRequest() names %s %s without its query', (method, url, name) => {
  expect(describeRequest({ method, ...(url === undefined ? {} : { url }) } as never)).toBe(name);
});

test('takeAll() makes those that merely listen the application’s, and nothing else', async () => {
  const [noticed, admin, closed] = [create(), create(), create()];
  for (const server of [noticed, closed]) servers.notice(server);
  servers.attach(admin, 'admin');
  for (const server of [noticed, admin]) await listen(server);
  expect(onUnattached.mock.calls).toEqual([[noticed]]);
  servers.takeAll();
  servers.takeAll();
  expect(onListening.mock.calls).toEqual([[noticed]]);
  expect([noticed, admin, closed].map(rolesOf)).toEqual([['app'], ['admin'], ['admin']]);
});
