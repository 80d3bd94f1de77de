/**
 * Binding a unix path so that it outlives the process that bound it.
 *
 * libuv unlinks the name it bound when the listener is closed, which would cut off a new process that adopted the
 * socket (T16). So the socket is bound under a temporary name and linked to its path: the name libuv unlinks is long gone,
 * the path leads to the socket until somebody removes it. Linking, unlike renaming, never steals a live path.
 */

import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, linkSync, openSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import type { Host } from '../host.js';
import { longestSocketPath, SHORTEST_BIND_NAME } from '../socket-path-limits.js';
import { lstatOf, removeStale, socketIdentity } from './unix-path.js';

const TEMPORARY_NAME = '.bye-';

/** File systems without hard links, and the rule that one may only link one's own sockets (fs.protected_hardlinks). */
const CANNOT_LINK = new Set(['EPERM', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/** How a path is going to be bound. */
export interface BindPlan {
  readonly path: string;
  /** The temporary name to bind, in the same directory. */
  readonly bindPath: string;
}

/**
 * Chooses the name to bind in place of `path`; `publish` is called once the socket listens there.
 *
 * @returns `undefined` if the path is to be bound as it is: an abstract name, or no short enough name fits beside it
 */
export function planBind(path: string, platform: NodeJS.Platform = process.platform): BindPlan | undefined {
  const directory = path.slice(0, path.lastIndexOf('/') + 1);
  if (path.startsWith('\0') || path === directory || platform === 'win32') return undefined;
  const limit = longestSocketPath(platform);
  if (Buffer.byteLength(path) > limit) return undefined;
  const name = temporaryName(directory, limit - Buffer.byteLength(directory));
  return name === undefined ? undefined : { path, bindPath: directory + name };
}

/** Like `planBind`, for a path that has to be free or can be freed; `undefined` as well where it is not, or nobody can tell. */
export function planFreePath(path: string, host: Pick<Host, 'run' | 'platform'>): BindPlan | undefined {
  try {
    const taken = lstatOf(path) !== undefined;
    return taken && !removeStale(path, host) ? undefined : planBind(path);
  } catch {
    // A directory we may not look into, a link that leads to itself: the error of Node's own bind says it best.
    return undefined;
  }
}

function temporaryName(directory: string, room: number): string | undefined {
  for (let attempt = 0; attempt < 100; attempt++) {
    const random = randomBytes(4).toString('hex');
    const full = TEMPORARY_NAME + random;
    const name = full.length <= room ? full : `.${random.slice(0, Math.max(0, room - 1))}`;
    if (name.length < SHORTEST_BIND_NAME) return undefined;
    if (lstatOf(directory + name) === undefined) return name;
  }
  return undefined;
}

export interface PublishOptions {
  /** Asked once if something is at the path: clears it away, or says no. See `removeStale`. */
  readonly clear?: (path: string) => boolean;
  /**
   * The options of the same name of `listen()`. libuv changes the mode by the name it bound, and fails once that is
   * gone: take them out of the options that Node sees.
   */
  readonly readableAll?: boolean;
  readonly writableAll?: boolean;
  /** What to do with the bound socket before it can be found at its path. */
  readonly before?: ((bindPath: string) => void) | undefined;
}

/**
 * Links a listening socket to its path and removes the temporary name, on success and on failure. Mode and owner are
 * those of the socket, as it stays the same inode.
 *
 * @returns the identity of the socket, for `unlinkIfOurs`
 * @throws {Error} with code `EEXIST` if something stays at the path: `listen()` reports EADDRINUSE then
 */
export function publish(plan: BindPlan, options: PublishOptions = {}): string {
  const { path, bindPath } = plan;
  try {
    const identity = socketIdentity(bindPath);
    if (identity === undefined) throw new Error(`Cannot publish ${path} as no socket is bound at ${bindPath}`);
    const mode = (options.readableAll ? 0o444 : 0) | (options.writableAll ? 0o222 : 0);
    if (mode !== 0) chmodSync(bindPath, (Number(statSync(bindPath, { bigint: true }).mode) & 0o777) | mode);
    options.before?.(bindPath);
    try {
      place(plan);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !options.clear?.(path)) throw error;
      place(plan);
    }
    return identity;
  } finally {
    removeSocket(bindPath);
  }
}

function place({ path, bindPath }: BindPlan): void {
  try {
    linkSync(bindPath, path);
  } catch (error) {
    if (!CANNOT_LINK.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    replaceOwnPlaceholder(bindPath, path);
  }
}

/** A rename alone would take a live path; a file that only we can have made there keeps others out for the moment. */
function replaceOwnPlaceholder(bindPath: string, path: string): void {
  closeSync(openSync(path, 'wx'));
  try {
    renameSync(bindPath, path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Not by rmSync, which looks at it first in the way that confuses realpathSync(): see `lstatOf`. */
function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
