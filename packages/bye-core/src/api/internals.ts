/** What the modules of bye-core ask of an instance, and applications do not. */

import type { Server } from 'node:net';
import { ByeError } from '../errors.js';
import type { ByeOptions } from '../options/types.js';

/** What other modules of bye-core, in whichever copy, ask of the process's instance. Not for applications. */
export const INTERNALS = Symbol.for('bye.internals/1');
/** `undefined` options leave them to whoever comes next. */
export const OBTAIN = Symbol('obtain');

export interface ByeInternals {
  /** Options for an instance that `register` made before the application could give any. */
  configure(options: ByeOptions): void;
  /** The application has asked for the instance. Before, every server in the process counts as the application's. */
  claim(): void;
  /** Ports of the sockets systemd passed. */
  ports(): readonly number[];
  /** Lets the next `listen()` of a server use the socket systemd passed for a port. */
  reservePort(server: Server, port: number): void;
}

export function notTheProcess(): ByeError {
  return new ByeError(
    'ERR_BYE_UPGRADE_UNAVAILABLE',
    'Cannot upgrade with an instance made by new Bye(), as it owns neither the signals nor the listeners of the process: use processBye()',
    { reason: 'not-the-process' },
  );
}
