import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type ListenOptions, Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hookListen, type ListenHook, wrapListen } from '../../src/listeners/listen-hook.js';

const original = Server.prototype.listen;
const onListen = vi.fn();
const onBound = vi.fn();
const hook: ListenHook = { onListen, onBound };
let unhook: () => void;
let servers: Server[];
beforeEach(() => {
  servers = [];
  onListen.mockReset();
  onBound.mockReset();
});
afterEach(async () => {
  unhook();
  expect(Server.prototype.listen).toBe(original);
  for (const server of servers) {
    if (!server.listening) continue;
    server.close();
    await once(server, 'close');
  }
});

const keep = <S extends Server>(server: S): S => {
  servers.push(server);
  return server;
};
const bound = (server: Server) => new Promise<void>((resolve) => server.once('listening', resolve));

describe.each([
  ['the channel', hookListen],
  ['the fallback', wrapListen],
])('%s', (_title, install) => {
  beforeEach(() => {
    unhook = install(hook);
  });

  test('hookListen() sees the listen() of every kind of server before it is bound', async () => {
    for (const server of [createServer(), createHttpServer(), createHttp2Server()]) {
      onListen.mockImplementationOnce((seen: Server) => expect(seen.listening).toBe(false));
      await bound(keep(server).listen(0, '127.0.0.1'));
      expect(onListen).toHaveBeenLastCalledWith(server, expect.objectContaining({ port: 0, host: '127.0.0.1' }));
    }
    expect(onListen).toHaveBeenCalledTimes(3);
  });

  test('hookListen() tells of a bound socket before listen() returns', () => {
    const server = keep(createServer());
    onBound.mockImplementationOnce((seen: Server) => expect(seen.address()).toMatchObject({ family: 'IPv6' }));
    server.listen(0, '::1');
    onBound.mockReset();
    const other = keep(createServer()).listen(0);
    expect(onBound).toHaveBeenCalledWith(other);
  });

  test('hookListen() lets the options be changed', async () => {
    onListen.mockImplementationOnce((_server: Server, options: ListenOptions) => {
      options.host = '127.0.0.2';
    });
    const server = keep(createServer()).listen({ port: 0, host: '127.0.0.1' });
    await bound(server);
    expect(server.address()).toMatchObject({ address: '127.0.0.2' });
  });

  test('hookListen() keeps callback and return value, with any form of the arguments', async () => {
    for (const args of [[], [0], [0, 511], [{ port: 0 }], [0, '127.0.0.1', 511], [undefined], ['0']] as unknown[][]) {
      const server = keep(createServer());
      const listen = server.listen as (...args: unknown[]) => Server;
      const called = new Promise<unknown>((resolve) => {
        expect(
          listen.call(server, ...args, function (this: unknown) {
            resolve(this);
          }),
        ).toBe(server);
      });
      expect(await called).toBe(server);
    }
  });

  test('hookListen() does not see a second listen() that Node refuses', async () => {
    const server = keep(createServer()).listen(0);
    await bound(server);
    expect(() => server.listen(0)).toThrow(expect.objectContaining({ code: 'ERR_SERVER_ALREADY_LISTEN' }));
    expect(onListen).toHaveBeenCalledTimes(1);
  });

  test('hookListen() tells of nothing bound where that failed', async () => {
    const taken = keep(createServer()).listen(0, '127.0.0.1');
    await bound(taken);
    onBound.mockReset();
    const failed = createServer().listen((taken.address() as { port: number }).port, '127.0.0.1');
    await once(failed, 'error');
    expect(onBound).not.toHaveBeenCalled();
  });

  test('hookListen() returns what takes it off', async () => {
    unhook();
    await bound(keep(createServer()).listen(0));
    expect(onListen).not.toHaveBeenCalled();
  });
});

test('wrapListen() leaves who wrapped listen() after it in place', () => {
  const remove = wrapListen(hook);
  const ours = Server.prototype.listen;
  const theirs = function (this: Server, ...args: never[]): Server {
    return Reflect.apply(ours, this, args);
  } as typeof ours;
  Server.prototype.listen = theirs;
  remove();
  expect(Server.prototype.listen).toBe(theirs);
  Server.prototype.listen = original;
  unhook = () => {};
});
