/** A plain `net.Server`: each connection is work in progress until it ends. */

import type { Socket } from 'node:net';
import type { ServerTap } from '../server-tap.js';
import type { DrainParts } from './http1.js';
import type { ProtocolDrain, Work } from './protocol.js';

export class RawDrain implements ProtocolDrain {
  readonly #sockets = new Map<Socket, Work>();
  #finished = 0;
  #sayClose = false;

  constructor(tap: ServerTap, { host, onChange }: Pick<DrainParts, 'host' | 'onChange'>) {
    tap.on('connection', (first) => {
      const socket = first as Socket;
      this.#sockets.set(socket, { kind: 'connection', name: nameOf(socket), startedAt: host.now() });
      socket.once('close', () => {
        this.#sockets.delete(socket);
        if (this.#sayClose) this.#finished += 1;
        onChange();
      });
      return false;
    });
  }

  get work(): readonly Work[] {
    return [...this.#sockets.values()];
  }

  get inFlight(): number {
    return this.#sockets.size;
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  get finished(): number {
    return this.#finished;
  }

  get isQuiet(): boolean {
    return this.#sockets.size === 0;
  }

  get hasOnlyUpgraded(): boolean {
    return this.isQuiet;
  }

  sayClose(): void {
    this.#sayClose = true;
  }

  reopen(): void {
    this.#sayClose = false;
    this.#finished = 0;
  }

  closeIdle(): void {}
  sayGoodbye(): void {}
  endUpgraded(): void {}
  dropStalled(): void {}

  destroy(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }
}

/** Taken at once: a socket that has ended knows it no more. On a unix path there is none. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? 'connection' : `connection from ${remoteAddress} port ${remotePort}`;
}
