/** Puts `Connection: close` on an answer, whatever the application does with its headers. */

import type { ServerResponse } from 'node:http';

type WriteHead = (this: ServerResponse, ...args: unknown[]) => ServerResponse;

/**
 * Wraps the answer's `writeHead`, through which Node sends implicit headers too. `setHeader` would not do: an
 * application, or a proxy that passes headers on, sets `Connection` afterwards and wins (T6).
 *
 * @param isLast asked at the moment the headers are sent: an answer in the middle of a pipeline must not say close, or
 * the ones behind it are never sent (T5)
 * @param onClose called when the answer says close
 */
export function forceClose(response: ServerResponse, isLast: () => boolean, onClose: () => void): void {
  const writeHead = response.writeHead as unknown as WriteHead;
  response.writeHead = function (this: ServerResponse, ...args: unknown[]): ServerResponse {
    response.writeHead = writeHead as unknown as ServerResponse['writeHead'];
    const [status] = args;
    const informational = typeof status === 'number' && status >= 100 && status < 200 && status !== 101;
    if (informational || !isLast()) return Reflect.apply(writeHead, this, args);
    const cleaned = args.map((argument, index) => (index === 0 ? argument : withoutConnection(argument)));
    this.shouldKeepAlive = false;
    this.removeHeader('Keep-Alive');
    this.setHeader('Connection', 'close');
    const sent = Reflect.apply(writeHead, this, cleaned);
    onClose();
    return sent;
  } as unknown as ServerResponse['writeHead'];
}

/** Removes Connection and Keep-Alive from any form of headers that `writeHead` takes: object, flat array, pairs. */
function withoutConnection(headers: unknown): unknown {
  if (Array.isArray(headers)) {
    // Flat, because Node accepts pairs only while no header was set before.
    const flat: unknown[] = headers.some(Array.isArray) ? headers.flat(1) : headers;
    const kept: unknown[] = [];
    for (let index = 0; index < flat.length; index += 2) {
      if (!isConnectionHeader(flat[index])) kept.push(flat[index], flat[index + 1]);
    }
    return kept;
  }
  if (typeof headers !== 'object' || headers === null) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isConnectionHeader(name)));
}

function isConnectionHeader(name: unknown): boolean {
  return typeof name === 'string' && /^(connection|keep-alive)$/i.test(name);
}
