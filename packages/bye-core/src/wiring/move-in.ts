/** Wires the new side of the move of live connections. */

import type { Link } from '../channel/link.js';
import { receiveConnection } from '../drain/move/receiver.js';
import type { Host } from '../host.js';
import { whyNotMove } from '../internals-moving.js';
import type { Listeners } from '../listeners/registry.js';
import type { Settings } from '../options/types.js';
import type { Servers } from '../servers.js';
import type { Predecessor } from '../upgrade/predecessor.js';

/** After this time without a word of the old process, which may be blocked, this one accepts; in milliseconds. */
const SILENCE_MS = 2000;

export interface ReceivingParts {
  readonly host: Host;
  readonly settings: Settings;
  readonly listeners: Listeners;
  readonly servers: Servers;
  readonly link: Link | undefined;
  readonly predecessor: Predecessor;
  /** A process that stops takes nothing more. */
  readonly isRunning: () => boolean;
}

export interface ConnectionsIn {
  /** Tells the old process what may come; to be called just before the readiness. */
  announce(): void;
  /**
   * Calls back when the old process has closed its listeners; at once if it is not one that says so. Until then a crash
   * of this process is harmless, as it has accepted nothing itself.
   */
  whenTakenOver(accept: () => void): void;
}

export function takeConnectionsIn(parts: ReceivingParts): ConnectionsIn {
  const { link, predecessor, settings, listeners, servers, host, isRunning } = parts;
  if (!link?.onConnection || !predecessor.moves) return { announce() {}, whenTakenOver: (accept) => accept() };
  const takes = settings.moveConnections !== false && whyNotMove() === undefined;
  let heardAt = 0;
  link.onConnection((message, handle) => {
    heardAt = host.now();
    const server = takes && isRunning() ? listeners.deferral.byKey.get(message.key) : undefined;
    const drain = server && servers.drainOf(server);
    receiveConnection(message, handle, { host, drain, send: (answer, onSent) => link.send(answer, onSent) });
  });
  return {
    announce() {
      const adopted = takes ? [...listeners.deferral.byKey] : [];
      const keys = adopted.filter(([, server]) => servers.drainOf(server)?.movable).map(([key]) => key);
      link.send({ bye: 'takes-connections', keys });
    },
    whenTakenOver(accept) {
      let isOver = false;
      const end = () => {
        if (!isOver) accept();
        isOver = true;
      };
      const watch = () => {
        const waitMs = heardAt + SILENCE_MS - host.now();
        if (waitMs <= 0) end();
        else if (!isOver) host.after(waitMs, watch);
      };
      heardAt = host.now();
      link.receive((message) => message.bye === 'taken-over' && end());
      link.onLost(end);
      watch();
    },
  };
}
