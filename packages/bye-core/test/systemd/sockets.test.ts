import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { describeSocket, readSocketTable } from '../../src/systemd/sockets.js';
import { fdOf, fdOfDatagram, scratchDirectory } from '../listeners/scratch.js';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(options: object): Promise<Server> {
  const server = createServer().listen(options);
  closers.push(() => server.close());
  await once(server, 'listening');
  return server;
}

function descriptorOf(socket: Socket): number {
  return (socket as unknown as { _handle: { fd: number } })._handle.fd;
}

describe('describeSocket()', () => {
  it.each([
    ['127.0.0.1', 4, '127.0.0.1'],
    ['127.1.2.3', 4, '127.1.2.3'],
    ['0.0.0.0', 4, '0.0.0.0'],
    ['::1', 6, '[::1]'],
    ['::', 6, '[::]'],
    ['::ffff:127.0.0.1', 6, '[::ffff:127.0.0.1]'],
  ])('reads a TCP listener on %s', async (host, family, text) => {
    const server = await listen({ host, port: 0 });
    const { port, address } = server.address() as AddressInfo;
    expect(describeSocket(fdOf(server))).toEqual({
      kind: 'tcp',
      family,
      address,
      port,
      listening: true,
      type: 'stream',
      found: `a listening TCP socket at ${text}:${port}`,
    });
  });

  it('reads unix listeners, with spaces and an abstract name too', async () => {
    const path = join(scratchDirectory(), 'my app.sock');
    const facts = { kind: 'unix', listening: true, type: 'stream' };
    expect(describeSocket(fdOf(await listen({ path })))).toEqual({
      ...facts,
      path,
      found: `a listening unix stream socket at ${path}`,
    });
    const name = `\0bye-sockets-test-${process.pid}`;
    expect(describeSocket(fdOf(await listen({ path: name })))).toMatchObject({ ...facts, path: name });
  });

  it('tells connections from listeners', async () => {
    const server = await listen({ host: '127.0.0.1', port: 0 });
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    closers.push(() => client.destroy());
    await once(client, 'connect');
    expect(describeSocket(descriptorOf(client))).toMatchObject({
      kind: 'tcp',
      listening: false,
      found: `a connected TCP socket at 127.0.0.1:${client.localPort}`,
    });
    const path = join(scratchDirectory(), 'app.sock');
    await listen({ path });
    const local = connect(path);
    closers.push(() => local.destroy());
    await once(local, 'connect');
    expect(describeSocket(descriptorOf(local))).toEqual({
      kind: 'unix',
      listening: false,
      type: 'stream',
      found: 'a unix stream socket',
    });
  });

  it.each([
    ['udp4', '127.0.0.1', '127.0.0.1'],
    ['udp6', '::1', '[::1]'],
  ] as const)('knows a datagram socket: %s', async (type, address, text) => {
    const socket = createSocket(type).bind(0, address);
    closers.push(() => socket.close());
    await once(socket, 'listening');
    const { port } = socket.address();
    expect(describeSocket(fdOfDatagram(socket))).toEqual({
      kind: 'other',
      family: type === 'udp4' ? 4 : 6,
      address,
      port,
      listening: false,
      type: 'dgram',
      found: `a UDP socket at ${text}:${port}`,
    });
  });

  it('knows what is no socket', () => {
    const fd = openSync('/dev/null', 'r');
    expect(describeSocket(fd)).toEqual({ kind: 'other', listening: false, type: 'unknown', found: '/dev/null' });
    closeSync(fd);
    expect(describeSocket(9999)).toMatchObject({ kind: 'other', found: 'nothing (the descriptor is not open)' });
  });

  it('says when /proc does not list a socket', async () => {
    const server = await listen({ host: '127.0.0.1', port: 0 });
    expect(describeSocket(fdOf(server), new Map())).toMatchObject({ kind: 'other', listening: false, type: 'unknown' });
    expect(describeSocket(fdOf(server), readSocketTable()).kind).toBe('tcp');
  });
});
