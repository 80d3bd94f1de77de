/** The command `bye`, with its real parts. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readVariable } from '../env.js';
import { realHost } from '../host.js';
import { run } from './run.js';
import { realTerminal, setExitCode } from './terminal.js';

void run({
  host: realHost,
  terminal: realTerminal,
  surroundings: { socket: readVariable('BYE_CONTROL_SOCKET'), pidFile: readVariable('PIDFILE') },
  version: readVersion,
}).then(setExitCode);

/** Of the package that this file was built into. */
function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')) as { version: string };
  return version;
}
