/** Every listener of the process: adopts inherited ones, knows the open ones, hands them on. */

import { Server } from 'node:net';
import type { Host } from '../host.js';
import { listenFdOf, setPipeName } from '../internals.js';
import { currentDirectory } from '../proc.js';
import { tapServer } from '../server-tap.js';
import { Deferral } from './deferral.js';
import { type HandedListener, type Inherited, type InheritedListeners, inHandingOrder } from './inherited.js';
import { KeyOrdinals, keyOfAddress, listenerKey, pathOfKey } from './key.js';
import { type Attempt, type Listener, type Options, publishAttempt } from './listen-attempt.js';
import { explainListenError, nameRealPath } from './listen-error.js';
import { borrowOptions, frozenOptions } from './listen-options.js';
import { deferOpening } from './private-listen.js';
import { type BindPlan, planFreePath } from './unix-bind.js';
import { type Hold, holdPath } from './unix-hold.js';
import { findOwnPath, isLiveSocket, socketIdentity, unlinkIfOurs } from './unix-path.js';

export interface ListenersParts {
  readonly host: Host;
  readonly inherited: InheritedListeners;
  /** Whether adopted listeners accept nothing until the deferral ends: in the new process of an upgrade. */
  readonly deferAccept: boolean;
  readonly onAdopted: (key: string, fd: number) => void;
  readonly onOpened: (key: string) => void;
  readonly onClosed: (key: string) => void;
  /** A `listen()` was called, whatever became of it. */
  readonly onListen: (server: Server) => void;
}

/** A queue that is full refuses (EAGAIN): a thousand clients at once are to wait instead. */
const PRIVATE_BACKLOG = 4096;

export class Listeners {
  readonly #parts: ListenersParts;
  readonly #open = new Map<Server, Listener>();
  readonly #ordinals = new KeyOrdinals();
  /** What came from an old process. */
  readonly deferral: Deferral;
  readonly #reserved = new WeakMap<Server, Inherited>();
  /** Servers to which only this user may connect, and for which the process does not live. */
  readonly #private = new WeakMap<Server, BindPlan | undefined>();
  readonly #attempts = new WeakMap<Server, Attempt>();
  readonly #followed = new WeakSet<Server>();

  constructor(parts: ListenersParts) {
    this.#parts = parts;
    this.deferral = new Deferral(parts.host);
  }

  /** Called for every `listen()` in the process, just before Node acts on it. */
  prepare(server: Server, options: Options): void {
    const reserved = this.#reserved.get(server) ?? this.#parts.inherited.claimFd(options.fd);
    this.#reserved.delete(server);
    const key = reserved?.key ?? listenerKey(options, currentDirectory());
    if (key !== undefined) this.#prepareKeyed(server, options, key, reserved);
    this.#parts.onListen(server);
  }

  /** Lets the next `listen()` of this server adopt the activated listener of a port, whatever address that has. */
  reservePort(server: Server, port: number): void {
    const inherited = this.#parts.inherited.claimPort(port);
    if (inherited) this.#reserved.set(server, inherited);
  }

  /**
   * Listens on a unix path to which only this user may connect. A listener that keeps the process alive for nobody.
   *
   * @returns false, with nothing done, if the path is somebody else's
   */
  listenPrivately(server: Server, path: string): boolean {
    const { inherited, host } = this.#parts;
    const found = inherited.find(`unix:${path}`);
    // Somebody has removed it, or the path leads to another directory since the last deployment: nobody would find it.
    const isThere = found && (found.identity === undefined || found.identity === socketIdentity(path));
    const plan = isThere ? undefined : planFreePath(path, host);
    if (!plan && !found) return false;
    this.#private.set(server, plan);
    server.listen(path, PRIVATE_BACKLOG).unref();
    return true;
  }

