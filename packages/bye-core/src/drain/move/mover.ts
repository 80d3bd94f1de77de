/** The old process's side of the move: finds connections that can go, freezes and sends them, and lets them go. */

import type { Message } from '../../channel/messages.js';
import type { Host, Timer } from '../../host.js';
import { type ConnectionHandle, findIdle } from '../../internals-moving.js';
import type { Connection } from '../connection.js';
import type { ServerDrain } from '../server-drain.js';
import { idleHandle, movableHandle, neverRests } from './eligible.js';

/**
 * How many connections are on their way at once. Their clients wait meanwhile; and as Node sends one handle for each
 * round trip, more than the one that goes and the one that is next would only wait longer.
 */
const WINDOW = 2;

/** How often to look again, in milliseconds: the end of an upload that was answered early is no event. */
const POLL_MS = 20;

export interface MovingServer {
  /** What the new process calls its listener, too. */
  readonly key: string;
  readonly drain: ServerDrain;
}

export interface MoverParts {
  readonly host: Host;
  readonly servers: readonly MovingServer[];
  /** Whether the application lets a connection go. */
  readonly agrees: (connection: Connection) => boolean;
  /** Sends a connection; `onLost` is called if it surely did not arrive. */
  readonly send: (message: Message, handle: object, onLost: () => void) => void;
}

interface Candidate {
  readonly connection: Connection;
  readonly server: MovingServer;
  /** When it was found idle; if this is still true, it still is. */
  readonly bytesRead: number;
}

interface Sent {
  readonly connection: Connection;
  readonly server: MovingServer;
  readonly handle: ConnectionHandle;
  readonly at: number;
  /** Of its socket, in milliseconds; none runs while it is on its way. */
  readonly timeoutMs: number;
}

export class Mover {
  readonly #parts: MoverParts;
  readonly #sent = new Map<number, Sent>();
  readonly #verdicts = new WeakMap<Connection, boolean>();
  readonly #unwatch: (() => void)[] = [];
  /** Busy ones of which nothing more is read until all that was read is answered (M7). */
  readonly #held = new Map<Connection, ConnectionHandle>();
  #queue: Candidate[] = [];
  #whenCalm: (() => void) | undefined;
  #isActive = true;
  #isScheduled = false;
  #poll: Timer | undefined;
  #nextId = 1;
  #moved = 0;
  #slowestMs = 0;
  #lastHeardAt: number;

  constructor(parts: MoverParts) {
    this.#parts = parts;
    this.#lastHeardAt = parts.host.now();
    for (const server of parts.servers) {
      const { movable } = server.drain;
      if (movable) movable.keeps = (connection) => this.#isActive && this.#mayGo(connection, server);
      this.#unwatch.push(server.drain.watch(() => this.#schedule()));
    }
    this.#schedule();
  }

  /** Connections that the new process has taken. */
  get moved(): number {
    return this.#moved;
  }

  /** The longest time that one was on its way, in milliseconds. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** For how long nothing was heard of one that is on its way, in milliseconds. */
  get silentMs(): number {
    return this.#sent.size === 0 ? 0 : this.#parts.host.now() - this.#lastHeardAt;
  }

