/** A `ws` server that echoes, and its clients, in this process. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import type { Bench } from '../bench.js';

export interface Echo {
  readonly server: Server;
  readonly port: number;
  readonly sockets: WebSocketServer;
}

export async function serveEcho(bench: Bench, onConnection = (_socket: WebSocket) => {}): Promise<Echo> {
  const server = createServer((_request, response) => response.end('http'));
  const sockets = new WebSocketServer({ server, perMessageDeflate: true });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    onConnection(socket);
  });
  const { port } = await bench.listen(server);
  return { server, port, sockets };
}

export async function openSocket(bench: Bench, port: number, path = '/'): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  bench.defer(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

/** @returns the code with which the server closed it */
export async function codeOf(socket: WebSocket): Promise<number> {
  return (await once(socket, 'close'))[0] as number;
}
