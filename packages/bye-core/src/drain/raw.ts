/** A plain `net.Server`: each connection is work in progress until it ends. */

import type { Socket } from 'node:net';
import type { ServerTap } from '../server-tap.js';
import type { ProtocolDrain } from './protocol.js';

export class RawDrain implements ProtocolDrain {
  readonly work = [];
  readonly #sockets = new Set<Socket>();
  #finished = 0;
  #sayClose = false;

  constructor(tap: ServerTap, onChange: () => void) {
    tap.on('connection', (first) => {
      const socket = first as Socket;
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        if (this.#sayClose) this.#finished += 1;
        onChange();
      });
      return false;
    });
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

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
