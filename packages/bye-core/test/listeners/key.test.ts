import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type InheritedListener,
  KeyOrdinals,
  keyOfAddress,
  listenerKey,
  matchInherited,
  type NormalizedListenOptions,
} from '../../src/listeners/key.js';
import { fdOf, scratchDirectory } from './scratch.js';

const CHANNEL = 'tracing:net.server.listen:asyncStart';
const seen = new Map<Server, string | undefined>();
const record = (message: unknown) => {
  const { server, options } = message as { server: Server; options: NormalizedListenOptions };
  seen.set(server, listenerKey(options, '/srv/app'));
};
beforeAll(() => subscribe(CHANNEL, record));
afterAll(() => unsubscribe(CHANNEL, record));

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

/** Really calls `listen(...args)` and gives the key made from Node's own normalised options. */
function listen(...args: unknown[]): { key: string | undefined; server: Server } {
  // A port may be taken and a name may not resolve: the key was made before.
  const server = createServer().on('error', () => {});
  open.push(server);
  try {
    Reflect.apply(server.listen, server, args);
  } finally {
    listened = server;
  }
  return { key: seen.get(server), server };
}
let listened: Server;

const noop = () => {};

describe('listenerKey()', () => {
  const forms: [string, unknown[], string][] = [
    ['listen()', [], 'tcp:*:0'],
    ['listen(callback)', [noop], 'tcp:*:0'],
    ['listen(null)', [null], 'tcp:*:0'],
    ['listen(undefined)', [undefined], 'tcp:*:0'],
    ['listen(null, callback)', [null, noop], 'tcp:*:0'],
    ['listen(0)', [0], 'tcp:*:0'],
    ['listen(port)', [18080], 'tcp:*:18080'],
    ['listen(port, callback)', [18080, noop], 'tcp:*:18080'],
    ["listen('port')", ['18080'], 'tcp:*:18080'],
    ['listen with a leading zero', ['018080'], 'tcp:*:18080'],
    ['listen with spaces', [' 18080 '], 'tcp:*:18080'],
    ['listen with a hexadecimal port', ['0x46a0'], 'tcp:*:18080'],
    ['listen(port, host, backlog)', [18080, '127.0.0.1', 511], 'tcp:127.0.0.1:18080'],
    ["listen(port, '')", [18080, ''], 'tcp:*:18080'],
    ['listen({ port })', [{ port: 18080 }], 'tcp:*:18080'],
    ['listen({ port: undefined })', [{ port: undefined }], 'tcp:*:0'],
    ['listen({ port: null })', [{ port: null }], 'tcp:*:0'],
    ['listen({ port, host: undefined })', [{ port: 18080, host: undefined }], 'tcp:*:18080'],
    ['a name in capitals', [{ port: 18080, host: 'LOCALHOST' }], 'tcp:localhost:18080'],
    ['an address short of a literal', [{ port: 18080, host: '127.1' }], 'tcp:127.1:18080'],
    ['0.0.0.0', [18080, '0.0.0.0'], 'tcp:0.0.0.0:18080'],
    ['::', [18080, '::'], 'tcp::::18080'],
    ['0:0::0', [18080, '0:0::0'], 'tcp::::18080'],
    ['::0:1', [18080, '::0:1'], 'tcp:::1:18080'],
    ['::FFFF:7f00:1', [18080, '::FFFF:7f00:1'], 'tcp:::ffff:127.0.0.1:18080'],
    ['FE80::01%lo', [18080, 'FE80::01%lo'], 'tcp:fe80::1%lo:18080'],
    ['ipv6Only', [{ port: 18080, host: '::', ipv6Only: true }], 'tcp::::18080:v6only'],
    ['ipv6Only that is only truthy', [{ port: 18080, host: '::', ipv6Only: 1 }], 'tcp::::18080'],
    ['{ path, port }, where the port wins', [{ path: '/nowhere/a.sock', port: 18080 }], 'tcp:*:18080'],
    ["listen('/path')", ['/nowhere/a.sock'], 'unix:/nowhere/a.sock'],
    ['listen({ path })', [{ path: '/nowhere/../nowhere/a.sock' }], 'unix:/nowhere/a.sock'],
    ['a relative path', ['nowhere/a.sock'], 'unix:/srv/app/nowhere/a.sock'],
    ['a path beside an unusable port', [{ path: '/nowhere/a.sock', port: {} }], 'unix:/nowhere/a.sock'],
    ['an abstract name', ['\0bye-key-test'], 'abstract:bye-key-test'],
  ];
  it.each(forms)('%s', (_, args, key) => {
    expect(listen(...args).key).toBe(key);
  });

  const rejected: [string, unknown[], string][] = [
    ["listen('')", [''], 'ERR_SOCKET_BAD_PORT'],
    ['listen(NaN)', [Number.NaN], 'ERR_SOCKET_BAD_PORT'],
    ['listen(Infinity)', [Number.POSITIVE_INFINITY], 'ERR_SOCKET_BAD_PORT'],
    ['listen(18080.7)', [18080.7], 'ERR_SOCKET_BAD_PORT'],
    ['listen(-1)', [-1], 'ERR_SOCKET_BAD_PORT'],
    ['listen(65536)', [65536], 'ERR_SOCKET_BAD_PORT'],
    ['listen({ host })', [{ host: '127.0.0.1' }], 'ERR_INVALID_ARG_VALUE'],
    ['listen(true)', [true], 'ERR_INVALID_ARG_VALUE'],
    ["listen({ fd: '3' })", [{ fd: '3' }], 'ERR_INVALID_ARG_VALUE'],
    ["listen({ path: '18080' })", [{ path: '18080' }], 'ERR_INVALID_ARG_VALUE'],
    ["listen({ path: ' ' })", [{ path: ' ' }], 'ERR_INVALID_ARG_VALUE'],
    ['a host that is no text', [{ port: 18080, host: {} }], 'ERR_INVALID_ARG_TYPE'],
  ];
  it.each(rejected)('gives none for what Node rejects: %s', (_, args, code) => {
    expect(() => listen(...args)).toThrow(expect.objectContaining({ code }));
    expect(seen.has(listened)).toBe(true);
    expect(seen.get(listened)).toBeUndefined();
  });

  it('gives none for a descriptor or a handle', () => {
    const [a, b, c] = [listen(0).server, listen(0).server, listen(0).server];
    const adopters = [
      listen(a),
      listen({ handle: (b as unknown as { _handle: object })._handle, port: 18080 }),
      listen({ fd: fdOf(c), port: 18080 }),
    ];
    expect(adopters.map(({ key, server }) => [seen.has(server), key])).toEqual(Array(3).fill([true, undefined]));
  });
});

