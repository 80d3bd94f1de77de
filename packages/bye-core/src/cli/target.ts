/** Which service is meant. */

import { ByeError } from '../errors.js';

export type Target =
  /** `pidFile`: known as well, and not used. */
  | { readonly kind: 'socket'; readonly path: string; readonly pidFile: string | undefined }
  | { readonly kind: 'pid-file'; readonly path: string };

/** What the environment says about the service. */
export interface Surroundings {
  readonly socket: string | undefined;
  readonly pidFile: string | undefined;
}

/**
 * What was typed wins over the environment, and there the socket over the PID file: only the socket tells how it ended.
 *
 * @throws {ByeError} If nothing is known (`ERR_BYE_USAGE`)
 */
export function chooseTarget(
  socket: string | undefined,
  pidFile: string | undefined,
  surroundings: Surroundings,
): Target {
  const known = pidFile ?? (surroundings.pidFile || undefined);
  if (socket !== undefined) return { kind: 'socket', path: socket, pidFile: known };
  if (pidFile !== undefined) return { kind: 'pid-file', path: pidFile };
  if (surroundings.socket) return { kind: 'socket', path: surroundings.socket, pidFile: known };
  if (known !== undefined) return { kind: 'pid-file', path: known };
  throw new ByeError(
    'ERR_BYE_USAGE',
    'Cannot tell which service is meant: give --socket PATH or --pid-file PATH, or set BYE_CONTROL_SOCKET or PIDFILE',
    { argument: '--socket' },
  );
}
