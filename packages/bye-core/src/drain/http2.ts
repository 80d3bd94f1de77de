/** HTTP/2: a GOAWAY to every session; streams in flight complete. HTTP/1.1 on the same server drains as everywhere. */

import type { IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Goodbye } from '../goodbye.js';
import type { ServerTap } from '../server-tap.js';
import { EndlessStreams } from './endless/endless-streams.js';
import type { DrainParts, Http1Drain } from './http1.js';
import { Http2Session } from './http2-session.js';
import type { ProtocolDrain, Work } from './protocol.js';
import { Spread } from './spread.js';

export class Http2Drain implements ProtocolDrain {
  readonly #http1: Http1Drain;
  readonly #parts: DrainParts;
  readonly #endless: EndlessStreams;
  readonly #spread: Spread<Http2Session>;
  readonly #sessions = new Map<ServerHttp2Session, Http2Session>();
  readonly #streams = new Map<ServerHttp2Stream, Work>();
  #finished = 0;
  #isDraining = false;
  #saidGoodbye = false;
  /** Node makes a session of a socket in the same turn in which it tells of the socket. */
  #newest: Socket | undefined;

  constructor(tap: ServerTap, http1: Http1Drain, parts: DrainParts) {
    this.#http1 = http1;
    this.#parts = parts;
    this.#spread = new Spread(parts.host, (session) => session.close());
    // Else the client would come back on this session, to be sent away again.
    this.#endless = new EndlessStreams(parts, ({ session }) =>
      this.#sessions.get(session as ServerHttp2Session)?.close(),
    );
    for (const event of ['connection', 'secureConnection']) {
      tap.on(event, (socket) => {
        this.#newest = socket as Socket;
        return false;
      });
    }
    tap.on('session', (session) => this.#addSession(session as ServerHttp2Session));
    tap.on('stream', (stream, headers) => this.#addStream(stream as ServerHttp2Stream, headers as IncomingHttpHeaders));
  }

  get work(): readonly Work[] {
    return [...this.#http1.work, ...this.#streams.values()];
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

  sayClose(): void {
    this.#isDraining = true;
    this.#http1.sayClose();
  }

  /**
   * Node 20 and 22 send no GOAWAY at `server.close()`, and 24 sends it earlier than wanted: say it here (T15). Not before
   * the listener is closed: a client would come back to this process, and a stream be refused for nothing. Each client
   * reconnects at once, so they are told one after the other. A second call is for those that were not told yet.
   */
  sayGoodbye(goodbye: Goodbye): void {
    this.#http1.sayGoodbye(goodbye);
    this.#saidGoodbye = true;
    const untold = [...this.#sessions.values()].filter(({ isLeaving }) => !isLeaving);
    this.#spread.start(untold, goodbye.spreadMs);
    this.#endless.sayGoodbye(goodbye, this.#streams.keys());
  }

  closeIdle(from: number, graceMs: number): void {
    this.#http1.closeIdle(from, graceMs);
  }

  reopen(): void {
    this.#isDraining = false;
    this.#saidGoodbye = false;
    this.#finished = 0;
    this.#endless.reopen();
    this.#spread.cancel();
    this.#http1.reopen();
  }

  endUpgraded(): void {
    this.#http1.endUpgraded();
  }

  dropStalled(): void {
    this.#http1.dropStalled();
    // With streams it was work in progress, and was cut.
    if (this.#saidGoodbye && this.#streams.size === 0) {
      for (const session of this.#sessions.values()) session.destroy();
    }
  }

  destroy(): void {
    this.#endless.cancel();
    this.#spread.cancel();
    this.#http1.destroy();
    for (const session of this.#sessions.values()) session.destroy();
  }

  #addSession(session: ServerHttp2Session): boolean {
    const added = new Http2Session(session, this.#newest as Socket, this.#parts.host);
    this.#sessions.set(session, added);
    session.once('close', () => {
      this.#sessions.delete(session);
      this.#parts.onChange();
    });
    if (this.#saidGoodbye) added.closeAfterFirst();
    return false;
  }

  #addStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    // CONNECT has no path.
    const url = headers[':path'] ?? headers[':authority'];
    const request = { method: headers[':method'], url, headers } as unknown as IncomingMessage;
    this.#streams.set(stream, { request, startedAt: this.#parts.host.now() });
    this.#endless.begin(stream, headers);
    stream.once('close', () => {
      this.#streams.delete(stream);
      if (this.#isDraining) this.#finished += 1;
      this.#parts.onChange();
    });
    return false;
  }
}
