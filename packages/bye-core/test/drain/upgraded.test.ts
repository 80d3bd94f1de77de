// How long a WebSocket's client may take to answer: a branch that would take ten seconds of real time.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Connection } from '../../src/drain/connection.js';
import { UpgradedConnections } from '../../src/drain/upgraded.js';
import { FakeHost } from '../fake-host.js';

test('a client that does not answer its close frame is ended after 10 s in which no byte came or went', async () => {
  const host = new FakeHost();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, '127.0.0.1').on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  try {
    const connection = new Connection(socket, { host, onChange: () => {}, onAnswered: () => {} });
    const upgraded = new UpgradedConnections(
      host,
      (_farewell, otherwise) => otherwise(),
      () => {},
    );
    upgraded.begin(connection, { method: 'GET', headers: { upgrade: 'websocket' } } as never);
    expect(upgraded.work).toHaveLength(1);
    socket.resume().write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    upgraded.sayGoodbye({ reason: 'stop', spreadMs: 0 });
    expect(upgraded.work).toEqual([]);
    await expect.poll(() => client.bytesRead).toBe(40);
    await host.advance(9_000);
    client.write('a message that was on its way');
    await expect.poll(() => socket.bytesRead).toBeGreaterThan(0);
    await host.advance(10_900);
    expect(connection.ended).toBe(false);
    await host.advance(200);
    expect(connection.ended).toBe(true);
    await once(client.resume(), 'end');
  } finally {
    client.destroy();
    socket.destroy();
    server.close();
  }
});
