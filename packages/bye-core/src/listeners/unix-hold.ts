/** A second link to a served unix socket, so that a new version that unlinks the path cannot cut the old one off. */

import { linkSync, renameSync } from 'node:fs';
import { asidePath, socketIdentity, unlinkSocket } from './unix-path.js';

/** Ends with `restore` or `release`, whichever comes first; either removes the second link. */
export interface Hold {
  /**
   * Makes the path lead to the held socket again: if it is missing, or has a socket that nobody serves. What somebody
   * else serves on, and what is no socket, stays. To be called after a failed upgrade, and as well after a finished one
   * whose new process adopted the socket: it may have removed the path by means that nothing guards.
   *
   * @returns whether the path leads to the held socket now
   */
  restore(): boolean;
  /** Gives the held socket up, and leaves the path as it is. */
  release(): void;
}

/**
 * Links the socket at `path` to a second name beside it, `.<name>.held`. A link of that name that a crash left behind is
 * replaced.
 *
 * @param isLive whether somebody serves there: see `isLiveSocket`
 * @returns `undefined` if no socket is there, or it cannot be linked (another owner's, a directory one may not write to):
 * who cannot link there can hardly unlink there either
 */
export function holdPath(path: string, isLive: (path: string) => boolean): Hold | undefined {
  if (path.startsWith('\0') || socketIdentity(path) === undefined) return undefined;
  const aside = asidePath(path);
  unlinkSocket(aside);
  try {
    linkSync(path, aside);
  } catch {
    return undefined;
  }
  const identity = socketIdentity(aside);
  if (identity === undefined) return undefined;
  let over = false;
  const release = () => {
    if (!over) unlinkSocket(aside, identity);
    over = true;
  };
  const restore = () => {
    if (over) return socketIdentity(path) === identity;
    try {
      putBack(aside, path, identity, isLive);
    } finally {
      release();
    }
    return socketIdentity(path) === identity;
  };
  return { restore, release };
}

function putBack(aside: string, path: string, identity: string, isLive: (path: string) => boolean): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    // Anything else is beyond repair (the directory went, or its rights): `restore` says so.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return;
    const other = socketIdentity(path);
    if (other === undefined || other === identity || isLive(path) || socketIdentity(path) !== other) return;
    renameSync(aside, path);
  }
}
