/** A unix path to which only its owner may connect, from its first moment on. */

import { chmodSync } from 'node:fs';
import type { Server } from 'node:net';
import { deferNextListen } from '../internals.js';

const OWNER_ONLY = 0o600;

/**
 * Makes the next `listen()` of this server leave out its last step: between bind(2) and listen(2) every connection is
 * refused, under whatever name the socket is bound, so nobody can be faster than the change of its mode.
 *
 * @returns takes that step, given the name that is bound
 */
export function deferOpening(server: Server): (bindPath: string) => void {
  const listen = deferNextListen(server);
  return (bindPath) => {
    chmodSync(bindPath, OWNER_ONLY);
    const errno = listen.start();
    if (errno < 0) throw Object.assign(new Error(`listen failed: errno ${-errno}`), { errno, syscall: 'listen' });
  };
}
