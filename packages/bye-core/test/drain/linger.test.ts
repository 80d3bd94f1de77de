// How long a connection lives on that we ended: branches that would take seconds of real time.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Linger } from '../../src/drain/linger.js';
import { FakeHost } from '../fake-host.js';

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
