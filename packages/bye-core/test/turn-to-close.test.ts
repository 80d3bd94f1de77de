import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Bye } from '../src/index.js';
import { createTestBye } from '../src/testing.js';

let bye: Bye;
let events: string[];
beforeEach(() => {
  bye = createTestBye();
  events = [];
});
afterEach(async () => void (await bye.drain()));

/** An application that is closed by somebody else. */
async function closeApp(): Promise<void> {
  await bye.bindApp({}).drain();
  events.push('closed');
}

test('an application that is closed while no stop runs closes at once, after shutdown() too', async () => {
  await closeApp();
  bye.shutdown();
  await closeApp();
  expect(events).toEqual(['closed', 'closed']);
});

test('one that is closed during a stop waits for its tasks, and goes before the close hooks', async () => {
  let end = () => {};
  void bye.spawn(() => new Promise<void>((resolve) => (end = resolve))).then(() => events.push('task ended'));
  let closed = Promise.resolve();
  bye.onClose(async () => {
    await closed;
    events.push('hook');
  });
  const drained = bye.drain();
  closed = closeApp();
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(events).toEqual([]);
  end();
  await drained;
  expect(events).toEqual(['task ended', 'closed', 'hook']);
});

test('one that an onShutdown hook closes does not wait for the stop, which waits for the hook', async () => {
  bye.onShutdown(closeApp);
  bye.onClose(() => void events.push('hook'));
  expect(await bye.drain()).toMatchObject({ hookErrors: [] });
  expect(events).toEqual(['closed', 'hook']);
});
