import { once } from 'node:events';
import { mkdtempSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { realHost } from '../../src/host.js';
import { InheritedListeners } from '../../src/listeners/inherited.js';
import { hookListen } from '../../src/listeners/listen-hook.js';
import { Listeners } from '../../src/listeners/registry.js';

let root: string;
let listeners: Listeners;
let unhook: () => void;
let servers: Server[];
let told: string[];
const onListen = vi.fn();
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bye-registry-'));
  servers = [];
  told = [];
  onListen.mockReset();
  listeners = new Listeners({
    host: realHost,
    inherited: new InheritedListeners([], false),
    deferAccept: false,
    onAdopted: () => {},
    onOpened: (key) => void told.push(`opened ${key}`),
    onClosed: (key) => void told.push(`closed ${key}`),
    onListen,
  });
  unhook = hookListen({
    onListen: (server, options) => listeners.prepare(server, options),
    onBound: (server) => listeners.publish(server),
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  unhook();
  await Promise.all(servers.map((server) => server.listening && once(server.close(), 'close')));
  rmSync(root, { recursive: true });
});

function create(): Server {
  const server = createServer();
  servers.push(server);
  return server;
}

async function listen(...where: [number, string] | [string]): Promise<Server> {
  const server = create();
  server.listen(...(where as [number, string]));
  await once(server, 'listening');
  return server;
}

const keys = () => listeners.handedOn.map(({ key }) => key);

test('prepare() leaves it to Node to say why a path cannot be had', async () => {
  symlinkSync('loop', join(root, 'loop'));
  expect(() => listeners.prepare(createServer(), { path: join(root, 'loop/other.sock') })).not.toThrow();
  const error = once(create().listen(join(root, 'loop/app.sock')), 'error');
  expect(await error).toMatchObject([{ code: 'ELOOP', syscall: 'listen' }]);
  expect(keys()).toEqual([]);
});

test('a listener is told of when it is open, and once when it is closed', async () => {
  const server = await listen(0, '127.0.0.1');
  listeners.notice(server);
  server.close();
  await once(server, 'close');
  listeners.close(await listen(0, '127.0.0.1'));
  expect(told).toEqual(['opened', 'closed', 'opened', 'closed'].map((what) => `${what} tcp:127.0.0.1:0`));
});

test('prepare() works after the working directory was removed', async () => {
  const gone = vi.spyOn(process, 'cwd').mockImplementation(() => {
    throw Object.assign(new Error('uv_cwd'), { code: 'ENOENT' });
  });
  await listen(0, '127.0.0.1');
  expect(gone).toHaveBeenCalled();
  expect(keys()).toEqual(['tcp:127.0.0.1:0']);
});

test('prepare() tells of every listen(), and of those without a key', async () => {
  const server = await listen(0, '127.0.0.1');
  expect(onListen).toHaveBeenCalledWith(server);
  const fd = create();
  fd.once('error', () => {});
  fd.listen({ fd: 2 ** 30 });
  expect(onListen).toHaveBeenLastCalledWith(fd);
});

test('handedOn tells listeners on equal keys apart, and gives the key of a closed one to the next', async () => {
  const first = await listen(0, '127.0.0.1');
  await listen(0, '127.0.0.1');
  expect(keys()).toEqual(['tcp:127.0.0.1:0', 'tcp:127.0.0.1:0#2']);
  await once(first.close(), 'close');
  await listen(0, '127.0.0.1');
  expect(keys()).toEqual(['tcp:127.0.0.1:0#2', 'tcp:127.0.0.1:0']);
});

test('a listen() that fails gives its key back', async () => {
  const taken = await listen(0, '127.0.0.1');
  const { port } = taken.address() as { port: number };
  const failed = create().listen(port, '127.0.0.1');
  await once(failed, 'error');
  await once(taken.close(), 'close');
  await listen(port, '127.0.0.1');
  expect(keys()).toEqual([`tcp:127.0.0.1:${port}`]);
});

test('a unix path is there once listen() has returned, and gone with its listener', async () => {
  const path = join(root, 'app.sock');
  const server = await listen(path);
  expect(keys()).toEqual([`unix:${path}`]);
  expect(server.address()).toBe(path);
  await once(server.close(), 'close');
  expect(() => rmdirSync(root)).not.toThrow();
  root = mkdtempSync(join(tmpdir(), 'bye-registry-'));
});

test('forget() leaves the path to the process that took over', async () => {
  const path = join(root, 'app.sock');
  const server = await listen(path);
  listeners.forget(server, true);
  await once(server.close(), 'close');
  expect(() => rmSync(path)).not.toThrow();
});

test('the options of the application are as it gave them after listen()', async () => {
  const options = { path: join(root, 'app.sock'), readableAll: true };
  const given = { ...options };
  const server = create().listen(options);
  await once(server, 'listening');
  expect(options).toEqual(given);
});

test('frozen options are bound as they are, and refused with what to do where a listener should be adopted', async () => {
  const server = create().listen(Object.freeze({ path: join(root, 'frozen.sock') }));
  await once(server, 'listening');
  expect(keys()).toEqual([`unix:${join(root, 'frozen.sock')}`]);

  const inherited = new InheritedListeners([{ fd: 99, key: 'tcp:*:80', names: [] }], true);
  const parts = {
    host: realHost,
    inherited,
    deferAccept: true,
    onAdopted: () => {},
    onOpened: () => {},
    onClosed: () => {},
    onListen: () => {},
  };
  expect(() => new Listeners(parts).prepare(create(), Object.freeze({ port: 80 }))).toThrow(/pass a copy of them/);
});
