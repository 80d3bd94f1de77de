/** The new process's side of the move: takes connections, or says that it does not. */

import type { ConnectionMessage, Message } from '../../channel/messages.js';
import type { Host } from '../../host.js';
import { closeHandle } from '../../internals-moving.js';
import type { ServerDrain } from '../server-drain.js';
import { adopt } from './adopt.js';

export interface ReceiverParts {
  readonly host: Host;
  /** Of the server that it is for; `undefined` if there is none, or this process takes nothing. */
  readonly drain: ServerDrain | undefined;
  readonly send: (message: Message, onSent: () => void) => void;
}

/**
 * Takes one connection. The word that it is ours is in the kernel before a byte is read from it: if this process ends
 * before that, the old one can go on with the connection as if nothing had happened.
 */
export function receiveConnection({ id, hasAsked }: ConnectionMessage, handle: object, parts: ReceiverParts): void {
  const { drain, host, send } = parts;
  const taken = drain && adopt(drain, handle, hasAsked, host);
  if (!taken) {
    closeHandle(handle);
    send({ bye: 'connection-refused', id }, () => {});
    return;
  }
  taken.readStop();
  send({ bye: 'connection-taken', id }, () => taken.readStart());
}
