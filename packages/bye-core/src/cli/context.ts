/** What a command works with. */

import type { Host } from '../host.js';
import type { Patience } from './patience.js';
import type { Reporter } from './reporter.js';

export interface Context {
  readonly host: Host;
  readonly reporter: Reporter;
  readonly patience: Patience;
  /** Ends every wait: time-out, Ctrl-C. */
  readonly signal: AbortSignal;
}
