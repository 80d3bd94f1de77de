/** Streams of HTTP/2 that have no end of their own, like the answers beside this file. */

import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Goodbye } from '../../goodbye.js';
import { Spread } from '../spread.js';
import { whenBetweenEvents } from './between-events.js';
import type { EndlessParts } from './endless-answers.js';
import { type EventTail, followEvents } from './event-tail.js';
import { asksForEvents, isEventStream } from './event-type.js';
import { swallowWrites } from './swallow.js';

export class EndlessStreams {
  readonly #parts: EndlessParts;
  readonly #beforeEnd: (stream: ServerHttp2Stream) => void;
  readonly #spread: Spread<ServerHttp2Stream>;
  readonly #tails = new WeakMap<ServerHttp2Stream, EventTail>();
  readonly #told = new WeakSet<ServerHttp2Stream>();
  #goodbye: Goodbye | undefined;

  /** @param beforeEnd called when a stream is about to be ended: its client will ask for it again */
  constructor(parts: EndlessParts, beforeEnd: (stream: ServerHttp2Stream) => void) {
    this.#parts = parts;
    this.#beforeEnd = beforeEnd;
    this.#spread = new Spread(parts.host, (stream) => this.#tell(stream));
  }

  /** Before the application sees it. */
  begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    if (asksForEvents(headers)) this.#tails.set(stream, followEvents(stream));
    if (this.#goodbye) this.#watch(stream);
  }

  sayGoodbye(goodbye: Goodbye, streams: Iterable<ServerHttp2Stream>): void {
    this.#goodbye = goodbye;
    const untold: ServerHttp2Stream[] = [];
    for (const stream of streams) {
      if (this.#told.has(stream)) continue;
      if (!stream.headersSent) this.#watch(stream);
      else if (this.#isEndless(stream)) untold.push(stream);
    }
    this.#spread.start(untold, goodbye.spreadMs);
  }

  reopen(): void {
    this.#goodbye = undefined;
    this.#spread.cancel();
  }

  cancel(): void {
    this.#spread.cancel();
  }

  #isEndless(stream: ServerHttp2Stream): boolean {
    return this.#parts.isEndless(stream) || isEventStream(stream.sentHeaders?.['content-type']);
  }

  #watch(stream: ServerHttp2Stream): void {
    const { respond } = stream;
    stream.respond = (...args) => {
      Reflect.apply(respond, stream, args);
      setImmediate(() => this.#tell(stream));
    };
  }

  #tell(stream: ServerHttp2Stream): void {
    if (!this.#goodbye || this.#told.has(stream) || !this.#isEndless(stream)) return;
    this.#told.add(stream);
    const isEncoded = stream.sentHeaders?.['content-encoding'] !== undefined;
    whenBetweenEvents(this.#parts.host, isEncoded ? undefined : this.#tails.get(stream), () => {
      this.#beforeEnd(stream);
      endStream(stream);
    });
  }
}

function endStream(stream: ServerHttp2Stream): void {
  if (stream.writableEnded || stream.destroyed) return;
  // The client's half may be open as well, and nobody reads it any more.
  stream.once('finish', () => stream.close());
  stream.end();
  swallowWrites(stream);
}
