/** HTTP/1.1 over TCP, unix sockets or TLS: counts answers, and lets connections go after their last one. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Goodbye } from '../goodbye.js';
import type { Host } from '../host.js';
import { answerOf, carrierOf } from '../internals.js';
import type { ServerTap } from '../server-tap.js';
import { type Answer, Connection } from './connection.js';
import { EndlessAnswers, type EndlessParts } from './endless/endless-answers.js';
import { asksForEvents } from './endless/event-type.js';
import { HeldRequests } from './held-requests.js';
import { IdleSweep } from './idle-sweep.js';
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
  /** Whether anybody waits for `onChange`. */
  readonly isAwaited: () => boolean;
}

export class Http1Drain implements ProtocolDrain {
  readonly #host: Host;
  readonly #tap: ServerTap;
  readonly #onChange: () => void;
  readonly #isAwaited: () => boolean;
  readonly #intercept: Intercept;
  readonly connections = new Map<Socket, Connection>();
  readonly #handshakesSince = new Map<Socket, number>();
  readonly #upgraded: UpgradedConnections;
  readonly #endless: EndlessAnswers;
  readonly #idle: IdleSweep;
  /** Which connections live on in the new process, so that no answer on them says close. */
  keeps: (connection: Connection) => boolean = () => false;
  readonly carrier: Carrier;
  readonly held = new HeldRequests();
  /** The last connection that came. */
  newest: Connection | undefined;
  #sayClose = false;
  #finished = 0;

  constructor(carrier: Carrier, tap: ServerTap, parts: DrainParts) {
    const { host, intercept, offerGoodbye, onChange, isAwaited } = parts;
    this.carrier = carrier;
    this.#host = host;
    this.#tap = tap;
    this.#onChange = onChange;
    this.#isAwaited = isAwaited;
    this.#intercept = intercept;
    this.#endless = new EndlessAnswers(parts, (connection, answer) => this.#end(connection, answer));
    this.#upgraded = new UpgradedConnections(host, offerGoodbye, onChange);
    this.#idle = new IdleSweep(host, this.connections, this.#handshakesSince);
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
    const answers = [...this.connections.values()].flatMap(({ answers }) => answers);
    return [...answers, ...this.#upgraded.work];
  }

  get inFlight(): number {
    let count = this.#upgraded.work.length;
    for (const connection of this.connections.values()) count += connection.answers.length;
    return count;
  }

  get connectionCount(): number {
    return this.connections.size + this.#handshakesSince.size;
  }

  get finished(): number {
    return this.#finished + this.#upgraded.finished;
  }

  get isQuiet(): boolean {
    // Asked at every change: the first one that is not done has to be enough.
    for (const { isDone } of this.connections.values()) if (!isDone) return false;
    return this.#handshakesSince.size === 0;
  }

  get hasOnlyUpgraded(): boolean {
    if (this.#handshakesSince.size > 0 || this.#upgraded.hasHandshakes) return false;
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
    this.#idle.start(from, graceMs);
  }

  reopen(): void {
    this.#sayClose = false;
    this.#finished = 0;
    this.#idle.stop();
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
    for (const connection of this.connections.values()) connection.dropIfStalled();
  }

  destroy(): void {
    this.#idle.cancel();
    this.#upgraded.cancel();
    this.#endless.cancel();
    for (const socket of [...this.connections.keys(), ...this.#handshakesSince.keys()]) socket.destroy();
  }

  #add(socket: Socket): void {
    const connection = new Connection(socket, {
      host: this.#host,
      onChange: this.#onChange,
      onAnswered: (answer) => this.#end(connection, answer),
    });
    this.connections.set(socket, connection);
    this.newest = connection;
    // Answers queued behind a dead one never emit 'close' on Node 20 and 22: drop them with their socket (T13).
    socket.once('close', () => {
      this.connections.delete(socket);
      connection.forget();
      this.#onChange();
    });
    this.sweep();
  }

  #startHandshake(socket: Socket): void {
    this.#handshakesSince.set(socket, this.#host.now());
    socket.once('close', () => {
      if (this.#handshakesSince.delete(socket)) this.#onChange();
    });
    this.sweep();
  }

  #endHandshake(secure: Socket): void {
    const raw = carrierOf(secure);
    if (raw) this.#handshakesSince.delete(raw);
  }

  /** @returns true to keep the event from the application, for now or for good */
  #begin(event: string, request: IncomingMessage, response: ServerResponse): boolean {
    const connection = this.connections.get(request.socket);
    if (!connection) return this.#intercept(request, response);
    if (connection.closing) return true;
    const now = this.#host.now();
    if (!this.#isFollowed(request, response)) {
      connection.begin(now);
      return this.#intercept(request, response);
    }
    // The application hands it on itself, as from 'checkContinue': it is the same one, and waits only once.
    if (connection.isFollowing(response)) return this.#intercept(request, response);
    const answer = connection.follow(response, now);
    this.#endless.begin(connection, answer);
    if (!this.#sayClose) return this.#intercept(request, response);
    this.#closeAfter(connection, answer);
    this.held.add(() => {
      if (!this.#intercept(request, response)) this.#tap.pass(event, request, response);
    });
    return true;
  }

  /**
   * Whether the end of an answer is of interest. In full service it is not, and what would be done about it for every
   * request would cost more than all the rest: what is in progress can be asked of Node then. It does not say what
   * waits behind an answer that is not sent yet, nor what came of an event stream.
   */
  #isFollowed(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#sayClose || this.#isAwaited()) return true;
    return answerOf(request.socket) !== response || asksForEvents(request.headers);
  }

  #closeAfter(connection: Connection, answer: Answer): void {
    connection.closeAfter(answer, () => this.keeps(connection));
  }

  #end(connection: Connection, answer: Answer): void {
    if (!connection.finish(answer)) return;
    if (this.#sayClose) this.#finished += 1;
    this.#endless.retry(connection);
    if (connection.answers.length > 0) return;
    this.#onChange();
    this.sweep();
  }

  /** Ends connections that have been idle for long enough, if such are to be ended at all. */
  sweep(): void {
    this.#idle.run();
  }
}