  #prepareKeyed(server: Server, options: Options, key: string, reserved: Inherited | undefined): void {
    const ordinalKey = this.#ordinals.take(key);
    const original = { ...options };
    const adopted = reserved ?? (this.#private.get(server) ? undefined : this.#parts.inherited.claim(ordinalKey));
    const mayChange = borrowOptions(options, original);
    if (adopted && !mayChange) throw frozenOptions(key);
    const plan = adopted || !mayChange ? undefined : (this.#private.get(server) ?? this.#planPath(key, options));
    if (adopted) this.#adopt(server, options, key, adopted);
    else if (plan) options.path = plan.bindPath;
    const listener = { key, ordinalKey, names: adopted?.names ?? [], path: undefined };
    const open = plan && this.#private.has(server) ? deferOpening(server) : undefined;
    this.#attempts.set(server, { listener, plan, original, open });
    this.#follow(server);
  }

  /** Called when a socket is bound, before its `listen()` returns: the path has to be there then. */
  publish(server: Server): void {
    const attempt = this.#attempts.get(server);
    if (attempt) publishAttempt(server, attempt, this.#parts.host);
  }

  /** A server that listened before bye knew of it: it can be handed on, but was never adopted. */
  notice(server: Server): void {
    if (this.#followed.has(server) || !server.listening) return;
    const address = server.address();
    if (address === null) return;
    const key = keyOfAddress(address);
    this.#noteOpen(server, { key, ordinalKey: this.#ordinals.take(key), names: [], path: undefined });
    this.#follow(server);
  }

  /** Servers that listen now, by the key that the next process knows them by. */
  get byKey(): ReadonlyMap<string, Server> {
    return new Map([...this.#open].map(([server, { ordinalKey }]) => [ordinalKey, server]));
  }

  /** Their keys, and those that wait for a `listen()`. */
  get keys(): readonly string[] {
    const open = [...this.#open.values()].map(({ ordinalKey }) => ordinalKey);
    return [...open, ...this.#parts.inherited.waiting.map(({ key }) => key)];
  }

  /** What the next process gets: every listener with a descriptor, and the activated ones that nobody claimed. */
  get handedOn(): HandedListener[] {
    const open = [...this.#open].flatMap(([server, { ordinalKey, names, path }]) => {
      const fd = listenFdOf(server);
      return fd === undefined ? [] : [{ fd, key: ordinalKey, names, identity: path?.identity }];
    });
    return inHandingOrder([
      ...open,
      ...this.#parts.inherited.waiting.map(({ fd, key, names, identity }) => ({ fd, key, names, identity })),
    ]);
  }

  /** Links every unix path aside, so that a new version that unlinks it cannot cut this process off. */
  holdPaths(): Hold[] {
    return [...this.#open.values()].flatMap(({ key }) => {
      const path = pathOfKey(key);
      const hold = path === undefined ? undefined : holdPath(path, (taken) => this.#isLive(taken));
      return hold ? [hold] : [];
    });
  }

  /**
   * The listener of this server is closed.
   *
   * @param handedOn the path leads to a socket that another process serves, so it stays
   */
  forget(server: Server, handedOn: boolean): void {
    const listener = this.#open.get(server);
    if (!listener) return;
    this.#open.delete(server);
    this.#parts.onClosed(listener.key);
    this.deferral.remove(server);
    this.#ordinals.release(listener.ordinalKey);
    if (listener.path && !handedOn) unlinkIfOurs(listener.path.name, listener.path.identity);
  }

  /** At the last stop: a server that nobody drains still listens, and its path would outlive the process. */
  removePaths(): void {
    for (const { path } of this.#open.values()) if (path) unlinkIfOurs(path.name, path.identity);
  }

  /** Stops accepting on a server that nothing else drains; another process serves its address. */
  close(server: Server): void {
    this.forget(server, true);
    Server.prototype.close.call(server);
  }

  #adopt(server: Server, options: Options, key: string, { fd, key: theirKey }: Inherited): void {
    options.fd = fd;
    const path = pathOfKey(key);
    if (path !== undefined) setPipeName(server, path);
    if (key.startsWith('abstract:')) setPipeName(server, `\0${key.slice('abstract:'.length)}`);
    if (this.#parts.deferAccept) this.deferral.add(server, theirKey, !this.#private.has(server));
    this.#parts.onAdopted(key, fd);
  }

  /** @returns `undefined` to let Node bind the path itself, and report EADDRINUSE where somebody serves there */
  #planPath(key: string, options: Options): BindPlan | undefined {
    const path = pathOfKey(key);
    const plan = path === undefined ? undefined : planFreePath(path, this.#parts.host);
    if (plan) {
      delete options.readableAll;
      delete options.writableAll;
    }
    return plan;
  }

  #noteOpen(server: Server, listener: Listener): void {
    this.#open.set(server, listener);
    this.#parts.onOpened(listener.key);
  }

  /** Follows a server from here on; once, as it may listen again and again. */
  #follow(server: Server): void {
    if (this.#followed.has(server)) return;
    this.#followed.add(server);
    const tap = tapServer(server);
    // Ahead of whoever takes 'listening' for a success.
    tap.first('listening', () => {
      const attempt = this.#takeAttempt(server);
      if (!attempt) return false;
      const { listener, failure } = attempt;
      if (failure) {
        server.close();
        server.emit('error', failure);
        return true;
      }
      // The path of an activated socket is systemd's, which goes on listening there.
      const path = listener.names.length > 0 ? undefined : findOwnPath(listener.key);
      this.#noteOpen(server, { ...listener, path });
      return false;
    });
    tap.on('error', (error) => {
      const attempt = this.#takeAttempt(server);
      if (!attempt) return false;
      const { key, ordinalKey } = attempt.listener;
      if (attempt.plan) nameRealPath(error as NodeJS.ErrnoException, attempt.plan);
      this.#ordinals.release(ordinalKey);
      this.deferral.remove(server);
      const explained = explainListenError(error as NodeJS.ErrnoException, key, this.#parts.inherited);
      if (explained === error) return false;
      tap.pass('error', explained);
      return true;
    });
    tap.on('close', () => {
      this.forget(server, false);
      return false;
    });
  }

  #takeAttempt(server: Server): Attempt | undefined {
    const attempt = this.#attempts.get(server);
    this.#attempts.delete(server);
    return attempt;
  }

  #isLive(path: string): boolean {
    return isLiveSocket(path, this.#parts.host);
  }
}
