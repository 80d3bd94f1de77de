/** Wires the old side of the move of live connections: drain, listeners and the channel to the new process. */

import type { Emit } from '../diagnostics.js';
import { Mover } from '../drain/move/mover.js';
import { describeError } from '../errors.js';
import { type Host, pause } from '../host.js';
import { whyNotMove } from '../internals-moving.js';
import type { Listeners } from '../listeners/registry.js';
import type { Settings } from '../options/types.js';
import type { Servers } from '../servers.js';
import { LAST_WORDS_MS } from '../upgrade/attempt.js';
import { lostError } from '../upgrade/attempt-errors.js';
import type { HandingOver } from '../upgrade/handing-over.js';
import type { Successor } from '../upgrade/successor.js';

/** For how long this process accepts on while idle connections go, in milliseconds; busy ones go on in its drain. */
const MOST_MS = 10_000;
/** After this time without a word of a connection on its way, the new process does not work; in milliseconds. */
const SILENCE_MS = 5000;
/** How often to look for that, and how long to wait for what was said before the readiness; in milliseconds. */
const LOOK_MS = 100;

export interface MovingParts {
  readonly host: Host;
  readonly settings: Settings;
  readonly emit: Emit;
  readonly listeners: Listeners;
  readonly servers: Servers;
}

/** @returns makes what one attempt needs */
export function moveConnectionsOut(parts: MovingParts): () => HandingOver {
  const { settings, emit } = parts;
  let hasWarned = false;
  return () => {
    const obstacle = settings.moveConnections === false ? undefined : whyNotMove();
    if (obstacle !== undefined && !hasWarned) emit('warning', { message: `live connections do not move: ${obstacle}` });
    hasWarned ||= obstacle !== undefined;
    return new Move(parts, settings.moveConnections !== false && obstacle === undefined);
  };
}

class Move implements HandingOver {
  readonly moves: boolean;
  readonly #parts: MovingParts;
  #mover: Mover | undefined;
  #successor: Successor | undefined;
  #hasFailed = false;
  #startedAt = 0;

  constructor(parts: MovingParts, moves: boolean) {
    this.#parts = parts;
    this.moves = moves;
  }

  get patienceMs(): number {
    return this.#mover?.moved ? this.#parts.settings.shutdownTimeoutMs : 0;
  }

  async run(successor: Successor): Promise<void> {
    if (!this.moves) return;
    this.#successor = successor;
    const keys = await keysTakenBy(successor, this.#parts.host);
    if (keys.length === 0 || this.#hasFailed) return;
    this.#startedAt = this.#parts.host.now();
    this.#mover = createMover(this.#parts, successor, keys);
    await untilCalm(this.#mover, successor, this.#parts.host);
    // The last one is counted until it has told its end.
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#hasFailed) this.#tell(this.#mover);
  }

  stop(): void {
    this.#hasFailed = true;
    this.#mover?.stop();
    this.#successor?.send({ bye: 'not-taken-over' });
  }

  undo(): void {
    if (!this.#mover) return;
    this.#mover.undo();
    this.#tell(this.#mover);
  }

  #tell({ moved, slowestMs }: Mover): void {
    const { host, servers, emit } = this.#parts;
    if (moved === 0 && servers.connections === 0) return;
    emit('connections-moved', {
      successorPid: this.#successor?.pid ?? 0,
      moved,
      left: servers.connections,
      durationMs: Math.round(host.now() - this.#startedAt),
      slowestMs: Math.round(slowestMs),
    });
  }
}

/** What the new process takes: it says so just before its readiness, but on another descriptor. */
async function keysTakenBy(successor: Successor, host: Host): Promise<readonly string[]> {
  let keys: readonly string[] | undefined;
  const heard = new AbortController();
  successor.onMessage((message) => {
    if (message.bye !== 'takes-connections') return;
    keys ??= message.keys;
    heard.abort();
  });
  await pause(host, LOOK_MS, heard.signal);
  return keys ?? [];
}

function createMover(
  { host, settings, emit, listeners, servers }: MovingParts,
  successor: Successor,
  keys: readonly string[],
) {
  const { moveConnections } = settings;
  const mover = new Mover({
    host,
    servers: [...listeners.byKey].flatMap(([key, server]) => {
      const drain = servers.drainOf(server);
      return drain && keys.includes(key) ? [{ key, drain }] : [];
    }),
    agrees({ socket }) {
      if (typeof moveConnections !== 'function') return true;
      try {
        return moveConnections(socket) === true;
      } catch (error) {
        emit('warning', { message: `a connection stays, as option 'moveConnections' threw: ${describeError(error)}` });
        return false;
      }
    },
    send: (message, handle, onLost) => successor.send(message, handle, onLost),
  });
  successor.onMessage((message) => {
    if (message.bye === 'connection-taken') mover.taken(message.id);
    if (message.bye === 'connection-refused') mover.refused(message.id);
    // It was told to stop, and so is everything that goes with it.
    if (message.bye === 'finish') mover.stop();
  });
  // What is left is not kept for it any more, once its last words were read.
  successor.onExit(() => {
    mover.stop();
    host.after(LAST_WORDS_MS, () => mover.undo());
  });
  return mover;
}

/** @throws {ByeError} If the new process takes nothing any more (`ERR_BYE_UPGRADE_CHANNEL_LOST`) */
async function untilCalm(mover: Mover, successor: Successor, host: Host): Promise<void> {
  const calm = new AbortController();
  void mover.whenCalm().then(() => calm.abort());
  const until = host.now() + MOST_MS;
  while (!calm.signal.aborted && host.now() < until) {
    await pause(host, LOOK_MS, calm.signal);
    if (mover.silentMs > SILENCE_MS)
      throw lostError(successor.pid, `took no connection for ${SILENCE_MS} ms`, undefined);
  }
}
