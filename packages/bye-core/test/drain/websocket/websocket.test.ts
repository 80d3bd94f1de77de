// Each WebSocket gets a close frame that its client can read, whatever its library is doing. Trap T27: docs/internals.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Bench, createGate, WITH_GRACE } from '../bench.js';
import { codeOf, openSocket, serveEcho } from './echo.js';

test.each([
  ['stop', 1001],
  ['upgrade', 1012],
] as const)('a drain for %s closes with %i, and ends when the clients have answered', async (reason, code) => {
  await using bench = new Bench();
  const { port, sockets } = await serveEcho(bench);
  const clients = await Promise.all(Array.from({ length: 5 }, () => openSocket(bench, port)));
  const seen = [...sockets.clients].map(codeOf);
  const codes = clients.map(codeOf);
  const drained = bench.bye.drain(reason);
  expect(await Promise.all(codes)).toEqual(codes.map(() => code));
  expect(await Promise.all(seen)).toEqual(seen.map(() => code));
  expect(await drained).toMatchObject({ cut: [], requestsFinished: 0 });
});

test('the close frame comes between messages of a server that never stops writing', async () => {
  await using bench = new Bench();
  const { port } = await serveEcho(bench, (socket) => {
    const flood = () => {
      for (let count = 0; count < 5; count++) socket.send('y'.repeat(20_000) + Math.random(), () => {});
      if (socket.readyState === socket.OPEN) setImmediate(flood);
    };
    flood();
  });
  const client = await openSocket(bench, port);
  const [failed, received] = [vi.fn(), vi.fn()];
  client.on('error', failed).on('message', received);
  await expect.poll(() => received.mock.calls.length).toBeGreaterThan(20);
  const code = codeOf(client);
  const drained = bench.bye.drain('upgrade');
  expect(await code).toBe(1012);
  expect(failed).not.toHaveBeenCalled();
  expect(await drained).toMatchObject({ cut: [] });
});

test('the close frame may come amid the fragments of a message, and what follows is dropped', async () => {
  await using bench = new Bench();
  const sent = vi.fn();
  const { port, sockets } = await serveEcho(bench);
  const client = await openSocket(bench, port);
  const [socket] = sockets.clients;
  socket?.send('begun', { fin: false });
  const code = codeOf(client);
  client.pause();
  const drained = bench.bye.drain();
  await expect.poll(() => bench.bye.phase).toBe('requests');
  socket?.send('the end', { fin: true }, sent);
  await expect.poll(() => sent.mock.calls).toEqual([[]]);
  client.resume();
  expect(await code).toBe(1001);
  expect(await drained).toMatchObject({ cut: [] });
});

test('the close frame waits for the rest of a frame that is being written', async () => {
  await using bench = new Bench();
  let peer: Socket | undefined;
  const server = createServer().on('upgrade', (_request, socket: Socket) => {
    peer = socket;
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.write(Buffer.from([0x81, 10]));
    socket.write('01234', 'latin1');
    socket.on('data', () => socket.end());
  });
  const { port } = await bench.listen(server);
  const socket = await handshake(bench, port);
  let received = '';
  socket.setEncoding('latin1').on('data', (text) => {
    received += text;
  });
  await expect.poll(() => received).toContain('01234');
  const drained = bench.bye.drain();
  await expect.poll(() => bench.bye.phase).toBe('requests');
  peer?.write('567');
  peer?.write('89');
  await expect.poll(() => received.split('\r\n\r\n')[1]).toBe('\x81\x0a0123456789\x88\x02\x03\xe9');
  socket.write('answer');
  expect(await drained).toMatchObject({ cut: [] });
});

test.each([
  ['`drain()`', (bench: Bench) => bench.bye.drain()],
  ['`server.close()`', (_bench: Bench, server: Server) => new Promise((resolve) => server.close(resolve))],
])('%s waits for a handshake under way, and tells its WebSocket after its greeting', async (_what, end) => {
  await using bench = new Bench();
  const gate = createGate();
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', async (request, socket, head) => {
    await gate.opened;
    sockets.handleUpgrade(request, socket, head, (accepted) => accepted.send('welcome'));
  });
  const { port } = await bench.listen(server);
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  bench.defer(() => client.terminate());
  const [message, code] = [once(client, 'message'), codeOf(client)];
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const ended = end(bench, server);
  await expect.poll(() => server.listening).toBe(false);
  gate.open();
  expect(String((await message)[0])).toBe('welcome');
  expect(await code).toBe(1001);
  await ended;
});

