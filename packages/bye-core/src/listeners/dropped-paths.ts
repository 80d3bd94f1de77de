/** Paths of inherited sockets that this version does not listen on any more. */

import { findOwnPath, unlinkIfOurs } from './unix-path.js';

/**
 * Notes where they are, while the old process still has the sockets open.
 *
 * @param dropped keys of listeners that this process has closed
 * @param isOpen whether this process listens there meanwhile: a new socket may have got the old one's inode number
 * @returns removes the paths that still lead to them; to be called when the old process has closed them, too
 */
export function noteDroppedPaths(dropped: readonly string[], isOpen: (key: string) => boolean): () => void {
  const paths = dropped.flatMap((key) => {
    const path = findOwnPath(key);
    return path ? [{ key, ...path }] : [];
  });
  return () => {
    for (const { key, name, identity } of paths) if (!isOpen(key)) unlinkIfOurs(name, identity);
  };
}
