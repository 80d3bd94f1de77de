/** What a client asks for, in either of the two dialects that are understood. */

import { CONTROL_VERSION, type ControlRequest } from '../channel/control-messages.js';
import { ByeError } from '../errors.js';

/** shellflip's own client waits for its one answer, and for nothing else. */
export type Dialect = 'bye' | 'shellflip';

export interface Asked {
  readonly dialect: Dialect;
  readonly request: ControlRequest;
}

/** @throws {ByeError} If it is no request, or of another version (`ERR_BYE_CONTROL_REQUEST`) */
export function parseRequest(value: unknown): Asked {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('not-an-object', 'it is no JSON object');
  }
  const frame = value as Readonly<Record<string, unknown>>;
  if (isTryRestart(frame)) {
    return { dialect: 'shellflip', request: { request: 'upgrade', force: false, wait: false } };
  }
  const { bye } = frame;
  if (bye !== CONTROL_VERSION) {
    const why = typeof bye === 'number' ? `it is of version ${bye}, and this process speaks` : 'it lacks';
    throw badRequest('version', `${why} "bye": ${CONTROL_VERSION}`);
  }
  return { dialect: 'bye', request: toRequest(frame) };
}

/** @param reason a stable word; `why` says it in the message */
export function badRequest(reason: string, why: string, cause?: unknown): ByeError {
  return new ByeError('ERR_BYE_CONTROL_REQUEST', `Cannot take the request as ${why}`, { reason }, cause);
}

function isTryRestart(frame: Readonly<Record<string, unknown>>): boolean {
  return frame['Request'] === 'TryRestart' && Object.keys(frame).length === 1;
}

function toRequest(frame: Readonly<Record<string, unknown>>): ControlRequest {
  switch (frame['request']) {
    case 'upgrade':
      return { request: 'upgrade', force: readFlag(frame, 'force'), wait: readFlag(frame, 'wait') };
    case 'status':
      return { request: 'status', watch: readFlag(frame, 'watch') };
    case 'stop':
      return { request: 'stop' };
    default:
      throw badRequest('unknown', 'it asks for none of upgrade, status and stop');
  }
}

function readFlag(frame: Readonly<Record<string, unknown>>, name: string): boolean {
  const value = frame[name];
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  throw badRequest('field', `its field '${name}' must be true or false`);
}
