/** Owns what a strict connection gives and takes besides requests. */
import type { Answer } from './exchange.js';
import type { StrictFailure } from './failure.js';

/** How a connection ended. */
export interface CloseInfo {
  readonly by: 'client' | 'server';
  /** The server closed it, unannounced, while no request was outstanding: no failure. */
  readonly idle: boolean;
  readonly reset: boolean;
  readonly answered: number;
  readonly ageMs: number;
  /** Bytes came that no request had asked for. */
  readonly failure: StrictFailure | undefined;
}

/** How a pipelined write is cut up. */
export interface PipelineOptions {
  /** @defaultValue 1: one write */
  readonly pieces?: number;
  /** Time between the pieces. @defaultValue 0: one turn of the event loop */
  readonly gapMs?: number;
  /** Source of the places to cut at. @defaultValue Math.random */
  readonly integer?: (below: number) => number;
}

/** A request that the caller writes bit by bit. It is outstanding from its first byte. */
export interface PendingRequest {
  readonly answer: Promise<Answer>;
  readonly headBytes: number;
  readonly unsentBytes: number;
  /** Writes the next `count` bytes, or all that are left. */
  write(count?: number): void;
}
