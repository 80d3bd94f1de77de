/** What listeners this process was started with, from an old process and from systemd alike. */

import type { Link } from '../channel/link.js';
import { type Inherited, parseHandedListeners } from '../listeners/inherited.js';
import type { ActivatedSocket } from '../systemd/activation.js';
import { describeSocket, readSocketTable } from '../systemd/sockets.js';

export function listInherited(link: Link | undefined, activated: readonly ActivatedSocket[]): Inherited[] {
  const handed = parseHandedListeners(link?.variables.BYE_LISTENERS);
  const table = handed.length > 0 ? readSocketTable() : undefined;
  return [
    ...handed.map((listener) => ({ ...listener, ...addressOf(describeSocket(listener.fd, table)) })),
    ...activated.map((socket) => ({
      fd: socket.fd,
      key: keyOfActivated(socket),
      names: [socket.name ?? 'unknown'],
      ...addressOf(socket),
    })),
  ];
}

function keyOfActivated(socket: ActivatedSocket): string {
  if (socket.kind === 'unix' && socket.path !== undefined) return `unix:${socket.path}`;
  return socket.kind === 'tcp' ? `tcp:${socket.address}:${socket.port}` : `systemd:${socket.name ?? socket.fd}`;
}

function addressOf({ address, port, family }: Partial<ActivatedSocket>) {
  if (address === undefined || port === undefined) return {};
  return { address: { address, port, family: family === 6 ? 'IPv6' : 'IPv4' } };
}
