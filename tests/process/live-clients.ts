/** Clients of fixtures/live.mjs: each speaks again and again, and comes back when it is closed. */

import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';

/** Between an answer and the next message. */
const PAUSE_MS = 10;

/** What one client has seen. */
export interface LiveClient {
  /** Messages that were answered, in order. */
  readonly acknowledged: string[];
  /** The process that answered last. */
  pid: number;
  /** How each of its connections ended: the close code, or socket.io's word. */
  readonly endings: { readonly how: number | string; readonly at: number }[];
  /** Whether it speaks over a WebSocket: socket.io begins by polling. */
  isSettled(): boolean;
  stop(): void;
}

/** @param scheme 'ws' or 'wss' */
export function startWebSocket(port: number, name: string, scheme = 'ws'): LiveClient {
  let count = 0;
  let stopped = false;
  let socket: WebSocket;
  const client: LiveClient = {
    acknowledged: [],
    pid: 0,
    endings: [],
    isSettled: () => true,
    stop() {
      stopped = true;
      socket.terminate();
    },
  };
  const dial = () => {
    socket = new WebSocket(`${scheme}://127.0.0.1:${port}/`, { rejectUnauthorized: false });
    const say = () => socket.send(`${name}-${count++}`);
    socket.on('error', () => {});
    socket.on('open', say);
    socket.on('message', (data) => {
      noteAnswer(client, String(data));
      setTimeout(() => socket.readyState === socket.OPEN && say(), PAUSE_MS);
    });
    socket.on('close', (how) => {
      client.endings.push({ how, at: performance.now() });
      // A refused connection is tried again: after the last stop there is nobody.
      if (!stopped) setTimeout(dial, how === 1006 ? 20 : 0);
    });
  };
  dial();
  return client;
}

/** With the transports and the reconnecting that socket.io has by itself. */
export function startSocketIo(port: number, name: string, scheme = 'http'): LiveClient {
  let count = 0;
  const socket: Socket = io(`${scheme}://127.0.0.1:${port}`, {
    reconnectionDelay: 10,
    reconnectionDelayMax: 50,
    rejectUnauthorized: false,
  });
  const client: LiveClient = {
    acknowledged: [],
    pid: 0,
    endings: [],
    isSettled: () => socket.io.engine?.transport.name === 'websocket',
    stop: () => void socket.disconnect(),
  };
  const say = () => {
    if (!socket.connected) return;
    socket.emit('say', `${name}-${count++}`, (answer: string) => {
      noteAnswer(client, answer);
      setTimeout(say, PAUSE_MS);
    });
  };
  socket.on('connect', say);
  socket.on('disconnect', (how) => client.endings.push({ how, at: performance.now() }));
  return client;
}

function noteAnswer(client: LiveClient, answer: string): void {
  const [id = '', pid] = answer.split(' ');
  client.acknowledged.push(id);
  client.pid = Number(pid);
}
