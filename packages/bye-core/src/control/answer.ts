/** The frames that a client gets, in its own dialect. */

import type { ControlAnswer, ControlResult, DrainSummary } from '../channel/control-messages.js';
import { MOST_ANSWER_BYTES } from '../channel/control-messages.js';
import { encodeFrame } from '../channel/frames.js';
import { type ErrorMessage, toErrorMessage } from '../channel/messages.js';
import { describeError } from '../errors.js';
import type { DrainReport } from '../types.js';
import type { Dialect } from './request.js';

/** How much of an error's text is kept where the whole would be too long for an answer. */
const SHORTENED_CHARS = 10_000;

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

/** @param error in a failed result: what it was made of */
export function encodeResult(dialect: Dialect, result: ControlResult, error?: unknown): Buffer {
  const frame = encodeFrame(dialect === 'bye' ? { result } : toShellflip(result, error));
  if (frame.length <= MOST_ANSWER_BYTES || result.ok) return frame;
  const { name, message, code } = result.error;
  const short = { name, message: message.slice(0, SHORTENED_CHARS), ...(code === undefined ? {} : { code }) };
  return encodeFrame({ result: { ...result, error: short } satisfies ControlResult });
}

export function toFailure(request: string, error: unknown): ControlResult {
  return { ok: false, request, error: toErrorMessage(error) };
}

export function toDrainSummary(report: DrainReport): DrainSummary {
  return { ...report, hookErrors: report.hookErrors.map((error) => toErrorMessage(error)) };
}

/** The payload of an event with its errors as messages. */
export function toPlainPayload(payload: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(payload).map(([name, value]): [string, unknown] => {
      if (name === 'error') return [name, toErrorMessage(value)];
      if (name === 'hookErrors')
        return [name, (value as unknown[]).map((error): ErrorMessage => toErrorMessage(error))];
      return [name, value];
    }),
  );
}

/** What serde makes of `RestartMessage::Response` of shellflip 2. */
function toShellflip(result: ControlResult, error: unknown): object {
  if (result.ok && result.request === 'upgrade') return { Response: { RestartComplete: result.pid } };
  return { Response: { RestartFailed: describeError(error).slice(0, SHORTENED_CHARS) } };
}
