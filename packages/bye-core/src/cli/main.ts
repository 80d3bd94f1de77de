/** The command `bye`, with its real parts. */

import { readVariable } from '../env.js';
import { realHost } from '../host.js';
import { run } from './run.js';
import { realTerminal, setExitCode } from './terminal.js';

void run({
  host: realHost,
  terminal: realTerminal,
  surroundings: { socket: readVariable('BYE_CONTROL_SOCKET'), pidFile: readVariable('PIDFILE') },
}).then(setExitCode);
