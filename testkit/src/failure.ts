/** Owns the classes of failure that the strict client tells apart. */

/**
 * What went wrong with one request.
 *
 * | class | meaning |
 * |---|---|
 * | `refused` | no connection: nobody listens, or the unix path is not there |
 * | `reset` | the connection was reset while a request was outstanding |
 * | `eof-before-answer` | the server closed and had not sent one byte of the answer |
 * | `truncated` | the server closed in the middle of the answer |
 * | `bad-status` | a whole answer, but not with a status that was asked for |
 * | `wrong-body` | a whole answer, but not the bytes that were asked for |
 * | `timeout` | no progress within the request's time |
 * | `unexpected-data` | bytes that no request asked for, or that are not HTTP/1.1 |
 */
export type FailureClass =
  | 'refused'
  | 'reset'
  | 'eof-before-answer'
  | 'truncated'
  | 'bad-status'
  | 'wrong-body'
  | 'timeout'
  | 'unexpected-data';

/** Where a failure happened. */
export interface FailureContext {
  readonly method: string;
  readonly path: string;
  /** Bytes of the answer that had arrived, head included. */
  readonly bytesGot: number;
  readonly connectionAgeMs: number;
  /** 0 for the first request of the connection. */
  readonly requestIndex: number;
  /** The client's port: finds the connection in a capture or a server's log. */
  readonly localPort: number | undefined;
  /** The server had said `Connection: close` on an earlier answer of this connection. */
  readonly afterClose: boolean;
}

/** A request that was written, if only one byte of it, and not answered whole. */
export class StrictFailure extends Error {
  override readonly name = 'StrictFailure';
  readonly failure: FailureClass;
  readonly context: FailureContext;

  constructor(failure: FailureClass, what: string, context: FailureContext, cause?: unknown) {
    super(`${failure}: ${context.method} ${context.path}: ${what}`, cause === undefined ? undefined : { cause });
    this.failure = failure;
    this.context = context;
  }
}

/**
 * A request of which no byte was written, as the server had said `Connection: close` or the connection had ended.
 * Not a failure: sending it on another connection is no retry.
 */
export class NotSent extends Error {
  override readonly name = 'NotSent';
}