describe('keyOfAddress()', () => {
  it.each([['127.0.0.1'], ['::1'], ['0.0.0.0'], ['::']])('names %s as a request for it is named', async (host) => {
    const { server } = listen({ port: 0, host });
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No address');
    expect(keyOfAddress(address)).toBe(listen({ port: address.port, host }).key);
  });

  it('names paths and abstract names', async () => {
    const path = join(scratchDirectory(), 'a.sock');
    const { server, key } = listen(path);
    await once(server, 'listening');
    expect(keyOfAddress(server.address() as string)).toBe(key);
    expect(keyOfAddress('\0app')).toBe('abstract:app');
  });
});

describe('KeyOrdinals', () => {
  it('numbers further listeners of an equal key, and gives a closed one its name again', () => {
    const ordinals = new KeyOrdinals();
    const take = () => ordinals.take('tcp:*:0');
    expect([take(), take(), take(), ordinals.take('tcp:*:80')]).toEqual([
      'tcp:*:0',
      'tcp:*:0#2',
      'tcp:*:0#3',
      'tcp:*:80',
    ]);
    ordinals.release('tcp:*:0#2');
    ordinals.release('tcp:*:80');
    expect([take(), take(), ordinals.take('tcp:*:80')]).toEqual(['tcp:*:0#2', 'tcp:*:0#4', 'tcp:*:80']);
  });
});

