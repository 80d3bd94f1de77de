/** The new process, as the old one knows it from its readiness on. */

import { type Message, parseMessage } from '../channel/messages.js';
import type { ChildProcess, SendHandle } from '../host.js';
import { onHandleReply } from '../internals-moving.js';

export interface Successor {
  readonly pid: number;
  readonly node: string | undefined;
  /**
   * @param handle a live connection that goes with the message
   * @param onLost called if the message surely did not arrive
   */
  send(message: Message, handle?: object, onLost?: () => void): void;
  onMessage(listener: (message: Message) => void): void;
  onExit(listener: (exitCode: number | null, signal: string | null) => void): void;
}

/** @param early what it said before anybody listened; each listener gets that first */
export function toSuccessor(child: ChildProcess, node: string | undefined, early: readonly Message[]): Successor {
  const underWay: (() => void)[] = [];
  onHandleReply(child, (hasArrived) => {
    const onLost = underWay.shift();
    if (!hasArrived) onLost?.();
  });
  const sendHandle = (message: Message, handle: object, onLost: () => void) => {
    underWay.push(onLost);
    child.send(message, handle as SendHandle, (error) => {
      const at = underWay.indexOf(onLost);
      if (!error || at < 0) return;
      underWay.splice(at, 1);
      onLost();
    });
  };
  return {
    pid: child.pid as number,
    node,
    send: (message, handle, onLost = () => {}) => {
      if (!child.connected) return onLost();
      handle ? sendHandle(message, handle, onLost) : child.send(message, (error) => error && onLost());
    },
    onMessage: (listener) => {
      child.on('message', (raw) => {
        const message = parseMessage(raw);
        if (message) listener(message);
      });
      for (const message of early) listener(message);
    },
    onExit: (listener) => child.once('exit', listener),
  };
}
