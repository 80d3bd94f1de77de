/** A control socket that says what the test says. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeFrame, FrameReader } from '../../src/channel/frames.js';

/** @param frame what was asked, `undefined` once the connection is there */
type Script = (socket: Socket, frame: Record<string, unknown>, connection: number) => void;

export class ScriptedServer implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'bye-cli-'));
  readonly path = join(this.dir, 'socket');
  readonly asked: Record<string, unknown>[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(script: Script) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      const connection = this.#sockets.size;
      const reader = new FrameReader(1 << 20);
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        for (const frame of reader.push(chunk) as Record<string, unknown>[]) {
          this.asked.push(frame);
          script(socket, frame, connection);
        }
      });
    });
  }

  static async start(script: Script): Promise<ScriptedServer> {
    const server = new ScriptedServer(script);
    await once(server.#server.listen(server.path), 'listening');
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
    rmSync(this.dir, { recursive: true });
  }
}

export function say(socket: Socket, ...values: unknown[]): void {
  socket.write(Buffer.concat(values.map(encodeFrame)));
}

export const STATUS = {
  status: 'ready',
  generation: 3,
  pid: 2_000_000_001,
  uptimeMs: 7_500_000,
  inFlight: 1,
  connections: 14,
  tasks: 0,
  node: '20.0.0',
  bye: '0.0.0',
  script: '/srv/app.js',
  listeners: ['tcp:*:8080'],
} as const;
