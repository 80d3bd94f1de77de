import { type App, requests, StrictConnection, startApp, type Target } from '@bye/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SERVICE } from '../service.js';
import { type Bench, CASES, openIdle } from './cases.js';

const KINDS = ['http', 'fastify', 'express', 'express4', 'koa', 'koa2'];
/** An upgrade first, then the stop of the process that took over; the large answer is as large as promised in one of them. */
const DRAINS = [
  { signal: 'SIGUSR1', generation: 0, begun: 'draining: replaced', largeBytes: 64 * 2 ** 20 },
  { signal: 'SIGTERM', generation: 1, begun: 'stopping on SIGTERM', largeBytes: 16 * 2 ** 20 },
] as const;

describe.each(KINDS)('%s', (KIND) => {
  let app: App;
  let target: Target;

  beforeAll(async () => {
    // Long, so that a slow machine makes none of the clients late; nothing waits for it.
    // And the connections stay where they are: one of them releases what the old process holds.
    const options = { keepAliveGraceMs: 8000, moveConnections: false };
    app = startApp(SERVICE, { env: { KIND, BYE_LOG: 'info', SERVICE_OPTIONS: JSON.stringify(options) } });
    const { port } = await app.waitForGeneration(0);
    target = { port, host: '127.0.0.1' };
  });
  afterAll(() => app.dispose());

  describe.each(DRAINS)('in progress at $signal', ({ signal, generation, begun, largeBytes }) => {
    const outcomes = new Map<string, Promise<void>>();
    let pid: number;

    beforeAll(async () => {
      ({ pid } = await app.waitForGeneration(generation));
      const [control, releaser] = [await openIdle(target), await openIdle(target)];
      let released: Promise<unknown> | undefined;
      const release: Bench['release'] = async () => {
        released ??= releaser.request({ path: '/release' });
        await released;
      };
      const finishes = await Promise.all(CASES.map(({ begin }) => begin({ target, release, largeBytes })));
      // Whatever was written before has been read once this is answered.
      expect((await control.request(requests.fast('control'))).pid).toBe(pid);
      app.kill(signal, pid);
      await app.waitForLine(`bye[${pid}] info: ${begun}`);
      for (const [index, { title }] of CASES.entries()) {
        const outcome = (finishes[index] as () => Promise<void>)();
        outcome.catch(() => {}); // its test tells
        outcomes.set(title, outcome);
      }
      control.end();
    });

    test.each(CASES)('$title', async ({ title }) => {
      await outcomes.get(title);
    });

    if (signal === 'SIGUSR1')
      test('a new connection reaches the new process', async () => {
        const connection = await StrictConnection.open(target);
        const { pid: answeredBy, saidClose } = await connection.request(requests.fast('fresh'));
        expect(answeredBy).toBe((await app.waitForGeneration(1)).pid);
        expect(saidClose).toBe(false);
        connection.end();
      });

    test('the process ends, as nothing is counted any more, with exit code 0', async () => {
      await Promise.allSettled(outcomes.values());
      await app.waitUntilGone(pid);
      await app.waitForLine(`bye[${pid}] info: exit 0`);
    });
  });
});
