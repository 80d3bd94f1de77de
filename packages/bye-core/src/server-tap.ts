/** Sees a server's events before the server's own listeners do, without being one of them. */

import type { Server } from 'node:net';

/** @returns true to swallow the event: nothing else sees it */
export type Tap = (first: unknown, second: unknown, third: unknown) => boolean;

/**
 * A passive listener is no option: one for 'upgrade' makes plain requests with an Upgrade header hang, one for
 * 'checkContinue' those with Expect, one for 'clientError' drops the 400 (T12); and engine.io takes every 'request'
 * listener off (T14). So `emit` itself is wrapped, once per server.
 */
export class ServerTap {
  readonly #server: Server;
  readonly #emit: (...args: unknown[]) => boolean;
  readonly #taps = new Map<unknown, Tap[]>();

  constructor(server: Server) {
    this.#server = server;
    this.#emit = server.emit as (...args: unknown[]) => boolean;
    const taps = this.#taps;
    const emit = this.#emit;
    server.emit = function (this: Server, ...args: unknown[]): boolean {
      const list = taps.get(args[0]);
      if (list !== undefined) {
        for (const tap of list) if (tap(args[1], args[2], args[3])) return true;
      }
      // How Node hands over a request, which comes so often that the general way costs too much.
      return args.length === 3 ? emit.call(this, args[0], args[1], args[2]) : Reflect.apply(emit, this, args);
    } as typeof server.emit;
  }

  on(event: string, tap: Tap): void {
    const list = this.#taps.get(event);
    if (list) list.push(tap);
    else this.#taps.set(event, [tap]);
  }

  /** Like `on`, ahead of the taps that are there: for who may have to swallow the event. */
  first(event: string, tap: Tap): void {
    this.#taps.set(event, [tap, ...(this.#taps.get(event) ?? [])]);
  }

  /** Delivers an event to the server's own listeners, past every tap. */
  pass(event: string, ...args: unknown[]): boolean {
    return Reflect.apply(this.#emit, this.#server, [event, ...args]);
  }
}

const taps = new WeakMap<Server, ServerTap>();

export function tapServer(server: Server): ServerTap {
  let tap = taps.get(server);
  if (!tap) {
    tap = new ServerTap(server);
    taps.set(server, tap);
  }
  return tap;
}