test('a handshake on a connection from before the drain works, and its WebSocket is told at once', async () => {
  await using bench = new Bench({ ...WITH_GRACE, closeSpreadMs: 600_000 });
  const { port, server } = await serveEcho(bench, (socket) => socket.send('welcome'));
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  bench.defer(() => socket.destroy());
  socket.write('GET /plain HTTP/1.1\r\nHost: x\r\n\r\n');
  expect((await once(socket, 'data'))[0]).toContain('keep-alive');
  let received = '';
  socket.on('data', (text) => {
    received += text;
  });
  const drained = bench.bye.drain('upgrade');
  await expect.poll(() => server.listening).toBe(false);
  socket.write(handshakeOf('/'));
  await expect.poll(() => received.split('\r\n\r\n')[1]).toBe('\x81\x07welcome\x88\x02\x03\xf4');
  socket.end();
  expect(await drained).toMatchObject({ cut: [] });
});

test('a handshake that is never answered is cut, by name; one that is refused is not', async () => {
  await using bench = new Bench({ shutdownTimeoutMs: 600, closeReserveMs: 200 });
  const server = createServer().on('upgrade', (request, socket) => {
    if (request.url === '/refused') socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
  });
  const { port } = await bench.listen(server);
  const refused = await handshake(bench, port, '/refused');
  expect(String(await once(refused, 'data'))).toContain('401');
  await handshake(bench, port, '/chat?token=secret');
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  expect((await bench.bye.drain()).cut).toMatchObject([{ kind: 'request', name: 'GET /chat' }]);
});

test('a client that never answers is ended at the deadline, and is not cut', async () => {
  await using bench = new Bench({ shutdownTimeoutMs: 600, closeReserveMs: 200 });
  const { port } = await serveEcho(bench);
  const socket = await handshake(bench, port);
  let last = '';
  socket.setEncoding('latin1').on('data', (text) => {
    last = String(text);
  });
  await once(socket, 'data');
  const ended = once(socket, 'close');
  expect(await bench.bye.drain()).toMatchObject({ cut: [], durationMs: expect.toSatisfy((ms) => ms >= 390) });
  await ended;
  expect(last).toBe('\x88\x02\x03\xe9');
});

test('closeSpreadMs spreads the close frames, and `server.close()` does not wait for it', async () => {
  await using bench = new Bench({ signals: true, keepAliveGraceMs: 0, closeSpreadMs: 500 });
  const { port } = await serveEcho(bench);
  const clients = await Promise.all(Array.from({ length: 20 }, () => openSocket(bench, port)));
  const closedAt: number[] = [];
  for (const client of clients) client.once('close', () => closedAt.push(performance.now() - startedAt));
  const startedAt = performance.now();
  expect(await bench.bye.drain()).toMatchObject({ cut: [] });
  await expect.poll(() => closedAt.length).toBe(20);
  // The nth client is told no sooner than its share of the time has passed.
  for (const [index, at] of closedAt.entries()) expect(at).toBeGreaterThanOrEqual(index * 25 - 5);

  await using other = new Bench({ signals: true, keepAliveGraceMs: 0, closeSpreadMs: 600_000 });
  const { port: second, server } = await serveEcho(other);
  const codes = (await Promise.all([openSocket(other, second), openSocket(other, second)])).map(codeOf);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect(await Promise.all(codes)).toEqual([1001, 1001]);
});

test('onGoodbye() may leave the close to bye, or take it over', async () => {
  await using bench = new Bench();
  const peers = new Map<unknown, WebSocket>();
  const { port, sockets } = await serveEcho(bench);
  sockets.on('connection', (socket, request) => peers.set(request, socket));
  bench.bye.onGoodbye(async ({ request, reason }) => {
    const socket = peers.get(request);
    // Compressed in a thread: it is not written yet when send() returns.
    await new Promise((resolve) => socket?.send(`goodbye: ${reason}`, resolve));
    if (request.url === '/own') setTimeout(() => socket?.close(4000, 'mine'), 50);
    return request.url === '/own';
  });
  const [own, plain] = [await openSocket(bench, port, '/own'), await openSocket(bench, port, '/plain')];
  const messages = Promise.all([once(own, 'message'), once(plain, 'message')]);
  const codes = Promise.all([codeOf(own), codeOf(plain)]);
  const drained = bench.bye.drain('upgrade');
  expect((await messages).map(([data]) => String(data))).toEqual(['goodbye: upgrade', 'goodbye: upgrade']);
  expect(await codes).toEqual([4000, 1012]);
  expect(await drained).toMatchObject({ cut: [] });
});

async function handshake(bench: Bench, port: number, path = '/'): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  bench.defer(() => socket.destroy());
  socket.write(handshakeOf(path));
  await once(socket, 'connect');
  return socket;
}

function handshakeOf(path: string): string {
  const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade`;
  return `${head}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
}
