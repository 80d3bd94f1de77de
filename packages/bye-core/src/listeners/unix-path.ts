/** What stands at the path of a unix socket: whose it is, whether anybody serves there, and how it goes away. */

import { type BigIntStats, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Host } from '../host.js';
import { pathOfKey } from './key.js';

const PROBE_TIMEOUT_MS = 2000;
const REFUSED = 42;

/**
 * Connects and tells a refusal from everything else by its exit status. A full backlog is a refusal on macOS (EAGAIN
 * on Linux), so there it asks again. Leaves politely, and reads what it is sent: a plain `net.Server` whose sockets
 * have no 'error' listener would die of a reset.
 */
const PROBE = `
const [path, tries] = process.argv.slice(1);
const probe = (left) => require('net').connect(path)
  .on('connect', function () { this.resume().end().setTimeout(200, () => this.destroy()); })
  .on('error', (error) => {
    if (error.code !== 'ECONNREFUSED') return;
    if (left === 1) return void (process.exitCode = ${REFUSED});
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    probe(left - 1);
  });
probe(Number(tries));
`;

/**
 * Whether somebody serves on the socket at `path`. Synchronous, as `listen()` is: a short-lived child connects, which
 * takes some 40 ms and at most 2 s.
 *
 * @returns
 * | seen | |
 * |---|---|
 * | connection refused | `false`: the process that bound it is gone |
 * | nothing at the path | `false` |
 * | connected, queue full, no permission, time-out, cannot ask | `true`: taking it might cut somebody off |
 *
 * A regular file refuses as well; `removeStale` never takes one.
 */
export function isLiveSocket(path: string, host: Pick<Host, 'run' | 'platform'>): boolean {
  if (lstatOf(path) === undefined) return false;
  // A single-executable application is its own execPath: that would start the service once more.
  if (process.getBuiltinModule?.('node:sea')?.isSea()) return true;
  const tries = host.platform === 'linux' ? 1 : 5;
  const { status } = host.run(process.execPath, ['-e', PROBE, resolve(path), String(tries)], PROBE_TIMEOUT_MS);
  return status !== REFUSED;
}

/**
 * Removes a socket that no process serves any more. Never removes anything but a socket, nor one that took the place
 * of the one it asked about.
 *
 * @returns `true` if nothing is at the path now
 */
export function removeStale(path: string, host: Pick<Host, 'run' | 'platform'>): boolean {
  const probed = lstatOf(path);
  if (probed === undefined) return true;
  if (!probed.isSocket() || isLiveSocket(path, host)) return false;
  const found = lstatOf(path);
  if (found === undefined) return true;
  // The change time as well: a new socket may get the inode number of the one that somebody removed meanwhile.
  if (identityOf(found) !== identityOf(probed) || found.ctimeNs !== probed.ctimeNs) return false;
  unlinkSocket(asidePath(path), identityOf(probed));
  return discard(path);
}

/** By another name, as the one that an old process serves is guarded while this one starts: see `guardPaths`. */
function discard(path: string): boolean {
  const stale = `${asidePath(path)}.stale`;
  try {
    renameSync(path, stale);
    unlinkSync(stale);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/**
 * The identity of the socket at `path`, as text that can be compared and sent to another process. It stays the socket's
 * own while any process has it open, as the kernel gives its inode number to nothing else until then.
 *
 * @returns `undefined` if no socket is there
 */
export function socketIdentity(path: string): string | undefined {
  try {
    const found = lstatOf(path);
    return found?.isSocket() ? identityOf(found) : undefined;
  } catch {
    // A directory we may not look into.
    return undefined;
  }
}

/** A path that this process serves. */
export interface OwnPath {
  readonly name: string;
  readonly identity: string;
}

/** @returns `undefined` for the key of something else than a unix path, or if no socket is there */
export function findOwnPath(key: string): OwnPath | undefined {
  const name = pathOfKey(key);
  const identity = name === undefined ? undefined : socketIdentity(name);
  return name === undefined || identity === undefined ? undefined : { name, identity };
}

/**
 * Removes the path of our socket at the last stop, while the listener is still open; leaves it if it became somebody
 * else's.
 *
 * @param identity from `publish` or `socketIdentity`
 * @returns whether it was ours
 */
export function unlinkIfOurs(path: string, identity: string): boolean {
  unlinkSocket(asidePath(path), identity);
  return unlinkSocket(path, identity);
}

/** Where an upgrade keeps a second link: by the path's name, so that what a crash left there is found again. */
export function asidePath(path: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}.${path.slice(slash)}.held`;
}

/** Unlinks a socket, and only the one of that identity if one is given. */
export function unlinkSocket(path: string, identity?: string): boolean {
  const found = socketIdentity(path);
  if (found === undefined || (identity !== undefined && found !== identity)) return false;
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/**
 * What may be a socket is never looked at with plain numbers: Node keeps those of the last file, and its realpathSync(), if
 * they are of a socket or a pipe, stops at the next directory it knows. The module loader would leave links unresolved
 * then, and not find what a linked package (workspaces, pnpm) requires.
 */
export function lstatOf(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function identityOf(found: BigIntStats): string {
  return `${found.dev}:${found.ino}`;
}
