/** Why a new version could not listen where the old one could. */

import { ByeError } from '../errors.js';
import { type InheritedListeners, portOfKey } from './inherited.js';

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
