/** The process's one instance, and what is asked of it without having it in hand. */

import type { ByeOptions } from '../options/types.js';
import { Bye } from './bye.js';
import { OBTAIN } from './internals.js';

/**
 * The one instance of this process, made at the first call: it handles the signals, adopts inherited listeners, and
 * exits after a stop. Under a test runner it does nothing process-wide unless asked to.
 *
 * @throws {ByeError} If a later call asks for other options than the first (`ERR_BYE_OPTIONS_CONFLICT`), or another
 * major version of bye-core runs in this process (`ERR_BYE_DUPLICATE`)
 */
export function processBye(options: ByeOptions = {}): Bye {
  return Bye.withSignals(options);
}

/**
 * For `register`: makes the instance, and leaves the options to the application's first call. If that never comes, every
 * http server of the process counts as attached, except that health requests stay the application's.
 */
export function registerBye(): void {
  Bye[OBTAIN](undefined);
}

/** Says that this process is ready: see `Bye.ready`. */
export function ready(): Promise<void> {
  return processBye().ready();
}
