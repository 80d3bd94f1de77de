/** Owns one pair: the same server without bye (A) and with it (B), loaded in turn. */
import { median } from '../report/stats.js';
import { MeasuredServer } from './measured-server.js';

const REQUESTS_PER_TURN = 1000;
/** Until then Node compiles more than it serves. */
const WARM_UP_TURNS = 12;

/** CPU time for a request, in microseconds; and what bye adds, in percent. Medians of the rounds. */
export interface Pair {
  readonly plainMicros: number;
  readonly byeMicros: number;
  readonly overheadPercent: number;
}

/**
 * Starts both afresh, as no two processes of Node are equally fast, and loads them in rounds of A B B A. A round takes a
 * tenth of a second: what else the machine does comes and goes more slowly, and hits both alike or counts as one round.
 *
 * @param rounds - after the turns that warm up
 */
export async function measurePair(framework: string, rounds: number): Promise<Pair> {
  const plain = await MeasuredServer.start([framework, 'plain']);
  const bye = await MeasuredServer.start([framework, 'bye']);
  try {
    for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
      for (const server of [plain, bye]) await server.serve(REQUESTS_PER_TURN);
    }
    const costs: { plain: number; bye: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const [first, second, third, fourth] = [
        await plain.serve(REQUESTS_PER_TURN),
        await bye.serve(REQUESTS_PER_TURN),
        await bye.serve(REQUESTS_PER_TURN),
        await plain.serve(REQUESTS_PER_TURN),
      ];
      costs.push({ plain: (first + fourth) / 2, bye: (second + third) / 2 });
    }
    return {
      plainMicros: median(costs.map((cost) => cost.plain)) / REQUESTS_PER_TURN,
      byeMicros: median(costs.map((cost) => cost.bye)) / REQUESTS_PER_TURN,
      overheadPercent: (median(costs.map((cost) => cost.bye / cost.plain)) - 1) * 100,
    };
  } finally {
    await Promise.all([plain.stop(), bye.stop()]);
  }
}
