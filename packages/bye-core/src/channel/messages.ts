/** What old and new process say to each other, whatever carries it. */

import { describeError } from '../errors.js';

/** Raised when a message changes its meaning. Neighbours understand each other; others fail harmlessly. */
export const PROTOCOL_VERSION = 1;

/** An error on its way from one process to the other. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  /** The facts of a `ByeError`. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: ErrorMessage;
}

/** Beyond this many causes the chain is a circle, or of no use to anybody. */
const MOST_CAUSES = 8;

export type Message =
  /** New to old: I am up and speak this version. */
  | { readonly bye: 'hello'; readonly protocol: number; readonly pid: number; readonly node: string }
  /** New to old: this error ends me before I was ready. */
  | { readonly bye: 'failure'; readonly error: ErrorMessage }
  /** Old to new: what I still wait for, and until when (epoch milliseconds). `idle`: for no client and no task. */
  | { readonly bye: 'draining'; readonly untilMs: number; readonly waitingFor: string; readonly idle: boolean }
  /** New to old: end your drain within this time. */
  | { readonly bye: 'finish'; readonly withinMs: number }
  /** New to old: live connections of the listeners with these keys may come; sent just before the readiness byte. */
  | { readonly bye: 'takes-connections'; readonly keys: readonly string[] }
  /** Old to new, with the connection itself beside it. `hasAsked`: it had a request before. */
  | ConnectionMessage
  /** New to old: the connection is ours, and nothing was read from it before this was said. */
  | { readonly bye: 'connection-taken'; readonly id: number }
  /** New to old: the connection is still yours; nothing was read from it. */
  | { readonly bye: 'connection-refused'; readonly id: number }
  /** Old to new: what makes TLS sessions of mine resume with you. After the hello, and again before `taken-over`. */
  | TlsSessionsMessage
  /** Old to new: my listeners are closed, accept. */
  | { readonly bye: 'taken-over' }
  /** Old to new: the upgrade has failed after all, and you are about to be ended; do not wait for me. */
  | { readonly bye: 'not-taken-over' };

export interface ConnectionMessage {
  readonly bye: 'connection';
  readonly id: number;
  readonly key: string;
  readonly hasAsked: boolean;
}

/** Its keys are secret. */
export interface TlsSessionsMessage {
  readonly bye: 'tls-sessions';
  readonly servers: readonly TlsSessions[];
}

/** Of one listener. */
export interface TlsSessions {
  readonly key: string;
  /** In base64. */
  readonly ticketKeys: string;
  readonly sessionIdContext: string;
  /** A hash of whom the server lets in: with another one the sessions do not count. */
  readonly trust: string;
  /** When the keys are to be replaced, in epoch milliseconds. */
  readonly untilMs: number;
}

/**
 * Reads a message that came from another process.
 *
 * @returns `undefined` for anything that is not ours or not well-formed: an application may have used the channel
 * before bye took it away, and a neighbour may know messages that this version does not
 */
export function parseMessage(value: unknown): Message | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const message = value as Record<string, unknown>;
  switch (message['bye']) {
    case 'hello':
      return isNumber(message['protocol']) && isNumber(message['pid']) && isString(message['node'])
        ? { bye: 'hello', protocol: message['protocol'], pid: message['pid'], node: message['node'] }
        : undefined;
    case 'failure': {
      const error = parseError(message['error']);
      return error && { bye: 'failure', error };
    }
    case 'draining': {
      const { untilMs, waitingFor, idle } = message;
      return isNumber(untilMs) && isString(waitingFor) && typeof idle === 'boolean'
        ? { bye: 'draining', untilMs, waitingFor, idle }
        : undefined;
    }
    case 'finish':
      return isNumber(message['withinMs']) ? { bye: 'finish', withinMs: message['withinMs'] } : undefined;
    case 'takes-connections': {
      const { keys } = message;
      return Array.isArray(keys) && keys.every(isString) ? { bye: 'takes-connections', keys } : undefined;
    }
    case 'connection': {
      const { id, key, hasAsked } = message;
      return isNumber(id) && isString(key) && typeof hasAsked === 'boolean'
        ? { bye: 'connection', id, key, hasAsked }
        : undefined;
    }
    case 'connection-taken':
    case 'connection-refused':
      return isNumber(message['id']) ? { bye: message['bye'], id: message['id'] } : undefined;
    case 'tls-sessions': {
      const { servers } = message;
      return Array.isArray(servers) && servers.every(isTlsSessions)
        ? { bye: 'tls-sessions', servers: servers.map(pickTlsSessions) }
        : undefined;
    }
    case 'taken-over':
    case 'not-taken-over':
      return { bye: message['bye'] };
    default:
      return undefined;
  }
}

export function toErrorMessage(error: unknown, causesLeft = MOST_CAUSES): ErrorMessage {
  if (!(error instanceof Error)) return { name: 'Error', message: describeError(error) };
  const { code, data } = error as { code?: unknown; data?: unknown };
  return {
    name: String(error.name),
    message: String(error.message),
    ...(isString(code) ? { code } : {}),
    ...(isString(error.stack) ? { stack: error.stack } : {}),
    // Also of one that came from another process: it is rebuilt as a plain error with a code of ours.
    ...(isString(code) && code.startsWith('ERR_BYE_') && isRecord(data) ? { data } : {}),
    ...(error.cause === undefined || causesLeft === 0 ? {} : { cause: toErrorMessage(error.cause, causesLeft - 1) }),
  };
}

/** An error of the other process as one of this process, to be the `cause` of what it led to. */
export function fromErrorMessage({ name, message, code, stack, data, cause }: ErrorMessage): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: fromErrorMessage(cause) });
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return Object.assign(error, code === undefined ? {} : { code }, data === undefined ? {} : { data });
}

export function parseError(value: unknown, causesLeft = MOST_CAUSES): ErrorMessage | undefined {
  if (!isRecord(value)) return undefined;
  const { name, message, code, stack, data } = value;
  if (!isString(name) || !isString(message)) return undefined;
  const cause = causesLeft === 0 ? undefined : parseError(value['cause'], causesLeft - 1);
  return {
    name,
    message,
    ...(isString(code) ? { code } : {}),
    ...(isString(stack) ? { stack } : {}),
    ...(isRecord(data) ? { data } : {}),
    ...(cause === undefined ? {} : { cause }),
  };
}

function isTlsSessions(value: unknown): value is TlsSessions {
  if (!isRecord(value)) return false;
  const { key, ticketKeys, sessionIdContext, trust, untilMs } = value;
  return [key, ticketKeys, sessionIdContext, trust].every(isString) && isNumber(untilMs);
}

function pickTlsSessions({ key, ticketKeys, sessionIdContext, trust, untilMs }: TlsSessions): TlsSessions {
  return { key, ticketKeys, sessionIdContext, trust, untilMs };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}
