/**
 * The frames that a client gets, in its own dialect: bye's, or what serde makes of `RestartMessage::Response` of
 * shellflip 2.
 */

import {
  type ControlAnswer,
  type ControlResult,
  type DrainSummary,
  MOST_ANSWER_BYTES,
} from '../channel/control-messages.js';
import { encodeFrame } from '../channel/frames.js';
import { type ErrorMessage, toErrorMessage } from '../channel/messages.js';
import { describeError } from '../errors.js';
import type { DrainReport } from '../types.js';
import type { Dialect } from './request.js';

/** How much of an error's text is kept where the whole would be too long for an answer. */
const SHORTENED_CHARS = 10_000;
const SHORTENED_NAME_CHARS = 200;
/** How many entries of a list are kept then. */
const SHORTENED_LIST = 100;

/** A frame on the way, before anybody has got its result; `undefined` if it can't be sent: nobody depends on it. */
export function encodeProgress(answer: ControlAnswer): Buffer | undefined {
  try {
    const frame = encodeFrame(answer);
    return frame.length > MOST_ANSWER_BYTES ? undefined : frame;
  } catch {
    // A payload with an error of the application's own making, which holds what JSON can't carry.
    return undefined;
  }
}

export function encodeSuccess(dialect: Dialect, result: Extract<ControlResult, { ok: true }>): Buffer {
  if (dialect === 'bye') return encodeProgress({ result }) ?? encodeFrame({ result: shorten(result) });
  return encodeFrame({ Response: { RestartComplete: result.request === 'upgrade' ? result.pid : 0 } });
}

/** Whatever was thrown: an error of the application's may hold anything, and its client is to hear of it none the less. */
export function encodeFailure(dialect: Dialect, request: string, error: unknown): Buffer {
  const text = describeError(error).slice(0, SHORTENED_CHARS);
  if (dialect === 'shellflip') return encodeFrame({ Response: { RestartFailed: text } });
  const result = { ok: false, request, error: toSafeMessage(error) } as const satisfies ControlResult;
  return encodeProgress({ result }) ?? encodeFrame({ result: { ...result, error: { name: 'Error', message: text } } });
}

/** What a drain tells may be of any length, as names and errors are the application's: then the beginning of it has to do. */
function shorten(result: Extract<ControlResult, { ok: true }>): ControlResult {
  if (!('drain' in result) || !result.drain) return result;
  const { cut, hookErrors } = result.drain;
  const drain: DrainSummary = {
    ...result.drain,
    cut: cut.slice(0, SHORTENED_LIST).map((work) => ({ ...work, name: work.name.slice(0, SHORTENED_NAME_CHARS) })),
    hookErrors: hookErrors.slice(0, SHORTENED_LIST).map(({ name, message }) => ({
      name: name.slice(0, SHORTENED_NAME_CHARS),
      message: message.slice(0, SHORTENED_CHARS),
    })),
    leftOut: Math.max(0, cut.length - SHORTENED_LIST) + Math.max(0, hookErrors.length - SHORTENED_LIST),
  };
  return { ...result, drain };
}

function toSafeMessage(error: unknown): ErrorMessage {
  try {
    return toErrorMessage(error);
  } catch {
    return { name: 'Error', message: describeError(error) };
  }
}

export function toDrainSummary(report: DrainReport): DrainSummary {
  return { ...report, hookErrors: report.hookErrors.map((error) => toSafeMessage(error)) };
}

/** The payload of an event with its errors as messages. */
export function toPlainPayload(payload: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(payload).map(([name, value]): [string, unknown] => {
      if (name === 'error') return [name, toSafeMessage(value)];
      if (name === 'hookErrors') return [name, (value as unknown[]).map((error) => toSafeMessage(error))];
      return [name, value];
    }),
  );
}
