/** What may be in progress when a drain begins, and how each has to end. */

import {
  type Answer,
  digest,
  exactBody,
  noBody,
  type RequestSpec,
  requests,
  StrictConnection,
  seededBody,
  seededBuffer,
  type Target,
} from '@bye/testkit';
import { expect } from 'vitest';

/** Goes on once the drain has begun; rejects if the case is lost. */
export type Finish = () => Promise<void>;

export interface Case {
  readonly title: string;
  readonly begin: (bench: Bench) => Promise<Finish>;
}

/** What a case works with. */
export interface Bench {
  readonly target: Target;
  /** Lets every held answer go. */
  readonly release: () => Promise<void>;
  /** Size of the answer to the slow reader. */
  readonly largeBytes: number;
}

const MIB = 2 ** 20;
const UPLOAD = seededBuffer(3, 300_000);

const held = (form: string, n: number): RequestSpec => ({
  path: `/held?form=${form}&n=${n}`,
  check: exactBody(`ok ${n}`),
});

/** A connection that has had an answer, so it is accepted and idle. */
export async function openIdle(target: Target): Promise<StrictConnection> {
  const connection = await StrictConnection.open(target);
  const { saidClose } = await connection.request(requests.fast('first'));
  expect(saidClose).toBe(false);
  return connection;
}

/** The last answer said so, and then the server closed without a reset. */
async function expectClosed(connection: StrictConnection, { saidClose }: Answer): Promise<void> {
  expect(saidClose).toBe(true);
  expect(await connection.closed).toMatchObject({ by: 'server', idle: false, reset: false, failure: undefined });
}

/** A request that is held until the drain has begun. */
const heldCase = (title: string, spec: RequestSpec): Case => ({
  title,
  begin: async ({ target, release }) => {
    const connection = await openIdle(target);
    const answer = connection.request(spec);
    return async () => {
      await release();
      let last = await answer;
      // One before the end of its request's body need not say so, as another request may be on its way behind that.
      if (spec.body !== undefined && !last.saidClose) last = await connection.request(requests.fast('behind'));
      await expectClosed(connection, last);
    };
  },
});

/** An answer that fills the client's and the kernel's buffers, and is read on once the drain has begun. */
const unreadCase = (title: string, spec: (largeBytes: number) => RequestSpec, bytesPerSecond?: number): Case => ({
  title,
  begin: async ({ target, largeBytes }) => {
    const connection = await openIdle(target);
    const answer = connection.request({
      ...spec(largeBytes),
      ...(bytesPerSecond ? { slowRead: { bytesPerSecond } } : {}),
    });
    connection.pauseReading();
    return async () => {
      connection.resumeReading();
      const { bodyBytes, trailers } = await answer;
      if (trailers.size > 0) expect(trailers.get('x-bytes')).toBe(String(bodyBytes));
      // Its head was sent before the drain and promised keep-alive, so it may bring one more request, or leave.
      connection.end();
      expect(await connection.closed).toMatchObject({ reset: false, failure: undefined });
    };
  },
});

/** A request of which the first `count` bytes are written before the drain, and the rest after it has begun. */
const halfSentCase = (
  title: string,
  spec: RequestSpec,
  count: (headBytes: number) => number,
  interim: number[] = [],
): Case => ({
  title,
  begin: async ({ target }) => {
    const connection = await openIdle(target);
    const pending = connection.begin(spec);
    pending.write(count(pending.headBytes));
    return async () => {
      pending.write();
      const answer = await pending.answer;
      expect(answer.interim).toEqual(interim);
      await expectClosed(connection, answer);
    };
  },
});

const echo: RequestSpec = { method: 'POST', path: '/echo', body: UPLOAD, check: exactBody(digest(UPLOAD)) };

export const CASES: readonly Case[] = [
  unreadCase(
    'a large answer to a slow reader',
    (bytes) => ({ path: `/large?bytes=${bytes}&seed=1`, check: seededBody(1, bytes) }),
    64 * MIB,
  ),
  unreadCase('a chunked answer with trailers', () => ({
    path: `/stream?bytes=${8 * MIB}&seed=2&ms=0`,
    check: seededBody(2, 8 * MIB),
  })),
  unreadCase('an answer that was ended and not flushed', () => ({
    path: `/whole?bytes=${16 * MIB}`,
    check: seededBody(5, 16 * MIB),
  })),
  heldCase('a request in its handler', held('plain', 1)),
  heldCase('HEAD', { ...held('plain', 2), method: 'HEAD', check: noBody }),
  heldCase('204', { ...held('204', 3), expectStatus: 204, check: noBody }),
  heldCase('304', { ...held('304', 4), expectStatus: 304, check: noBody }),
  heldCase('Connection: keep-alive by setHeader before', held('before', 5)),
  heldCase('Connection: keep-alive by setHeader after', held('after', 6)),
  heldCase('Connection: keep-alive in the object of writeHead', held('object', 7)),
  heldCase('Connection: keep-alive in writeHead behind a reason', held('reason', 8)),
  heldCase('Connection: keep-alive in the flat array of writeHead', held('flat', 9)),
  heldCase('Connection: keep-alive in the pairs of writeHead', held('pairs', 10)),
  heldCase('Connection: keep-alive by setHeader and writeHead', held('both', 11)),
  heldCase('Connection removed', held('removed', 12)),
  heldCase('a POST answered early with its body unread', {
    path: '/held?form=early',
    body: seededBuffer(4, 4 * MIB),
    expectStatus: 413,
    check: exactBody('x'.repeat(100_000)),
  }),
  halfSentCase('half a request head', requests.fast('half'), () => 20),
  halfSentCase('a slow upload', echo, (headBytes) => headBytes + 100_000),
  halfSentCase('a slow chunked upload', { ...echo, chunked: true }, (headBytes) => headBytes + 100_000),
  halfSentCase('Expect: 100-continue', { ...echo, expectContinue: true }, (headBytes) => headBytes, [100]),
  {
    title: 'three pipelined requests in one write',
    begin: async ({ target, release }) => {
      const connection = await openIdle(target);
      const answers = connection.pipeline([held('object', 20), held('plain', 21), held('flat', 22)]);
      return async () => {
        await release();
        const [first, second, last] = await Promise.all(answers);
        expect([first?.saidClose, second?.saidClose]).toEqual([false, false]);
        await expectClosed(connection, last as Answer);
      };
    },
  },
  {
    title: 'three pipelined requests after the drain has begun',
    begin: async ({ target }) => {
      const connection = await openIdle(target);
      return async () => {
        const answers = await Promise.all(connection.pipeline([requests.fast(1), requests.fast(2), requests.fast(3)]));
        expect(answers.map(({ saidClose }) => saidClose)).toEqual([false, false, true]);
        await expectClosed(connection, answers[2] as Answer);
      };
    },
  },
  {
    title: 'Expect: 100-continue on a connection that was idle',
    begin: async ({ target }) => {
      const connection = await openIdle(target);
      return async () => {
        const answer = await connection.request({ ...echo, expectContinue: true });
        expect(answer.interim).toEqual([100]);
        await expectClosed(connection, answer);
      };
    },
  },
  {
    title: 'a client that left two pipelined requests',
    begin: async ({ target }) => {
      const connection = await openIdle(target);
      connection.pipeline([held('plain', 30), held('plain', 31)]);
      return async () => connection.destroy();
    },
  },
  {
    title: 'an idle connection that asks 300 ms later',
    begin: async ({ target }) => {
      const connection = await openIdle(target);
      return async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        await expectClosed(connection, await connection.request(requests.fast('late')));
      };
    },
  },
];
