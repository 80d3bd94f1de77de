/** The application's say in how what would never end by itself is ended: WebSockets and endless answers. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Reason } from './status.js';

/** How a drain says goodbye. */
export interface Goodbye {
  readonly reason: Reason;
  /** Over how long it is spread, in milliseconds, so that not all clients come back at once. */
  readonly spreadMs: number;
}

/** One client to say goodbye to. */
export interface Farewell {
  readonly reason: Reason;
  /** What the client asked for; libraries give the same object to the application. */
  readonly request: IncomingMessage;
  /** Of an endless answer. */
  readonly response?: ServerResponse;
  readonly socket: Socket;
}

/** @returns `true` (or a promise of it) if the application says goodbye itself; else bye does */
export type GoodbyeHook = (farewell: Farewell) => unknown;

export class GoodbyeHooks {
  readonly #hooks: GoodbyeHook[] = [];
  readonly #endless = new WeakSet<object>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** @returns a function that takes the hook off again */
  add(hook: GoodbyeHook): () => void {
    if (typeof hook !== 'function') throw new TypeError(`onGoodbye() takes a function: got ${typeof hook}`);
    const entry: GoodbyeHook = (farewell) => hook(farewell);
    this.#hooks.push(entry);
    return () => {
      const at = this.#hooks.indexOf(entry);
      if (at >= 0) this.#hooks.splice(at, 1);
    };
  }

  /** Remembers an answer that has no end of its own. */
  markEndless(response: object): void {
    this.#endless.add(response);
    // HTTP/2 drains streams, and its compatibility API puts an answer around each.
    if ('stream' in response) this.#endless.add(response.stream as object);
  }

  isEndless(response: object): boolean {
    return this.#endless.has(response);
  }

  /** Calls `otherwise` unless a hook takes this client on; at once if there is no hook. */
  offer(farewell: Farewell, otherwise: () => void): void {
    if (this.#hooks.length === 0) otherwise();
    else
      void this.#ask(farewell).then((taken) => {
        if (!taken) otherwise();
      });
  }

  async #ask(farewell: Farewell): Promise<boolean> {
    for (const hook of [...this.#hooks]) {
      try {
        if ((await hook(farewell)) === true) return true;
      } catch (error) {
        this.#onError(error);
      }
    }
    return false;
  }
}
