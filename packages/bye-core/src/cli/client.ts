/** One request to a service on its control socket. */

import { connect } from 'node:net';
import {
  CONTROL_VERSION,
  type ControlAnswer,
  type ControlRequest,
  type ControlRequestFrame,
  type ControlResult,
  MOST_ANSWER_BYTES,
} from '../channel/control-messages.js';
import { encodeFrame, FrameReader } from '../channel/frames.js';
import { ByeError } from '../errors.js';
import { parseAnswer } from './answers.js';

export interface Question {
  readonly path: string;
  readonly request: ControlRequest;
  /** Gives up; its reason is what is thrown. */
  readonly signal: AbortSignal;
  /** Every answer but the result. */
  readonly onAnswer: (answer: Exclude<ControlAnswer, { result: unknown }>) => void;
}

/**
 * Asks, and hands on the answers until the result. Nothing that the service does is undone by giving up.
 *
 * @throws {ByeError} If nobody listens there, or not for this user (`ERR_BYE_NO_SERVICE`); if it is no service of bye that
 * answers (`ERR_BYE_CONTROL_GARBAGE`); if the connection ends before the result (`ERR_BYE_CONTROL_LOST`)
 */
export function askService({ path, request, signal, onAnswer }: Question): Promise<ControlResult> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const reader = new FrameReader(MOST_ANSWER_BYTES);
    let isConnected = false;
    let hasAnswered = false;
    let lastError: Error | undefined;
    const socket = connect(path);
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
      settle();
    };
    const giveUp = () => end(() => reject(signal.reason));
    signal.addEventListener('abort', giveUp);
    socket.on('connect', () => {
      isConnected = true;
      const frame: ControlRequestFrame = { bye: CONTROL_VERSION, ...request };
      socket.write(encodeFrame(frame));
    });
    socket.on('data', (chunk) => {
      let values: unknown[];
      try {
        values = reader.push(chunk);
      } catch (error) {
        return end(() => reject(hasAnswered ? connectionLost(path, error) : noBye(path, error)));
      }
      for (const answer of values.map(parseAnswer)) {
        if (answer === undefined) continue;
        hasAnswered = true;
        if ('result' in answer) return end(() => resolve(answer.result));
        onAnswer(answer);
      }
    });
    socket.on('error', (error) => {
      lastError = error;
    });
    // After 'error' as well, and after all data.
    socket.on('close', () => {
      end(() => reject(isConnected ? connectionLost(path, lastError) : notReached(path, lastError)));
    });
  });
}

/** Why a path cannot be connected to, as a stable word and in words. */
const REASONS: Readonly<Record<string, readonly [reason: string, text: string]>> = {
  ENOENT: ['no-socket', 'there is no such socket'],
  ENOTDIR: ['no-socket', 'there is no such socket'],
  ECONNREFUSED: ['nobody-listens', 'nobody listens on it'],
  EACCES: ['permission', 'this user may not use it'],
  EPERM: ['permission', 'this user may not use it'],
};

function notReached(path: string, cause: Error | undefined): ByeError {
  const { code = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  const [reason, text] = REASONS[code] ?? ['unreachable', 'it cannot be reached'];
  return new ByeError('ERR_BYE_NO_SERVICE', `Cannot reach a service at ${path}: ${text}`, { path, reason }, cause);
}

function noBye(path: string, cause: unknown): ByeError {
  const message = `Cannot understand what answers at ${path}: another program listens there`;
  return new ByeError('ERR_BYE_CONTROL_GARBAGE', message, { path }, cause);
}

function connectionLost(path: string, cause: unknown): ByeError {
  const message = `Cannot tell how it ended as the service closed the connection at ${path} before its result`;
  return new ByeError('ERR_BYE_CONTROL_LOST', message, { path }, cause);
}
