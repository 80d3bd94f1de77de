/** HTTP/2: a GOAWAY to every session; streams in flight complete. HTTP/1.1 on the same server drains as everywhere. */

import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Goodbye } from '../goodbye.js';
import type { ServerTap } from '../server-tap.js';
import type { Http1Drain } from './http1.js';
import type { ProtocolDrain } from './protocol.js';

export class Http2Drain implements ProtocolDrain {
  readonly #http1: Http1Drain;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #streams = new Set<ServerHttp2Stream>();
  #finished = 0;
  #sayClose = false;

  constructor(tap: ServerTap, http1: Http1Drain, onChange: () => void) {
    this.#http1 = http1;
    tap.on('session', (first) => {
      const session = first as ServerHttp2Session;
      this.#sessions.add(session);
      session.once('close', () => {
        this.#sessions.delete(session);
        onChange();
      });
      if (this.#sayClose) session.close();
      return false;
    });
    tap.on('stream', (first) => {
      const stream = first as ServerHttp2Stream;
      this.#streams.add(stream);
      stream.once('close', () => {
        this.#streams.delete(stream);
        if (this.#sayClose) this.#finished += 1;
        onChange();
      });
      return false;
    });
  }

  get work() {
    return this.#http1.work;
  }

  get inFlight(): number {
    return this.#http1.inFlight + this.#streams.size;
  }

  get connectionCount(): number {
    return this.#http1.connectionCount + this.#sessions.size;
  }

  get finished(): number {
    return this.#http1.finished + this.#finished;
  }

  get isQuiet(): boolean {
    return this.#http1.isQuiet && this.#sessions.size === 0;
  }

  get hasOnlyUpgraded(): boolean {
    return this.#http1.hasOnlyUpgraded && this.#sessions.size === 0;
  }

  /** Node 20 and 22 send no GOAWAY at `server.close()`, and 24 sends it earlier than wanted: say it here (T15). */
  sayClose(): void {
    this.#sayClose = true;
    this.#http1.sayClose();
    for (const session of this.#sessions) session.close();
  }

  closeIdle(from: number, graceMs: number): void {
    this.#http1.closeIdle(from, graceMs);
  }

  reopen(): void {
    this.#sayClose = false;
    this.#finished = 0;
    this.#http1.reopen();
  }

  sayGoodbye(goodbye: Goodbye): void {
    this.#http1.sayGoodbye(goodbye);
  }

  endUpgraded(): void {
    this.#http1.endUpgraded();
  }

  destroy(): void {
    this.#http1.destroy();
    for (const session of this.#sessions) session.destroy();
  }
}
