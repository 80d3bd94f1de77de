// How long a handshake may take that a drain finds in progress: times that only a clock of the test can tell apart.
import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { Http1Drain } from '../../src/drain/http1.js';
import { tapServer } from '../../src/server-tap.js';
import { FakeHost } from '../fake-host.js';
import { createCertificate } from './tls.js';

test('a handshake that begins late in `shutdownDelayMs` has its grace, and becomes a connection with one', async () => {
  const host = new FakeHost();
  const server = createServer(createCertificate());
  const parts = {
    host,
    intercept: () => false,
    isEndless: () => false,
    offerGoodbye: (_farewell: object, otherwise: () => void) => otherwise(),
    onChange: () => {},
    isAwaited: () => true,
  };
  const drain = new Http1Drain('tls', tapServer(server), parts);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const signalledAt = host.now();
  await host.advance(4_900);
  const clients = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  const [client, silent] = clients.map((each) => each.on('error', () => {}).resume()) as [Socket, Socket];
  try {
    await expect.poll(() => drain.connectionCount).toBe(2);
    await host.advance(100);
    drain.closeIdle(signalledAt, 1000);
    await host.advance(800);
    expect(drain.connectionCount).toBe(2);
    const secure = connectTls({ socket: client, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    await expect.poll(() => drain.connections.size).toBe(1);
    await host.advance(200);
    await expect.poll(() => silent.destroyed).toBe(true);
    expect(drain.connectionCount).toBe(1);
    const ended = once(secure.resume(), 'end');
    await host.advance(1000);
    await ended;
  } finally {
    for (const each of clients) each.destroy();
    drain.destroy();
    server.close();
  }
});
