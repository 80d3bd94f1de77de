/** Owns the randomness of a run: seeded, so that a run can be had again. */

/** A source of numbers that is the same for the same seed. */
export interface Random {
  /** @returns a number in [0, 1) */
  next(): number;
  /** @returns an integer in [0, below) */
  integer(below: number): number;
  /** @returns a source of its own, for a client or a task: what others draw does not change what it gets */
  fork(): Random;
}

/** Creates a seeded source (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    integer: (below) => Math.floor(next() * below),
    fork: () => createRandom(Math.floor(next() * 2 ** 32)),
  };
}
