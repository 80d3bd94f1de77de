/** Where an event stream stands: an event ends with an empty line (HTML, 9.2.6), and half of one is discarded by clients. */

import type { Writable } from 'node:stream';

type Write = (chunk: unknown, encoding?: unknown, callback?: unknown) => boolean;

export class EventTail {
  #tail = '';
  #isEmpty = true;
  /** Called when an event is complete. */
  onComplete: (() => void) | undefined;

  get isBetweenEvents(): boolean {
    return this.#isEmpty || /(?:\n\r?\n|\r\r\n?)$/.test(this.#tail);
  }

  push(chunk: unknown, encoding: unknown): void {
    const last = lastBytes(chunk, encoding);
    if (last === '') return;
    this.#isEmpty = false;
    this.#tail = (this.#tail + last).slice(-TAIL);
    if (this.isBetweenEvents) this.onComplete?.();
  }
}

/** The longest end of an event: two times CR LF. */
const TAIL = 4;

function lastBytes(chunk: unknown, encoding: unknown): string {
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.subarray(-TAIL)).toString('latin1');
  if (typeof chunk !== 'string') return '';
  const isText = typeof encoding !== 'string' || /^(?:utf-?8|latin1|ascii|binary)$/i.test(encoding);
  return isText ? chunk.slice(-TAIL) : lastBytes(Buffer.from(chunk, encoding as BufferEncoding), undefined);
}

/** Follows what the application writes to an answer of HTTP/1.1, or to a stream of HTTP/2. */
export function followEvents(target: Writable): EventTail {
  const tail = new EventTail();
  const write = target.write as Write;
  target.write = ((...args: Parameters<Write>) => {
    const more = Reflect.apply(write, target, args);
    tail.push(args[0], args[1]);
    return more;
  }) as Writable['write'];
  return tail;
}
