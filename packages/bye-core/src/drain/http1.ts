/** HTTP/1.1 over TCP, unix sockets or TLS: counts answers, and lets connections go after their last one. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Goodbye } from '../goodbye.js';
import type { Host, Timer } from '../host.js';
import { carrierOf } from '../internals.js';
import type { ServerTap } from '../server-tap.js';
import { type Answer, Connection } from './connection.js';
import { EndlessAnswers, type EndlessParts } from './endless/endless-answers.js';
import { isMereSilence } from './move/silence.js';
import type { ProtocolDrain, Work } from './protocol.js';
import { UpgradedConnections } from './upgraded.js';

/** Events with which Node hands a request to the application. */
const REQUEST_EVENTS = ['request', 'checkContinue', 'checkExpectation'] as const;

/**
 * Which sockets carry HTTP/1.1: for TLS, 'connection' brings the raw one and 'secureConnection' the one that requests
 * carry (T30); on a plaintext HTTP/2 server there are none.
 */
export type Carrier = 'plain' | 'tls' | 'none';

/** Answers a request itself if it returns true. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What a drain works with. */
export interface DrainParts extends EndlessParts {
  readonly intercept: Intercept;
  readonly onChange: () => void;
}

export class Http1Drain implements ProtocolDrain {
  readonly #host: Host;
  readonly #tap: ServerTap;
  readonly #onChange: () => void;
  readonly #intercept: Intercept;
  readonly connections = new Map<Socket, Connection>();
  readonly #handshakes = new Set<Socket>();
  readonly #upgraded: UpgradedConnections;
  readonly #endless: EndlessAnswers;
  /** Which connections live on in the new process, so that no answer on them says close. */
  keeps: (connection: Connection) => boolean = () => false;
  readonly carrier: Carrier;
  /** The last connection that came. */
  newest: Connection | undefined;
  #sayClose = false;
  #finished = 0;
  #idlePolicy: { readonly from: number; readonly graceMs: number } | undefined;
  #sweepTimer: Timer | undefined;