describe('matchInherited()', () => {
  const at = (address: string, port: number, key = 'systemd'): InheritedListener => ({
    key,
    address: { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' },
  });
  const rows: [string, string, InheritedListener, boolean][] = [
    ['the same key', 'tcp:*:80', { key: 'tcp:*:80' }, true],
    ['the same key of port 0', 'tcp:*:0#2', at('::', 41234, 'tcp:*:0#2'), true],
    ['port 0 by key alone', 'tcp:*:0', at('::', 41234, 'tcp:*:0#2'), false],
    ['* = [::]', 'tcp:*:80', at('::', 80), true],
    ['* = the [::] asked for as such', 'tcp:*:80', at('::', 80, 'tcp::::80'), true],
    ['* is no 0.0.0.0', 'tcp:*:80', at('0.0.0.0', 80), false],
    ['* is no 0.0.0.0 asked for as such', 'tcp:*:80', at('0.0.0.0', 80, 'tcp:0.0.0.0:80'), false],
    ['* is the 0.0.0.0 that was bound for *', 'tcp:*:80#2', at('0.0.0.0', 80, 'tcp:*:80'), true],
    ['another port', 'tcp:*:80', at('::', 81), false],
    [':: = *', 'tcp::::80', at('::', 80, 'tcp:*:80'), true],
    ['127.0.0.1 is no part of *', 'tcp:127.0.0.1:80', at('::', 80), false],
    ['0.0.0.0 is no 127.0.0.1', 'tcp:0.0.0.0:80', at('127.0.0.1', 80), false],
    ['an address that a name resolved to', 'tcp:127.0.0.1:80', at('127.0.0.1', 80, 'tcp:localhost:80'), true],
    ['localhost = 127.0.0.1', 'tcp:localhost:80', at('127.0.0.1', 80), true],
    ['localhost = ::1', 'tcp:localhost:80', at('::1', 80), true],
    ['localhost is no 127.0.0.2', 'tcp:localhost:80', at('127.0.0.2', 80), false],
    ['another name is never resolved', 'tcp:example.test:80', at('127.0.0.1', 80), false],
    ['a dual-stack listener is no v6only one', 'tcp::::80:v6only', at('::', 80, 'tcp::::80'), false],
    ['a v6only listener is no dual-stack one', 'tcp:*:80', at('::', 80, 'tcp::::80:v6only'), false],
    ['v6only, of an unknown one', 'tcp::::80:v6only', at('::', 80), true],
    ['a path', 'unix:/run/a.sock', { key: 'systemd', address: '/run/a.sock' }, true],
    ['another path', 'unix:/run/a.sock', { key: 'systemd', address: '/run/b.sock' }, false],
    ['an abstract name', 'abstract:a', { key: 'systemd', address: '\0a' }, true],
    ['a path that only looks like an address', 'unix:/tcp:*:80', at('::', 80), false],
  ];
  it.each(rows)('%s', (_, key, listener, matches) => {
    expect(matchInherited(key, [at('::1', 9), listener])).toBe(matches ? listener : undefined);
  });

  it('* is 0.0.0.0 on a machine without IPv6', () => {
    const listener = at('0.0.0.0', 80);
    expect(matchInherited('tcp:*:80', [listener], { ipv6: false })).toBe(listener);
  });

  it('prefers the key to the address', () => {
    const named = at('127.0.0.1', 80, 'tcp:localhost:80');
    const literal = at('::1', 80, 'tcp:::1:80');
    expect(matchInherited('tcp:localhost:80', [literal, named])).toBe(named);
    expect(matchInherited('tcp:::1:80', [named, literal])).toBe(literal);
  });
});
