/** Owns one pair: the same server without bye (A) and with it (B), loaded in turn. */
import { MeasuredServer } from './measured-server.js';

/** Short, so that a drift of the machine hits both alike. */
const REQUESTS_PER_TURN = 1000;
const WARM_UP_TURNS = 8;

export interface Pair {
  /** CPU time for a request, in microseconds. */
  readonly plainMicros: number;
  readonly byeMicros: number;
}

/**
 * Starts both afresh, as no two processes of Node are equally fast, and loads them in the order A B B A.
 *
 * @param rounds - of 4 turns each; after the ones that warm up
 */
export async function measurePair(framework: string, rounds: number): Promise<Pair> {
  const plain = await MeasuredServer.start([framework, 'plain']);
  const bye = await MeasuredServer.start([framework, 'bye']);
  try {
    const micros = new Map([
      [plain, 0],
      [bye, 0],
    ]);
    for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
      for (const server of [plain, bye]) await server.serve(REQUESTS_PER_TURN);
    }
    for (let round = 0; round < rounds; round++) {
      for (const server of [plain, bye, bye, plain]) {
        micros.set(server, (micros.get(server) ?? 0) + (await server.serve(REQUESTS_PER_TURN)));
      }
    }
    const each = (server: MeasuredServer): number => (micros.get(server) ?? 0) / (2 * rounds * REQUESTS_PER_TURN);
    return { plainMicros: each(plain), byeMicros: each(bye) };
  } finally {
    await Promise.all([plain.stop(), bye.stop()]);
  }
}
