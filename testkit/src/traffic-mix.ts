/** Owns what a load asks for: which requests, in which shares, of which sizes. */
import { seededBuffer } from './body-check.js';
import { requests } from './protocol.js';
import type { Random } from './random.js';
import type { RequestSpec } from './request.js';

/** Shares of the kinds of requests (any numbers; what counts is their ratio), and their sizes. */
export interface TrafficMix {
  /** @defaultValue 70 */
  readonly fast: number;
  /** POST with a body that the answer proves. @defaultValue 20 */
  readonly echo: number;
  /** @defaultValue 5 */
  readonly slow: number;
  /** Large answers that are read slowly. @defaultValue 3 */
  readonly large: number;
  /** Handlers that set `Connection: keep-alive` themselves. @defaultValue 2 */
  readonly headersSet: number;
  /** How long slow handlers take. @defaultValue 200 */
  readonly slowMs: number;
  /** Size of a large answer. @defaultValue 1048576 */
  readonly largeBytes: number;
  /** Speed at which a large answer is read. @defaultValue 8388608 */
  readonly largeBytesPerSecond: number;
  /** Largest body of a POST. @defaultValue 32768 */
  readonly echoBytes: number;
}

const DEFAULT_MIX: TrafficMix = {
  fast: 70,
  echo: 20,
  slow: 5,
  large: 3,
  headersSet: 2,
  slowMs: 200,
  largeBytes: 1024 * 1024,
  largeBytesPerSecond: 8 * 1024 * 1024,
  echoBytes: 32 * 1024,
};

/** @returns a function that gives the next request of a client */
export function createMix(partial: Partial<TrafficMix> = {}): (random: Random) => RequestSpec {
  const mix = { ...DEFAULT_MIX, ...partial };
  const kinds: readonly [number, (random: Random) => RequestSpec][] = [
    [mix.fast, ({ integer }) => requests.fast(integer(1_000_000))],
    [
      mix.echo,
      ({ integer }) => {
        const spec = requests.echo(seededBuffer(integer(16), integer(mix.echoBytes + 1)));
        return integer(2) === 0 ? spec : { ...spec, chunked: true, chunkBytes: 4096 };
      },
    ],
    [mix.slow, ({ integer }) => requests.slow(integer(1_000_000), mix.slowMs)],
    [
      mix.large,
      ({ integer }) => ({
        ...requests.large(integer(16), mix.largeBytes),
        slowRead: { pauseMs: 20, bytesPerSecond: mix.largeBytesPerSecond },
      }),
    ],
    [
      mix.headersSet,
      ({ integer }) =>
        requests.headersSet(integer(1_000_000), (['setHeader', 'writeHead', 'flat'] as const)[integer(3)]!),
    ],
  ];
  const total = kinds.reduce((sum, [share]) => sum + share, 0);
  return (random) => {
    let at = random.next() * total;
    const [, create] =
      kinds.find(([share]) => {
        at -= share;
        return at < 0;
      }) ?? kinds[0]!;
    return create(random);
  };
}
