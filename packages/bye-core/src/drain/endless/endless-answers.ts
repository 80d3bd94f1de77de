/** Answers that have no end of their own: event streams, and what the application marked. They end with the drain. */

import type { ServerResponse } from 'node:http';
import type { Goodbye } from '../../goodbye.js';
import type { Host } from '../../host.js';
import { headOf } from '../../internals.js';
import type { Answer, Connection } from '../connection.js';
import { Spread } from '../spread.js';
import type { OfferGoodbye } from '../upgraded.js';
import { whenBetweenEvents } from './between-events.js';
import { endAnswer, endEncodedAnswer } from './end-answer.js';
import { type EventTail, followEvents } from './event-tail.js';
import { asksForEvents, isEventStream } from './event-type.js';

export interface EndlessParts {
  readonly host: Host;
  readonly offerGoodbye: OfferGoodbye;
  /** What the application says of an answer. */
  readonly isEndless: (response: object) => boolean;
}

interface Live {
  readonly connection: Connection;
  readonly answer: Answer;
}

export class EndlessAnswers {
  readonly #parts: EndlessParts;
  readonly #onEnd: (connection: Connection, answer: Answer) => void;
  readonly #spread: Spread<Live>;
  readonly #tails = new WeakMap<Answer, EventTail>();
  readonly #watched = new WeakSet<Answer>();
  readonly #told = new WeakSet<Answer>();
  #goodbye: Goodbye | undefined;

  /** @param onEnd called when an answer was ended here; its connection is to be closed then */
  constructor(parts: EndlessParts, onEnd: (connection: Connection, answer: Answer) => void) {
    this.#parts = parts;
    this.#onEnd = onEnd;
    this.#spread = new Spread(parts.host, (live) => this.#tell(live));
  }

  /** Before the application sees the request. */
  begin(connection: Connection, answer: Answer): void {
    // Only these are followed, so that other answers cost nothing; EventSource always says so.
    if (asksForEvents(answer.request.headers)) this.#tails.set(answer, followEvents(answer.response));
    if (this.#goodbye) this.#watch({ connection, answer });
  }

  /** Ends what is endless, also what turns out to be later. A second call is for those that were not told yet. */
  sayGoodbye(goodbye: Goodbye, connections: Iterable<Connection>): void {
    this.#goodbye = goodbye;
    const untold: Live[] = [];
    for (const connection of connections) {
      for (const answer of connection.answers) {
        if (this.#told.has(answer)) continue;
        if (!answer.response.headersSent) this.#watch({ connection, answer });
        else if (this.#isEndless(answer.response)) untold.push({ connection, answer });
      }
    }
    this.#spread.start(untold, goodbye.spreadMs);
  }

  /** An answer is done: one that waited behind it may be on its connection now. */
  retry(connection: Connection): void {
    if (!this.#goodbye) return;
    for (const answer of [...connection.answers]) this.#tell({ connection, answer });
  }

  reopen(): void {
    this.#goodbye = undefined;
    this.#spread.cancel();
  }

  cancel(): void {
    this.#spread.cancel();
  }

  #isEndless(response: ServerResponse): boolean {
    if (this.#parts.isEndless(response)) return true;
    return isEventStream(/^content-type:(.*)$/im.exec(headOf(response))?.[1]);
  }

  /** Asks again when the head is sent, through which Node sends implicit ones too. */
  #watch(live: Live): void {
    const { answer } = live;
    const { response } = answer;
    if (this.#watched.has(answer) || response.headersSent) return;
    this.#watched.add(answer);
    const { writeHead } = response;
    response.writeHead = ((...args: unknown[]) => {
      response.writeHead = writeHead;
      const sent = Reflect.apply(writeHead, response, args);
      // A turn later, so that a first event can be written.
      setImmediate(() => this.#tell(live));
      return sent;
    }) as ServerResponse['writeHead'];
  }

  #tell({ connection, answer }: Live): void {
    const { request, response } = answer;
    const { socket } = response;
    const isWaiting = !response.headersSent || socket === null;
    if (!this.#goodbye || isWaiting || this.#told.has(answer) || !this.#isEndless(response)) return;
    this.#told.add(answer);
    const { reason } = this.#goodbye;
    const isEncoded = /^content-encoding:/im.test(headOf(response));
    const tail = isEncoded ? undefined : this.#tails.get(answer);
    this.#parts.offerGoodbye({ reason, request, response, socket }, () => {
      whenBetweenEvents(this.#parts.host, tail, () => this.#end(connection, answer, isEncoded));
    });
  }

  #end(connection: Connection, answer: Answer, isEncoded: boolean): void {
    const { response } = answer;
    if (!connection.answers.includes(answer) || response.writableEnded || connection.socket.destroyed) return;
    if (isEncoded) {
      response.once('close', () => connection.end());
      endEncodedAnswer(response);
      return;
    }
    endAnswer(response);
    this.#onEnd(connection, answer);
    connection.end();
  }
}
