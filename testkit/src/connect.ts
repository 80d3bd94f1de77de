/** Owns the way from an address to a connected socket. */
import net from 'node:net';
import tls from 'node:tls';
import { type FailureClass, StrictFailure } from './failure.js';

/** Where the server is. With `tls` the connection is encrypted. */
export type Target = ({ readonly port: number; readonly host?: string } | { readonly socketPath: string }) & {
  readonly tls?: tls.ConnectionOptions;
};

/** @returns the target as a `Host` header and a failure name it */
export function nameOf(target: Target): string {
  if ('socketPath' in target) return target.socketPath.replace('\0', '@');
  const host = target.host ?? '127.0.0.1';
  return `${host.includes(':') ? `[${host}]` : host}:${target.port}`;
}

/**
 * Connects a raw socket.
 * @throws {StrictFailure} If nobody accepts (`refused`), it is reset, or nothing happens within `timeoutMs` (`timeout`).
 */
export function connect(target: Target, timeoutMs: number): Promise<net.Socket> {
  const place =
    'socketPath' in target ? { path: target.socketPath } : { host: target.host ?? '127.0.0.1', port: target.port };
  const socket = target.tls === undefined ? net.connect(place) : tls.connect({ ...place, ...target.tls });
  socket.setNoDelay(true); // a piece of a request is to leave as its own segment
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const fail = (failure: FailureClass, what: string, cause?: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      const context = {
        method: 'connect',
        path: nameOf(target),
        bytesGot: 0,
        connectionAgeMs: performance.now() - startedAt,
        requestIndex: 0,
        localPort: socket.localPort,
        afterClose: false,
      };
      reject(new StrictFailure(failure, what, context, cause));
    };
    const onError = (error: NodeJS.ErrnoException): void =>
      fail(error.code === 'ECONNRESET' ? 'reset' : 'refused', error.code ?? error.message, error);
    const timer = setTimeout(() => fail('timeout', `no connection after ${timeoutMs} ms`), timeoutMs);
    socket.once('error', onError);
    socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      resolve(socket);
    });
  });
}
