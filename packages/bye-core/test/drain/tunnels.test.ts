// CONNECT, and protocols other than WebSocket: a tunnel is work in progress until it ends.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Bench } from './bench.js';

async function open(bench: Bench): Promise<{ dial(head: string): Promise<Socket> }> {
  const server = createServer();
  server.on('upgrade', (_request, socket: Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  server.on('connect', (_request, socket: Socket) => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.pipe(socket);
  });
  const { port } = await bench.listen(server);
  return {
    async dial(head) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      bench.defer(() => socket.destroy());
      socket.setEncoding('utf8').write(head);
      await once(socket, 'data');
      return socket;
    },
  };
}

const HEADS = [
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n', 'CONNECT example.com:443'],
  ['Upgrade: x', 'GET /x?q=1 HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', 'GET /x'],
] as const;

test.each(HEADS)('`drain()` lets a tunnel of %s end by itself, byte for byte', async (_what, head) => {
  await using bench = new Bench();
  const { dial } = await open(bench);
  const socket = await dial(head);
  expect(bench.bye.health()).toMatchObject({ inFlight: 1, connections: 1 });
  const drained = bench.bye.drain('upgrade');
  await expect.poll(() => bench.bye.phase).toBe('requests');
  for (const word of ['one', 'two']) {
    socket.write(word);
    expect(await once(socket, 'data')).toEqual([word]);
  }
  socket.end('three');
  expect(await once(socket, 'data')).toEqual(['three']);
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
});

test.each(HEADS)('`drain()` cuts a tunnel of %s that never ends, and names it', async (_what, head, name) => {
  await using bench = new Bench({ shutdownTimeoutMs: 600, closeReserveMs: 200 });
  const { dial } = await open(bench);
  const closed = once((await dial(head)).resume(), 'close');
  expect((await bench.bye.drain()).cut).toMatchObject([{ kind: 'connection', name }]);
  await closed;
});
