/** How the new process says that it is ready. */

import { fstatSync, writeSync } from 'node:fs';
import { parseWholeNumber } from '../env.js';
import { ByeError } from '../errors.js';
import { closeFd } from '../internals.js';

const READY = Buffer.from([1]);

/**
 * Writes one byte to the descriptor and closes it. That nobody reads it any more is no error: the process that started
 * this one has gone, and this one serves.
 *
 * @param text the value of `UPGRADE_FD`
 * @throws {ByeError} If the descriptor is not open (`ERR_BYE_READY_PIPE`)
 */
export function announceReady(text: string): void {
  const fd = parseWholeNumber('UPGRADE_FD', text, 0x7fffffff);
  try {
    // As a bigint: a pipe in Node's plain numbers confuses its realpathSync() (`lstatOf` in listeners/unix-path.ts).
    fstatSync(fd, { bigint: true });
    writeSync(fd, READY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
    throw new ByeError(
      'ERR_BYE_READY_PIPE',
      `Cannot say that this process is ready as descriptor ${fd} (UPGRADE_FD) can't be written: it is set by an old process for its new one, never by hand`,
      { fd },
      error,
    );
  } finally {
    closeFd(fd);
  }
}
