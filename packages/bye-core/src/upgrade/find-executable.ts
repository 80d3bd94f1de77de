/** Looks a program up in PATH, as a shell does. */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

/** What execvp(3) falls back to. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/**
 * @param cwd - what relative and empty entries of PATH count from
 * @returns the path as PATH spells it, links kept; `undefined` if no entry holds it
 */
export function findExecutable(name: string, path: string | undefined, cwd: string): string | undefined {
  for (const directory of (path ?? DEFAULT_PATH).split(delimiter)) {
    const file = resolve(cwd, directory, name);
    if (isExecutable(file)) return file;
  }
  return undefined;
}

/** Whether a file is there and may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
