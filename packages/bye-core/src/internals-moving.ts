/** Every undocumented member of Node that moving live connections needs; the others are in `internals.ts`. */

import { Server as HttpServer } from 'node:http';
import { type Server, Socket } from 'node:net';
import type { ChildProcess } from './host.js';

/** A connection below Node's socket, as the channel between two processes can carry it. */
export interface ConnectionHandle {
  readonly bytesRead: number;
  readonly writeQueueSize: number;
  readStop(): number;
  readStart(): number;
}

interface HttpSocketInternals {
  readonly _handle?: ConnectionHandle | null;
  /** The server that accepted it; absent where somebody else made the socket and gave it to the server. */
  readonly _server?: Server | null;
  readonly parser?: { execute(bytes: Buffer): unknown } | null;
}

/**
 * The handle of a socket that this server accepted itself from the kernel.
 *
 * @returns `undefined` for anything else. A TLS handle above all: to send one ends the process (SIGSEGV, all versions; M3)
 */
export function connectionHandleOf(socket: Socket, server: Server): ConnectionHandle | undefined {
  const { _handle: handle, _server: acceptedBy } = socket as unknown as HttpSocketInternals;
  if (!handle || acceptedBy !== server) return undefined;
  const isPlain = ['TCP', 'Pipe'].includes(handle.constructor.name);
  return isPlain && typeof handle.readStop === 'function' && typeof handle.readStart === 'function'
    ? handle
    : undefined;
}

/**
 * Gives a server a connection, exactly as if it had accepted it: `getConnections()` counts it, `maxConnections` and
 * `noDelay` hold, 'connection' is emitted.
 */
export function giveConnection(server: Server, handle: object): void {
  const { _handle: listener } = server as unknown as {
    _handle?: { onconnection?(status: 0, handle: object): void } | null;
  };
  listener?.onconnection?.(0, handle);
}

/**
 * Calls back for each handle that was sent to a child, in their order, with whether it has arrived. `false` if the child
 * is out of descriptors: the message is lost as well then, and nobody else is told (M6).
 */
export function onHandleReply(child: ChildProcess, listener: (hasArrived: boolean) => void): void {
  child.on('internalMessage', (message: { cmd?: unknown } | null) => {
    if (message?.cmd === 'NODE_HANDLE_ACK') listener(true);
    if (message?.cmd === 'NODE_HANDLE_NACK') listener(false);
  });
}

/** Closes a handle that came over the channel and that nobody wants. */
export function closeHandle(handle: unknown): void {
  if (typeof handle !== 'object' || handle === null || !('close' in handle)) return;
  if (typeof handle.close === 'function') handle.close();
}

/**
 * The sockets whose parser is between two requests. Only Node's own sweep of idle connections knows: it runs over all of
 * them, with a `destroy` that takes names instead.
 */
export function findIdle(server: Server, known: Iterable<Socket>): Set<Socket> {
  const found = new Set<Socket>();
  if (!(server instanceof HttpServer)) return found;
  const collect = function (this: Socket): Socket {
    found.add(this);
    return this;
  };
  // On the prototype: one that the sweep finds and we do not know would really be destroyed (M4).
  const prototype = Socket.prototype;
  const inherited = prototype.destroy;
  const own = Object.getOwnPropertyDescriptor(prototype, 'destroy');
  const special = [...known].filter((socket) => socket.destroy !== inherited);
  const before = special.map((socket) => Object.getOwnPropertyDescriptor(socket, 'destroy'));
  prototype.destroy = collect;
  for (const socket of special) socket.destroy = collect;
  try {
    HttpServer.prototype.closeIdleConnections.call(server);
  } finally {
    restore(prototype, own);
    for (const [index, socket] of special.entries()) restore(socket, before[index]);
  }
  return found;
}

function restore(object: object, destroy: PropertyDescriptor | undefined): void {
  if (destroy) Object.defineProperty(object, 'destroy', destroy);
  else Reflect.deleteProperty(object, 'destroy');
}

/** The versions of Node on which moving connections was tested. */
const MOVING_MAJORS = ['20', '22', '24', '26'];

/** @returns why connections cannot move on this Node; `undefined` if they can */
export function whyNotMove(version = process.versions.node): string | undefined {
  const [major = ''] = version.split('.');
  if (!MOVING_MAJORS.includes(major)) return `it was not tested on Node ${version}`;
  return canFindIdle() ? undefined : `Node ${version} does not do what it needs`;
}

/** Tries on a throw-away server what moving relies on; handles are looked at one by one. */
function canFindIdle(): boolean {
  const server = new HttpServer((_request, response) => response.detachSocket(response.socket as Socket));
  const socket = new Socket();
  const isIdle = () => findIdle(server, [socket]).has(socket);
  try {
    // Node begins to watch its connections when it listens.
    server.emit('listening');
    server.emit('connection', socket);
    const { parser } = socket as unknown as HttpSocketInternals;
    parser?.execute(Buffer.from('GET / HTTP/1.1\r\nHost: bye\r\n\r\n'));
    const isFound = isIdle();
    parser?.execute(Buffer.from('GET / HT'));
    return isFound && !isIdle() && !socket.destroyed;
  } catch {
    return false;
  } finally {
    socket.destroy();
    server.close();
  }
}
