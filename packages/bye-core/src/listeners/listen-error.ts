/** Why a new version could not listen where the old one could. */

import { ByeError } from '../errors.js';
import { type InheritedListeners, portOfKey } from './inherited.js';
import type { BindPlan } from './unix-bind.js';

/** @returns the error itself, or one that says what really is the matter */
export function explainListenError(
  error: NodeJS.ErrnoException,
  key: string,
  inherited: InheritedListeners,
): NodeJS.ErrnoException {
  const port = portOfKey(key);
  const held = port === undefined ? undefined : inherited.findPort(port);
  if (error.code === 'EADDRINUSE' && held) {
    return new ByeError(
      'ERR_BYE_ADDRESS_CHANGED',
      `Cannot listen on ${key} as the old process holds the port on another address, ${held.key}: stop and start the service to change the address of a port it keeps`,
      { wanted: key, held: held.key },
      error,
    );
  }
  if (error.code === 'EACCES' && inherited.handedOver) {
    const uid = process.getuid?.() ?? -1;
    return new ByeError(
      'ERR_BYE_PRIVILEGE_LOST',
      `Cannot listen on ${key} as user ${uid}, to which the first process changed, may not: let the service manager open it (a systemd socket unit), grant CAP_NET_BIND_SERVICE, or restart instead of upgrading`,
      { wanted: key, uid },
      error,
    );
  }
  return error;
}

/** The socket was bound but could not be linked to its path: for the application, `listen()` has failed. */
export function toListenError(cause: NodeJS.ErrnoException, path: string): NodeJS.ErrnoException {
  const taken = cause.code === 'EEXIST';
  const what = taken ? 'EADDRINUSE: address already in use' : cause.message;
  const code = taken ? 'EADDRINUSE' : cause.code;
  return Object.assign(new Error(`listen ${what} ${path}`, { cause }), { code, syscall: 'listen', address: path });
}

/** Node's error names what was bound, which is a temporary name beside the path that was asked for. */
export function nameRealPath(error: NodeJS.ErrnoException & { address?: string }, plan: BindPlan): void {
  error.message = error.message.replaceAll(plan.bindPath, plan.path);
  if (error.address === plan.bindPath) error.address = plan.path;
}
