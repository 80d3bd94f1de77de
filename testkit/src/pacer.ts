/** Owns the slowness of a slow reader. */
import type { Readable } from 'node:stream';

/** Stops a stream for a while; several stops add up. */
export interface Pacer {
  pauseFor(ms: number): void;
}

/** Creates the pacer of one stream. */
export function createPacer(stream: Readable): Pacer {
  let resumeAt = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    pauseFor(ms) {
      resumeAt = Math.max(performance.now(), resumeAt) + ms;
      stream.pause();
      clearTimeout(timer);
      timer = setTimeout(() => stream.resume(), Math.max(0, resumeAt - performance.now()));
    },
  };
}
