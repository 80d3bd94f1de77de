/** Where a control socket may stand: whoever can connect to it can stop the service, so nobody else may put one there. */

import { type BigIntStats, lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ByeError } from '../errors.js';
import type { Host } from '../host.js';
import { longestSocketPath, SHORTEST_BIND_NAME } from '../socket-path-limits.js';

const WRITABLE_BY_OTHERS = 0o022;

/** @throws {ByeError} If it may not stand there (`ERR_BYE_CONTROL_SOCKET`) */
export function checkSocketPath(path: string, host: Pick<Host, 'platform'>, uid = process.geteuid?.()): void {
  const directory = dirname(path);
  const longest = longestSocketPath(host.platform);
  const needed = Math.max(Buffer.byteLength(path), Buffer.byteLength(directory) + 1 + SHORTEST_BIND_NAME);
  if (needed > longest) {
    throw badPath(path, 'too-long', `it needs ${needed} bytes, of which a socket has ${longest}: choose a shorter one`);
  }
  const found = look(path, directory, () => statSync(directory));
  if (!found.isDirectory()) throw noDirectory(path, directory);
  if (uid !== undefined && found.uid !== uid && found.uid !== 0) {
    throw notPrivate(path, `its directory ${directory} belongs to user ${found.uid}, neither to ${uid} nor to root`);
  }
  if ((found.mode & WRITABLE_BY_OTHERS) !== 0) {
    const mode = (found.mode & 0o7777).toString(8).padStart(4, '0');
    throw notPrivate(path, `others may write to its directory ${directory}, which has mode ${mode}`);
  }
  // As a bigint: see `lstatOf` in listeners/unix-path.ts.
  const file = look(path, directory, () => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  if (file && !file.isSocket()) {
    throw badPath(path, 'not-a-socket', 'there is something else than a socket: move it away, or choose another path');
  }
}

export function inUse(path: string): ByeError {
  const what = 'another process serves on it: stop that one, or choose another path';
  return badPath(path, 'in-use', what);
}

export function cannotListen(path: string, cause: unknown): ByeError {
  const what = `the system refuses to listen there: make ${dirname(path)} writable for this user`;
  return badPath(path, 'cannot-listen', what, cause);
}

function look<Found extends Stats | BigIntStats | undefined>(path: string, directory: string, at: () => Found): Found {
  try {
    return at();
  } catch (cause) {
    throw noDirectory(path, directory, cause);
  }
}

function noDirectory(path: string, directory: string, cause?: unknown): ByeError {
  const what = `${directory} is no directory that this process can look into: make it, with mode 0755, or let systemd do so with RuntimeDirectory=`;
  return badPath(path, 'no-directory', what, cause);
}

function notPrivate(path: string, why: string): ByeError {
  const remedy =
    'use a directory of its own with mode 0755 that belongs to this user, such as systemd makes with RuntimeDirectory=';
  return badPath(path, 'not-private', `${why}: ${remedy}`);
}

function badPath(path: string, reason: string, what: string, cause?: unknown): ByeError {
  return new ByeError(
    'ERR_BYE_CONTROL_SOCKET',
    `Cannot open the control socket ${path} as ${what}`,
    { path, reason },
    cause,
  );
}
