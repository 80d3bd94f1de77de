/** The PID file: how a service manager and a deploy script learn which process serves. */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { ByeError } from './errors.js';

export class PidFile {
  readonly path: string;
  readonly #pid: number;

  constructor(path: string, pid: number) {
    this.path = path;
    this.#pid = pid;
  }

  /**
   * Writes the decimal PID and a newline to a temporary file, and renames it into place: a reader sees the old PID or
   * the new one, never half of it.
   *
   * @throws {ByeError} If the directory is missing or not writable (`ERR_BYE_PID_FILE`)
   */
  write(): void {
    const temporary = `${this.path}.${this.#pid}`;
    try {
      writeFileSync(temporary, `${this.#pid}\n`, { mode: 0o644 });
      renameSync(temporary, this.path);
    } catch (error) {
      removeQuietly(temporary);
      throw new ByeError(
        'ERR_BYE_PID_FILE',
        `Cannot write the PID file ${this.path}: make its directory writable for this user, or unset PIDFILE`,
        { path: this.path },
        error,
      );
    }
  }

  /** After a new process failed: puts this process's PID back if the other had written its own. @returns whether it had */
  restore(): boolean {
    if (this.#read() === String(this.#pid)) return false;
    this.write();
    return true;
  }

  /** At the last stop; leaves the file alone if it names another process. @returns whether it did not */
  remove(): boolean {
    if (this.#read() !== String(this.#pid)) return false;
    rmSync(this.path, { force: true });
    return true;
  }

  #read(): string | undefined {
    try {
      return readFileSync(this.path, 'utf8').trim();
    } catch {
      return undefined;
    }
  }
}

/** Whatever is in the way (a directory that is a file, or closed to this user) was told already. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}
