import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Bench } from './bench.js';

async function dial(bench: Bench, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  bench.defer(() => socket.destroy());
  await once(socket, 'connect');
  return socket.setEncoding('utf8');
}

test('`drain()` lets each connection of a net.Server end by itself, and takes no new ones', async () => {
  await using bench = new Bench();
  const server = createServer((socket) => socket.pipe(socket));
  const { port } = await bench.listen(server);
  const earlier = await dial(bench, port);
  earlier.end();
  await once(earlier.resume(), 'close');
  const socket = await dial(bench, port);
  await expect.poll(() => bench.bye.health()).toMatchObject({ inFlight: 1, connections: 1 });
  const drained = bench.bye.drain();
  await expect.poll(() => server.listening).toBe(false);
  await expect(dial(bench, port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  socket.end('echoed');
  expect(await once(socket, 'data')).toEqual(['echoed']);
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
});

test('`drain()` cuts a connection of a net.Server that never ends, and says so', async () => {
  await using bench = new Bench({ shutdownTimeoutMs: 400, closeReserveMs: 200 });
  const { port } = await bench.listen(createServer());
  const socket = await dial(bench, port);
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const closed = once(socket.on('error', () => {}).resume(), 'close');
  const name = `connection from 127.0.0.1 port ${socket.localPort}`;
  const ageMs = expect.toSatisfy((age) => age >= 190);
  expect((await bench.bye.drain()).cut).toEqual([{ kind: 'connection', name, ageMs }]);
  await closed;
});