  /** Resolves when every connection that was idle has gone; busy ones follow when they are answered. */
  whenCalm(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenCalm = resolve;
      if (!this.#isActive) this.#calm();
    });
  }

  taken(id: number): void {
    const sent = this.#take(id);
    if (!sent) return;
    this.#moved += 1;
    this.#slowestMs = Math.max(this.#slowestMs, this.#parts.host.now() - sent.at);
    // Only our copy: the new process holds the connection, so the client sees nothing.
    sent.connection.socket.destroy();
  }

  refused(id: number): void {
    const sent = this.#take(id);
    if (!sent) return;
    this.#verdicts.set(sent.connection, false);
    thaw(sent);
  }

  /** Sends no more. What is on its way stays frozen, as the new process may have it already. */
  stop(): void {
    this.#isActive = false;
    this.#queue = [];
    this.#poll?.cancel();
    for (const unwatch of this.#unwatch.splice(0)) unwatch();
    for (const [connection, handle] of this.#held) this.#release(connection, handle);
    this.#calm();
  }

  /** The new process has ended, and every word of it was read: what it had not taken is served here again. */
  undo(): void {
    this.stop();
    for (const sent of this.#sent.values()) thaw(sent);
    this.#sent.clear();
  }

  #mayGo(connection: Connection, { drain }: MovingServer): boolean {
    if (!movableHandle(connection, drain.server)) return false;
    const verdict = this.#verdicts.get(connection) ?? this.#parts.agrees(connection);
    this.#verdicts.set(connection, verdict);
    return verdict;
  }

  /** After this turn's events, and before anything more is read: a newcomer goes with what it wrote still in the kernel. */
  #schedule(): void {
    if (this.#isScheduled || !this.#isActive) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#isActive) this.#turn();
    });
  }

  #turn(): void {
    this.#send();
    if (this.#queue.length === 0) {
      this.#queue = this.#parts.servers.flatMap((server) => this.#find(server));
      this.#send();
    }
    if (this.#queue.length === 0 && this.#sent.size === 0) this.#calm();
    this.#poll?.cancel();
    this.#poll = this.#parts.host.after(POLL_MS, () => this.#schedule());
  }

  #find(server: MovingServer): Candidate[] {
    const { movable } = server.drain;
    if (!movable) return [];
    const connections = [...movable.connections.values()];
    const idle = findIdle(
      server.drain.server,
      connections.map(({ socket }) => socket),
    );
    for (const connection of connections) this.#hold(connection, server);
    const found = connections
      .filter((connection) => idleHandle(connection, server.drain.server, idle.has(connection.socket)))
      .filter((connection) => this.#mayGo(connection, server))
      .map((connection) => ({ connection, server, bytesRead: connection.socket.bytesRead }));
    const candidates = new Set(found.map(({ connection }) => connection));
    // What it has is answered, and in the parser there is half a request more: that has to come whole first.
    for (const connection of connections) {
      const handle = this.#held.get(connection);
      const isOver = connection.answers.length === 0 || connection.upgraded || connection.closing;
      if (handle && isOver && !candidates.has(connection)) this.#release(connection, handle);
    }
    return found;
  }

  #hold(connection: Connection, server: MovingServer): void {
    if (this.#held.has(connection) || !neverRests(connection) || !this.#mayGo(connection, server)) return;
    const handle = movableHandle(connection, server.drain.server);
    handle?.readStop();
    if (handle) this.#held.set(connection, handle);
  }

  #release(connection: Connection, handle: ConnectionHandle): void {
    this.#held.delete(connection);
    if (!connection.isFrozen && !connection.socket.destroyed) handle.readStart();
  }

  #send(): void {
    while (this.#sent.size < WINDOW) {
      const candidate = this.#queue.shift();
      if (!candidate) return;
      const { connection, server, bytesRead } = candidate;
      const handle = idleHandle(connection, server.drain.server, connection.socket.bytesRead === bytesRead);
      if (handle) this.#freezeAndSend(connection, handle, server);
    }
  }

  #freezeAndSend(connection: Connection, handle: ConnectionHandle, server: MovingServer): void {
    const { socket, hasAsked } = connection;
    const at = this.#parts.host.now();
    if (this.#sent.size === 0) this.#lastHeardAt = at;
    const id = this.#nextId++;
    connection.isFrozen = true;
    this.#held.delete(connection);
    // Below Node's socket, which goes on believing that it reads: so nothing starts it again (M1).
    handle.readStop();
    this.#sent.set(id, { connection, server, handle, at, timeoutMs: socket.timeout ?? 0 });
    socket.setTimeout(0);
    this.#parts.send({ bye: 'connection', id, key: server.key, hasAsked }, handle, () => this.refused(id));
  }

  #take(id: number): Sent | undefined {
    const sent = this.#sent.get(id);
    this.#sent.delete(id);
    this.#lastHeardAt = this.#parts.host.now();
    if (sent) this.#schedule();
    return sent;
  }

  #calm(): void {
    this.#whenCalm?.();
    this.#whenCalm = undefined;
  }
}

function thaw({ connection, server, handle, timeoutMs }: Sent): void {
  connection.isFrozen = false;
  if (connection.socket.destroyed) return;
  connection.socket.setTimeout(timeoutMs);
  handle.readStart();
  server.drain.movable?.sweep();
}
