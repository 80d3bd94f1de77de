// How long a connection lives on that we ended: branches that would take seconds of real time.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { expect, test } from 'vitest';
import { Linger } from '../../src/drain/linger.js';
import { carrierOf, queuedBytesOf } from '../../src/internals.js';
import { FakeHost } from '../fake-host.js';
import { createCertificate } from './tls.js';

/** More than the kernel takes for a client that reads nothing. */
const BYTES = 2 ** 27;

test('once all is sent, a client has 2 s to close, however long it took to read', async () => {
  const host = new FakeHost();
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  try {
    socket.resume().end(Buffer.alloc(2 ** 24));
    const linger = new Linger(host, socket);
    linger.start();
    await host.advance(1_000);
    expect(socket.destroyed).toBe(false);
    client.resume();
    await once(socket, 'finish');
    await host.advance(1_900);
    expect(socket.destroyed).toBe(false);
    await host.advance(200);
    expect(socket.destroyed).toBe(true);
    linger.cancel();
  } finally {
    client.destroy();
    socket.destroy();
    server.close();
  }
});

test.each([
  ['TCP', () => createServer({ allowHalfOpen: true }), (port: number) => connect({ port, host: '127.0.0.1' })],
  [
    'TLS',
    () => createTlsServer(createCertificate()),
    (port: number) => connectTls({ port, rejectUnauthorized: false }),
  ],
])('a client that takes some of it within 10 s keeps its connection: %s', async (kind, create, open) => {
  const host = new FakeHost();
  const server = create().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = open((server.address() as { port: number }).port).pause();
  const [socket] = (await once(server, kind === 'TLS' ? 'secureConnection' : 'connection')) as [Socket];
  try {
    socket.resume().end(Buffer.alloc(BYTES));
    const linger = new Linger(host, socket);
    linger.start();
    const queued = () => queuedBytesOf(carrierOf(socket) ?? socket);
    await expect.poll(queued).toBeGreaterThan(BYTES / 2);
    for (let times = 0; times < 3; times++) {
      const before = queued();
      client.resume();
      await expect.poll(queued, { interval: 1 }).toBeLessThan(before);
      client.pause();
      await host.advance(9_900);
      expect(socket.destroyed).toBe(false);
    }
    expect(queued()).toBeGreaterThan(0);
    await host.advance(20_000);
    expect(socket.destroyed).toBe(true);
    linger.cancel();
  } finally {
    client.destroy();
    socket.destroy();
    server.close();
  }
});
