/** A client of the control socket that keeps whatever it is told, byte for byte. */

import { connect, type Socket } from 'node:net';
import { until } from '@bye/testkit';
import {
  CONTROL_VERSION,
  type ControlAnswer,
  type ControlRequest,
  type ControlResult,
  MOST_ANSWER_BYTES,
} from '../packages/bye-core/src/channel/control-messages.js';
import { encodeFrame, FrameReader } from '../packages/bye-core/src/channel/frames.js';

export class ControlClient {
  readonly answers: unknown[] = [];
  /** Everything that came. */
  bytes = Buffer.alloc(0);
  /** How the connection went down, `undefined` for a clean end. */
  error: NodeJS.ErrnoException | undefined;
  isClosed = false;
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly #reader = new FrameReader(MOST_ANSWER_BYTES);

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      this.answers.push(...this.#reader.push(chunk));
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.isClosed = true;
        resolve();
      });
    });
  }

  ask(request: ControlRequest): this {
    this.socket.write(encodeFrame({ bye: CONTROL_VERSION, ...request }));
    return this;
  }

  /** Waits until something was told. */
  async heard<Answer extends ControlAnswer>(matches: (answer: ControlAnswer) => boolean): Promise<Answer> {
    const find = () => this.answers.find((answer) => matches(answer as ControlAnswer));
    await until(() => this.isClosed || find() !== undefined, { timeoutMs: 20_000, what: 'an answer' });
    const found = find();
    if (found === undefined) throw new Error(`The connection ended; told was ${JSON.stringify(this.answers)}`);
    return found as Answer;
  }

  heardEvent(event: string): Promise<Extract<ControlAnswer, { event: string }>> {
    return this.heard((answer) => 'event' in answer && answer.event === `bye:${event}`);
  }

  /** Waits for the end. @returns the result, which has to be the last frame and the only one of its kind */
  async result(): Promise<ControlResult> {
    await this.closed;
    const results = this.answers.filter((answer) => 'result' in (answer as object));
    const last = this.answers.at(-1) as { result: ControlResult } | undefined;
    if (results.length !== 1 || last?.result === undefined) {
      throw new Error(`No single result at the end (${this.error?.code}): ${JSON.stringify(this.answers)}`);
    }
    return last.result;
  }

  /** What was told of events, without their prefix. */
  get events(): string[] {
    return this.answers.flatMap((answer) => ('event' in (answer as object) ? [nameOf(answer)] : []));
  }
}

function nameOf(answer: unknown): string {
  return (answer as { event: string }).event.slice('bye:'.length);
}

/** One request, to its result. */
export function askControl(path: string, request: ControlRequest): Promise<ControlResult> {
  return new ControlClient(path).ask(request).result();
}

export const STATUS: ControlRequest = { request: 'status', watch: false };
export const STOP: ControlRequest = { request: 'stop' };
export const UPGRADE = { request: 'upgrade', force: false, wait: false } as const satisfies ControlRequest;

/** Which process answers at the control socket. */
export async function statusPid(path: string): Promise<number> {
  const result = await askControl(path, STATUS);
  if (!result.ok || result.request !== 'status') throw new Error(`No status: ${JSON.stringify(result)}`);
  return result.status.pid;
}
