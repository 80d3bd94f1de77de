/** TLS sessions that clients have from an old process, and what makes a new one recognise them. */

import { randomBytes } from 'node:crypto';
import type { Server } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { TlsSessions, TlsSessionsMessage } from '../channel/messages.js';
import type { Emit } from '../diagnostics.js';
import { describeError } from '../errors.js';
import type { Host } from '../host.js';
import {
  type Recognition,
  recognitionOf,
  sessionTimeoutMsOf,
  setRecognition,
  setTicketKeys,
  trustOf,
} from '../internals-tls.js';

/**
 * How old keys may become that go from process to process, in milliseconds: whoever gets hold of them reads all TLS 1.2
 * connections of that time. Node itself keeps keys as long as a process lives.
 */
const MOST_KEY_AGE_MS = 24 * 60 * 60 * 1000;
/** RFC 8446, 4.6.1: no ticket holds longer. In milliseconds. */
const MOST_TICKET_MS = 7 * MOST_KEY_AGE_MS;
const TICKET_KEY_BYTES = 48;

export interface KeptSessionsParts {
  readonly host: Host;
  readonly emit: Emit;
  /** Servers that listen, by the key that the next process knows them by. */
  readonly open: () => ReadonlyMap<string, Server>;
  /** Servers that took a listener over, by the key that the old process has for it. */
  readonly adopted: () => ReadonlyMap<string, Server>;
}

interface Inherited extends Recognition {
  readonly untilMs: number;
}

export class KeptSessions {
  readonly #parts: KeptSessionsParts;
  readonly #inherited = new WeakMap<Server, Inherited>();
  readonly #startedAtMs: number;
  #received: readonly TlsSessions[] = [];
  #isAccepting = false;

  constructor(parts: KeptSessionsParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.host.epochNow();
  }

  /**
   * For the next process, as it is this moment: an application may replace its certificate, and Node the keys with it.
   *
   * @returns `undefined` if no server speaks TLS
   */
  collect(): TlsSessionsMessage | undefined {
    const open = [...this.#parts.open()].filter((entry): entry is [string, TlsServer] => entry[1] instanceof TlsServer);
    if (open.length === 0) return undefined;
    const servers = open.flatMap(([key, server]) => this.#guard(key, () => this.#describe(key, server)) ?? []);
    return { bye: 'tls-sessions', servers };
  }

  /** What the old process has, which may come again as it changes. */
  receive({ servers }: TlsSessionsMessage): void {
    this.#received = servers;
    if (this.#isAccepting) this.#takeAll();
  }

  /** This process takes its first handshakes next. Not before: until then the application sets up its servers. */
  beginAccepting(): void {
    this.#isAccepting = true;
    this.#takeAll();
  }

  #describe(key: string, server: TlsServer): TlsSessions | undefined {
    const inherited = this.#inherited.get(server);
    const own = recognitionOf(server, inherited);
    const trust = trustOf(server);
    if (!own || trust === undefined) return undefined;
    const nowMs = this.#parts.host.epochNow();
    const isInherited = inherited?.ticketKeys.equals(own.ticketKeys) === true;
    const untilMs = isInherited ? inherited.untilMs : this.#endOfLife(server, nowMs);
    const { ticketKeys, sessionIdContext } = own;
    if (untilMs <= nowMs) return undefined;
    return { key, ticketKeys: ticketKeys.toString('base64'), sessionIdContext, trust, untilMs };
  }

  /** Old keys go on as well, for as long as the tickets hold that clients have this moment. */
  #endOfLife(server: TlsServer, nowMs: number): number {
    return Math.max(this.#startedAtMs + MOST_KEY_AGE_MS, nowMs + Math.min(sessionTimeoutMsOf(server), MOST_TICKET_MS));
  }

  #takeAll(): void {
    const adopted = this.#parts.adopted();
    const received = this.#received;
    this.#received = [];
    for (const sessions of received) {
      const server = adopted.get(sessions.key);
      if (!(server instanceof TlsServer) || this.#has(server, sessions)) continue;
      this.#guard(sessions.key, () => {
        const why = this.#take(server, sessions);
        this.#parts.emit('tls-sessions', { key: sessions.key, resume: why === undefined, why });
      });
    }
  }

  /** It came before, and again when the old process closed its listeners. */
  #has(server: TlsServer, { ticketKeys }: TlsSessions): boolean {
    return this.#inherited.get(server)?.ticketKeys.toString('base64') === ticketKeys;
  }

  /** @returns why the sessions do not count here */
  #take(server: TlsServer, { ticketKeys, sessionIdContext, trust, untilMs }: TlsSessions): string | undefined {
    const before = this.#inherited.get(server);
    const keys = Buffer.from(ticketKeys, 'base64');
    if (!recognitionOf(server, before)) return 'the application has ticket keys or a session id context of its own';
    if (trustOf(server) !== trust) return 'the server does not let in the same clients in the same way';
    if (keys.length !== TICKET_KEY_BYTES) return `${keys.length} bytes are no ticket keys`;
    const inherited = { ticketKeys: keys, sessionIdContext, untilMs };
    setRecognition(server, inherited);
    this.#inherited.set(server, inherited);
    this.#parts.host.after(untilMs - this.#parts.host.epochNow(), () => this.#renew(server, inherited));
    this.#followContexts(server, inherited, trust);
    return undefined;
  }

  /** One that is added later may let in others than the old process did. */
  #followContexts(server: TlsServer, inherited: Inherited, trust: string): void {
    const { addContext } = server;
    server.addContext = (...args) => {
      Reflect.apply(addContext, server, args);
      if (trustOf(server) !== trust) this.#renew(server, inherited);
    };
  }

  /** Unless the application has others by now. */
  #renew(server: TlsServer, { ticketKeys }: Recognition): void {
    const own = recognitionOf(server, this.#inherited.get(server));
    if (own?.ticketKeys.equals(ticketKeys)) setTicketKeys(server, randomBytes(TICKET_KEY_BYTES));
  }

  /** Sessions spare a client some work: nothing about them may fail an upgrade. */
  #guard<Result>(key: string, step: () => Result): Result | undefined {
    try {
      return step();
    } catch (error) {
      this.#parts.emit('tls-sessions', { key, resume: false, why: describeError(error) });
      return undefined;
    }
  }
}
