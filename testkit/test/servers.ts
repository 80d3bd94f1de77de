/** Servers and connections of one test; all are gone after it. */
import http from 'node:http';
import type net from 'node:net';
import { afterEach } from 'vitest';
import { StrictConnection, testHandler } from '../src/index.js';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Does something to the connection when the request arrives. */
export function answerWith(socket: net.Socket, act: (socket: net.Socket) => void): void {
  socket.on('error', () => {});
  socket.once('data', () => act(socket));
  cleanups.push(() => socket.destroy());
}

/** @returns the port */
export async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

/** Listens with the handler of the protocol. @returns the port */
export function listenGood(): Promise<number> {
  return listen(http.createServer(testHandler as http.RequestListener));
}

/** Connects the strict client. */
export async function open(port: number): Promise<StrictConnection> {
  const connection = await StrictConnection.open({ port });
  cleanups.push(() => connection.destroy());
  return connection;
}
