/** The new process's end of the channel to the old one, taken out of the application's sight. */

import { HANDOVER_VARIABLES, parseWholeNumber, takeVariables } from '../env.js';
import { closeHandle } from '../internals-moving.js';
import { type ConnectionMessage, type Message, PROTOCOL_VERSION, parseMessage, toErrorMessage } from './messages.js';

/** What the old process left in the environment for this one. */
export type HandoverVariables = Partial<Record<(typeof HANDOVER_VARIABLES)[number], string>>;

/**
 * One per process. It may have been made by the preload of an older bye-core and be used by a newer one, so it changes
 * only together with the number in its symbol.
 */
export interface Link {
  readonly variables: HandoverVariables;
  /** Whether there is a channel to talk on: the old process is bye too. */
  readonly hasChannel: boolean;
  /**
   * Sends to the old process; does nothing once that has gone.
   *
   * @param onSent called when the message is on its way for good, or never will be; by links with `onConnection` only
   */
  send(message: Message, onSent?: () => void): void;
  /** Hands over what comes from now on; to the first listener, what has come so far as well. */
  receive(listener: (message: Message) => void): void;
  /** Hands over live connections. One listener; without one they are closed. A link of before has no such member. */
  onConnection?(listener: ConnectionListener): void;
  /** Calls back when the old process has gone, at once if it already has. */
  onLost(listener: () => void): void;
  /** Ends the keeping back of a signal for its hook. @returns whether it came meanwhile */
  takeSignal(signal: string): boolean;
  /**
   * Ends what only a process that is not ready yet needs: error reports, path and signal guards.
   *
   * @returns the signals that came and that nobody took
   */
  settle(): string[];
}

/** What has to be done in a new process for as long as it is not ready. */
export interface Guards {
  readonly signals: { take(signal: string): boolean; release(): string[] };
  readonly undo: readonly (() => void)[];
}

type CreateGuards = (variables: HandoverVariables) => Guards;

const NO_GUARDS: CreateGuards = () => ({ signals: { take: () => false, release: () => [] }, undo: [] });

/** @param handle Node's own for the connection, nothing read from it yet */
export type ConnectionListener = (message: ConnectionMessage, handle: object) => void;

const LINK = Symbol.for('bye.link/1');

interface LinkHolder {
  [LINK]?: Link | undefined;
}

/**
 * The link of this process, made at the first call.
 *
 * @param createGuards what to do until the process has settled
 * @returns `undefined` unless an old process started this one for an upgrade
 */
export function openLink(createGuards = NO_GUARDS): Link | undefined {
  const holder = globalThis as LinkHolder;
  if (!(LINK in holder)) holder[LINK] = createLink(createGuards);
  return holder[LINK];
}

function createLink(createGuards: CreateGuards): Link | undefined {
  const variables = takeVariables(HANDOVER_VARIABLES);
  if (variables.UPGRADE_FD === undefined) return undefined;
  parseWholeNumber('UPGRADE_FD', variables.UPGRADE_FD, 0x7fffffff);
  const { signals, undo: ownUndo } = createGuards(variables);
  const undo = [...ownUndo];
  // Without BYE_PROTOCOL the parent is not bye but knows the readiness byte; its IPC channel, if any, is the app's.
  const channel = variables.BYE_PROTOCOL === undefined ? undefined : hideChannel();
  if (channel) undo.push(reportErrors(channel.send));
  return {
    variables,
    hasChannel: channel !== undefined,
    send: channel?.send ?? ((_message, onSent) => onSent?.()),
    receive: channel?.receive ?? (() => {}),
    ...(channel ? { onConnection: channel.onConnection } : {}),
    onLost: channel?.onLost ?? ((listener) => listener()),
    takeSignal: (signal) => signals.take(signal),
    settle: () => {
      for (const step of undo.splice(0)) step();
      return signals.release();
    },
  };
}

/**
 * Takes Node's IPC channel away from the application: `process.send` is gone, and neither 'message' nor 'disconnect'
 * reaches it. `process.on('disconnect', () => process.exit())` is a common idiom and would end this process together
 * with the old one.
 */
function hideChannel() {
  if (!process.send) return undefined;
  const sendNow = process.send.bind(process);
  const listeners: ((message: Message) => void)[] = [];
  let takeConnection: ConnectionListener | undefined;
  const waiting: Message[] = [];
  const lostListeners: (() => void)[] = [];
  let lost = !process.connected;

  Reflect.set(process, 'send', undefined);
  const emit = process.emit as (...args: unknown[]) => boolean;
  process.emit = function (this: NodeJS.Process, ...args: unknown[]): boolean {
    if (args[0] === 'message') {
      const message = parseMessage(args[1]);
      const handle = args[2];
      if (message?.bye === 'connection' && typeof handle === 'object' && handle !== null && takeConnection) {
        takeConnection(message, handle);
        return true;
      }
      closeHandle(handle);
      if (message && listeners.length === 0) waiting.push(message);
      if (message) for (const listener of listeners) listener(message);
      return true;
    }
    if (args[0] === 'disconnect') {
      lost = true;
      for (const callback of lostListeners.splice(0)) callback();
      return true;
    }
    return Reflect.apply(emit, this, args);
  } as typeof process.emit;
  // Node reads the channel only while somebody listens for messages; that alone must not keep the process alive.
  process.on('message', () => {});
  process.channel?.unref();

  return {
    send(message: Message, onSent: () => void = () => {}): void {
      lost ? onSent() : sendNow(message, undefined, undefined, () => onSent());
    },
    receive(callback: (message: Message) => void): void {
      listeners.push(callback);
      for (const message of waiting.splice(0)) callback(message);
    },
    onConnection(callback: ConnectionListener): void {
      takeConnection = callback;
    },
    onLost(callback: () => void): void {
      lost ? callback() : lostListeners.push(callback);
    },
  };
}

/** Tells the old process what ends this one before it is ready; a syntax error in the entry file included. */
function reportErrors(send: (message: Message) => void): () => void {
  const report = (error: unknown) => send({ bye: 'failure', error: toErrorMessage(error) });
  process.on('uncaughtExceptionMonitor', report);
  return () => process.removeListener('uncaughtExceptionMonitor', report);
}

/** The first words of a new process. */
export function toHello(pid: number): Message {
  return { bye: 'hello', protocol: PROTOCOL_VERSION, pid, node: process.versions.node };
}