  constructor(carrier: Carrier, tap: ServerTap, parts: DrainParts) {
    const { host, intercept, offerGoodbye, onChange } = parts;
    this.carrier = carrier;
    this.#host = host;
    this.#tap = tap;
    this.#onChange = onChange;
    this.#intercept = intercept;
    this.#endless = new EndlessAnswers(parts, (connection, answer) => this.#end(connection, answer));
    this.#upgraded = new UpgradedConnections(host, offerGoodbye, onChange);
    tap.on('connection', (socket) => {
      if (carrier === 'tls') this.#startHandshake(socket as Socket);
      if (carrier === 'plain') this.#add(socket as Socket);
      return false;
    });
    tap.on('secureConnection', (socket) => {
      this.#endHandshake(socket as TLSSocket);
      if ((socket as TLSSocket).alpnProtocol !== 'h2') this.#add(socket as Socket);
      return false;
    });
    tap.on('clientError', (error, socket) => isMereSilence(error, socket as Socket));
    for (const event of REQUEST_EVENTS) {
      tap.on(event, (request, response) => this.#begin(event, request as IncomingMessage, response as ServerResponse));
    }
    for (const event of ['upgrade', 'connect']) {
      tap.on(event, (request) => {
        const connection = this.connections.get((request as IncomingMessage).socket);
        // Node has let go of the socket, and only its end is still to be read.
        if (connection?.closing) connection.socket.resume();
        else if (connection) this.#upgraded.begin(connection, request as IncomingMessage);
        return connection?.closing ?? false;
      });
    }
  }

  get work(): readonly Work[] {
    const answers = [...this.connections.values()].flatMap((connection) => [...connection.answers]);
    return [...answers, ...this.#upgraded.work];
  }

  get inFlight(): number {
    let count = this.#upgraded.work.length;
    for (const connection of this.connections.values()) count += connection.answers.size;
    return count;
  }

  get connectionCount(): number {
    return this.connections.size + this.#handshakes.size;
  }

  get finished(): number {
    return this.#finished + this.#upgraded.finished;
  }

  get isQuiet(): boolean {
    if (this.#handshakes.size > 0) return false;
    return [...this.connections.values()].every(({ isDone }) => isDone);
  }

  get hasOnlyUpgraded(): boolean {
    if (this.#handshakes.size > 0 || this.#upgraded.hasHandshakes) return false;
    return [...this.connections.values()].every(({ isDone, upgraded }) => isDone || upgraded);
  }

  sayClose(): void {
    if (this.#sayClose) return;
    this.#sayClose = true;
    for (const connection of this.connections.values()) {
      for (const answer of connection.answers) this.#closeAfter(connection, answer);
    }
  }

  closeIdle(from: number, graceMs: number): void {
    this.#idlePolicy = { from, graceMs };
    this.sweep();
  }

  reopen(): void {
    this.#sayClose = false;
    this.#finished = 0;
    this.#idlePolicy = undefined;
    this.#upgraded.reopen();
    this.#endless.reopen();
  }

  sayGoodbye(goodbye: Goodbye): void {
    this.#upgraded.sayGoodbye(goodbye);
    this.#endless.sayGoodbye(goodbye, this.connections.values());
  }

  endUpgraded(): void {
    this.#upgraded.end();
  }

  dropStalled(): void {
    for (const { ended, socket } of this.connections.values()) {
      if (ended && socket.writableLength > 0) socket.destroy();
    }
  }

  destroy(): void {
    this.#sweepTimer?.cancel();
    this.#upgraded.cancel();
    this.#endless.cancel();
    for (const socket of [...this.connections.keys(), ...this.#handshakes]) socket.destroy();
  }

  #add(socket: Socket): void {
    const connection = new Connection(socket, this.#host, this.#onChange);
    this.connections.set(socket, connection);
    this.newest = connection;
    // Answers queued behind a dead one never emit 'close' on Node 20 and 22: drop them with their socket (T13).
    socket.once('close', () => {
      this.connections.delete(socket);
      connection.forget();
      this.#onChange();
    });
    if (this.#idlePolicy) this.sweep();
  }

  #startHandshake(socket: Socket): void {
    this.#handshakes.add(socket);
    socket.once('close', () => {
      if (this.#handshakes.delete(socket)) this.#onChange();
    });
    if (this.#idlePolicy) this.sweep();
  }

  #endHandshake(secure: Socket): void {
    const raw = carrierOf(secure);
    if (raw) this.#handshakes.delete(raw);
  }

  /** @returns true to keep the event from the application, for now or for good */
  #begin(event: string, request: IncomingMessage, response: ServerResponse): boolean {
    const connection = this.connections.get(request.socket);
    if (!connection) return this.#intercept(request, response);
    if (connection.closing) return true;
    const answer: Answer = { request, response, startedAt: this.#host.now() };
    connection.begin(answer);
    this.#endless.begin(connection, answer);
    response.once('close', () => this.#end(connection, answer));
    if (!this.#sayClose) return this.#intercept(request, response);
    this.#closeAfter(connection, answer);
    // One turn later, so that pipelined requests that came in the same packet are counted before the first is answered.
    setImmediate(() => {
      if (!this.#intercept(request, response)) this.#tap.pass(event, request, response);
    });
    return true;
  }

  #closeAfter(connection: Connection, answer: Answer): void {
    connection.closeAfter(answer, () => this.keeps(connection));
  }

  #end(connection: Connection, answer: Answer): void {
    if (!connection.finish(answer)) return;
    if (this.#sayClose) this.#finished += 1;
    this.#endless.retry(connection);
    if (connection.answers.size > 0) return;
    this.#onChange();
    if (this.#idlePolicy) this.sweep();
  }

  /** Ends every connection that has been idle for long enough, and comes back when the next one is due. */
  sweep(): void {
    const policy = this.#idlePolicy;
    if (!policy) return;
    this.#sweepTimer?.cancel();
    const due: Connection[] = [];
    let next = Number.POSITIVE_INFINITY;
    const now = this.#host.now();
    for (const connection of this.connections.values()) {
      if (!connection.isIdle) continue;
      const at = Math.max(policy.from, connection.idleSince) + policy.graceMs;
      if (at <= now) due.push(connection);
      else next = Math.min(next, at);
    }
    const handshakesEndAt = policy.from + policy.graceMs;
    if (this.#handshakes.size > 0) {
      if (handshakesEndAt <= now) for (const socket of this.#handshakes) socket.destroy();
      else next = Math.min(next, handshakesEndAt);
    }
    if (due.length > 0) this.#endIfStillIdle(due);
    if (next < Number.POSITIVE_INFINITY) this.#sweepTimer = this.#host.after(next - now, () => this.sweep(), true);
  }

  /** Timers run before the event loop reads sockets: a request may already wait in the kernel, so let it be read (T3). */
  #endIfStillIdle(due: readonly Connection[]): void {
    const seen = new Map(due.map((connection) => [connection, connection.idleSince]));
    setImmediate(() => {
      setImmediate(() => {
        for (const [connection, idleSince] of seen) {
          if (connection.isIdle && connection.idleSince === idleSince) connection.end();
        }
      });
    });
  }
}
