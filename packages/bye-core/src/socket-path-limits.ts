/** How long the path of a unix socket may be. */

/** Bytes in sockaddr_un (unix(7)), without the closing NUL; a longer path is silently cut by Node 20. */
export function longestSocketPath(platform: NodeJS.Platform): number {
  return platform === 'linux' ? 107 : 103;
}

/** A socket is bound beside its path first, under a name of at least this length: a dot and three random digits. */
export const SHORTEST_BIND_NAME = 4;
