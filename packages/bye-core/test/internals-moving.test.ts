import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { closeHandle, connectionHandleOf, findIdle, whyNotMove } from '../src/internals-moving.js';

let server: Server;
const accepted: Socket[] = [];
const clients: Socket[] = [];
beforeEach(async () => {
  server = createServer((_request, response) => response.end('hello'));
  server.on('connection', (socket) => accepted.push(socket));
  await once(server.listen(0), 'listening');
});
afterEach(() => {
  for (const socket of [...accepted.splice(0), ...clients.splice(0)]) socket.destroy();
  server.close();
});

/** @returns the server's end of a connection on which these bytes were sent, and answered if they are a request */
async function open(bytes: string): Promise<Socket> {
  const client = connect((server.address() as AddressInfo).port);
  clients.push(client);
  const [socket] = (await once(server, 'connection')) as [Socket];
  client.write(bytes);
  if (bytes.endsWith('\r\n\r\n')) await once(client, 'data');
  else while (socket.bytesRead < bytes.length) await new Promise((resolve) => setImmediate(resolve));
  return socket;
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('whyNotMove() knows the versions that were tested', () => {
  expect(whyNotMove()).toBeUndefined();
  expect(whyNotMove('25.2.0')).toBe('it was not tested on Node 25.2.0');
});

test('findIdle() finds connections between two requests, and ends none, known or not (M4)', async () => {
  const idle = await open(REQUEST);
  const unknown = await open(REQUEST);
  const half = await open('GET / HT');
  const special = await open(REQUEST);
  special.destroy = function (this: Socket) {
    throw new Error('destroyed');
  } as Socket['destroy'];
  const own = special.destroy;
  expect(findIdle(server, [idle, half, special])).toEqual(new Set([idle, unknown, special]));
  expect(accepted.some(({ destroyed }) => destroyed)).toBe(false);
  expect(special.destroy).toBe(own);
  Reflect.deleteProperty(special, 'destroy');
  expect(Object.hasOwn(Socket.prototype, 'destroy')).toBe(false);
  idle.destroy();
  expect(idle.destroyed).toBe(true);
});

test('connectionHandleOf() gives what this server accepted from the kernel, and nothing of TLS (M3)', async () => {
  const socket = await open(REQUEST);
  expect(connectionHandleOf(socket, server)).toMatchObject({ bytesRead: REQUEST.length });
  expect(connectionHandleOf(socket, createServer())).toBeUndefined();
  const encrypted = new TLSSocket(socket);
  Object.assign(encrypted, { _server: server });
  expect(connectionHandleOf(encrypted, server)).toBeUndefined();
  encrypted.destroy();
  expect(connectionHandleOf(encrypted, server)).toBeUndefined();
});

test.each([undefined, null, 'handle', {}, { close: 1 }])('closeHandle() closes nothing of %j', (value) => {
  expect(() => closeHandle(value)).not.toThrow();
});
