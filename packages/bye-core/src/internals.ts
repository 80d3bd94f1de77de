/** Every undocumented member of Node that bye uses, so that a new Node version has one file to break. */

import { closeSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import net, { type ListenOptions, type Server, type Socket } from 'node:net';
import type { ChildProcess } from './host.js';

interface ListenHandle {
  readonly fd?: number;
  listen(backlog: number): number;
}

interface ServerInternals {
  _handle: ListenHandle | null;
  _pipeName?: string;
}

function internalsOf(server: Server): ServerInternals {
  return server as unknown as ServerInternals;
}

/**
 * The descriptor of a listening server, as no public getter exists.
 *
 * @returns `undefined` if the server does not listen, or listens through another process (a cluster worker)
 */
export function listenFdOf(server: Server): number | undefined {
  const fd = internalsOf(server)._handle?.fd;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/** Gives an adopted unix listener the path that `server.address()` answers; without it `address()` is `null` (T17). */
export function setPipeName(server: Server, path: string): void {
  internalsOf(server)._pipeName = path;
}

/** A listener that looks open to the application but whose socket is not polled yet. */
export interface DeferredListen {
  /**
   * Starts accepting.
   *
   * @returns 0, or libuv's negative errno; 0 as well if the server was closed meanwhile
   */
  start(): number;
}

/**
 * Makes the next `listen()` of this server leave out the last step, the poll of its socket: 'listening' fires and
 * `address()` is right, but nothing is accepted before `start()`. `server.listen()` itself can't be put off, as
 * frameworks wait for it.
 */
export function deferNextListen(server: Server): DeferredListen {
  const internals = internalsOf(server);
  let start = () => 0;
  // net.js assigns the handle and calls its listen() at once: the assignment is the only moment between the two.
  Object.defineProperty(server, '_handle', {
    configurable: true,
    enumerable: true,
    get: () => null,
    set(handle: ListenHandle | null) {
      Object.defineProperty(server, '_handle', { configurable: true, enumerable: true, writable: true, value: handle });
      if (handle === null) return;
      handle.listen = (backlog) => {
        start = () => {
          Reflect.deleteProperty(handle, 'listen');
          start = () => 0;
          return internals._handle === handle ? handle.listen(backlog) : 0;
        };
        return 0;
      };
    },
  });
  return { start: () => start() };
}

/**
 * What Node makes of the arguments of `listen()`; for Node versions whose diagnostics channel does not say it. The
 * backlog, which Node reads from the arguments, is put into the options.
 */
export function normalizeListenArguments(args: readonly unknown[]): {
  options: ListenOptions & { fd?: number };
  callback: (() => void) | undefined;
} {
  const { _normalizeArgs } = net as unknown as { _normalizeArgs(args: readonly unknown[]): [object, unknown] };
  const [options, callback] = _normalizeArgs(args);
  const backlog = [args[1], args[2]].find((value) => typeof value === 'number' && value > 0);
  // An empty object is Node's form of `listen()`: any free port.
  const named = args.length === 0 || typeof args[0] === 'function' ? { port: 0 } : options;
  if (backlog !== undefined && !('backlog' in named)) Object.assign(named, { backlog });
  return { options: named, callback: typeof callback === 'function' ? (callback as () => void) : undefined };
}

/** Whether this process was started with an IPC channel, by whomever. */
export function hasOwnChannel(): boolean {
  return process.channel !== undefined && process.channel !== null;
}

/** The head of an answer as it is sent; the getters for headers know nothing of those given to `writeHead`. */
export function headOf(response: ServerResponse): string {
  return (response as unknown as { _header?: string | null })._header ?? '';
}

/** The answer that a connection of HTTP/1.1 sends, or will send next; none between two requests. */
export function answerOf(socket: Socket): ServerResponse | undefined {
  return (socket as unknown as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/** Whether a request has not come whole yet; its answer may be sent already. */
export function isUploading(socket: Socket): boolean {
  const { parser } = socket as unknown as { parser?: { incoming?: IncomingMessage | null } | null };
  return parser?.incoming?.complete === false;
}

/**
 * The request whose answer the application took off the socket (`response.detachSocket()`), to write by itself: nobody is
 * told when that is over. Node forgets a request, or throws the rest of it away, when its own answer is sent.
 */
export function detachedRequestOf(socket: Socket): IncomingMessage | undefined {
  const { parser } = socket as unknown as { parser?: { incoming?: ReadState | null } | null };
  const incoming = parser?.incoming;
  if (!incoming || answerOf(socket) || incoming._dumped) return undefined;
  // Else the application may only not have read all of it yet, or never will.
  return incoming._consuming && !incoming.readableEnded ? undefined : incoming;
}

type ReadState = IncomingMessage & { readonly _consuming?: boolean; readonly _dumped?: boolean };

/** What a write under way has still to bring to the kernel, in bytes; `writableLength` only tells when all of it has. */
export function queuedBytesOf(socket: Socket): number {
  return (socket as unknown as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize ?? 0;
}

/** The socket that carries an encrypted one: the two have no public tie, and on a unix path no address in common. */
export function carrierOf(secure: Socket): Socket | undefined {
  return (secure as unknown as { _parent?: Socket | null })._parent ?? undefined;
}

/**
 * Takes what a child writes to its IPC channel for what it may be: anything. Node parses it in the event loop, and throws
 * there what it cannot parse (or what no listener of its own can make use of): nobody could catch it, and the parent ends.
 *
 * @param onGarbage called with what Node threw
 */
export function guardChannel(child: ChildProcess, onGarbage: (error: unknown) => void): void {
  const guarded = (target: object, name: string): void => {
    const original = Reflect.get(target, name) as (...args: unknown[]) => unknown;
    Reflect.set(target, name, function guard(this: unknown, ...args: unknown[]): unknown {
      if (name === 'emit' && args[0] !== 'internalMessage') return Reflect.apply(original, this, args);
      try {
        return Reflect.apply(original, this, args);
      } catch (error) {
        return onGarbage(error);
      }
    });
  };
  const key = Object.getOwnPropertySymbols(child).find(({ description }) => description === 'kChannelHandle');
  const handle = key === undefined ? undefined : (Reflect.get(child, key) as object | null);
  if (handle && 'onread' in handle) guarded(handle, 'onread');
  guarded(child, 'emit');
}

/** Closes a descriptor that nothing in this process uses; false if it was not open. */
export function closeFd(fd: number): boolean {
  try {
    closeSync(fd);
    return true;
  } catch {
    return false;
  }
}
