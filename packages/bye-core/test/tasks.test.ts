import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Tasks } from '../src/tasks.js';
import { FakeHost, settle } from './fake-host.js';

let host: FakeHost;
let tasks: Tasks;
let mayStart: boolean;
let unheard: [string, unknown][];
const controller = new AbortController();
const unhandled = vi.fn();
beforeEach(() => {
  host = new FakeHost();
  mayStart = true;
  unheard = [];
  unhandled.mockReset();
  process.on('unhandledRejection', unhandled);
  tasks = new Tasks({
    host,
    signal: controller.signal,
    mayStart: () => mayStart,
    onUnheard: (name, error) => unheard.push([name, error]),
    reason: () => 'upgrade',
  });
});
afterEach(() => {
  process.removeListener('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

const failure = new Error('no');
const fail = async () => {
  throw failure;
};

/** A promise to settle by hand. */
function deferred<T>() {
  let resolve = (_value: T) => {};
  let reject = (_error: unknown) => {};
  const promise = new Promise<T>((done, refuse) => {
    resolve = done;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

test('spawn() runs the task at once, with the signal, and resolves with its value', async () => {
  const task = vi.fn((signal: AbortSignal) => signal === controller.signal);
  const spawned = tasks.spawn(task, 'mail');
  expect(task).toHaveBeenCalledTimes(1);
  expect(await spawned).toBe(true);
});

test('spawn() counts the task until it settles, well or badly', async () => {
  const [one, two] = [deferred<void>(), deferred<void>()];
  const spawned = [tasks.spawn(() => one.promise, 'one'), tasks.spawn(() => two.promise, 'two')];
  expect(tasks.size).toBe(2);
  one.resolve();
  two.reject(failure);
  await Promise.allSettled(spawned);
  expect(tasks.size).toBe(0);
});

test('spawn() takes what a task throws at once for a rejection', async () => {
  const thrown = tasks.spawn(() => {
    throw failure;
  }, 'mail');
  await expect(thrown).rejects.toBe(failure);
  expect(tasks.size).toBe(0);
});

test('spawn() refuses a task when nothing may begin any more, and does not run it', async () => {
  mayStart = false;
  const task = vi.fn();
  await expect(tasks.spawn(task, 'mail')).rejects.toMatchObject({
    code: 'ERR_BYE_SHUTTING_DOWN',
    data: { reason: 'upgrade' },
    message: expect.stringMatching(/'mail'.*trySpawn/),
  });
  expect(task).not.toHaveBeenCalled();
});

test('trySpawn() returns undefined instead, and runs where it may', async () => {
  expect(await tasks.trySpawn(() => 5, 'mail')).toBe(5);
  mayStart = false;
  expect(tasks.trySpawn(() => 5, 'mail')).toBeUndefined();
});

test('track() waits for work that has begun, whatever the status', async () => {
  mayStart = false;
  const work = deferred<number>();
  const tracked = tasks.track(work.promise, 'work');
  expect(tasks.size).toBe(1);
  work.resolve(7);
  expect(await tracked).toBe(7);
});

test('track() takes any thenable', async () => {
  // biome-ignore lint/suspicious/noThenProperty: a thenable is meant
  expect(await tasks.track({ then: (resolve) => resolve?.(3) as never } as PromiseLike<number>, 'work')).toBe(3);
});

const ignore = () => {};
const USES: readonly [string, (promise: Promise<unknown>) => unknown][] = [
  ['awaited', async (promise) => await promise.catch(ignore)],
  ['given a then()', (promise) => promise.then(undefined, ignore)],
  ['given a catch()', (promise) => promise.catch(ignore)],
  ['given a finally()', (promise) => promise.finally(ignore).catch(ignore)],
  ['in Promise.all()', (promise) => Promise.all([promise]).catch(ignore)],
  ['in Promise.race()', (promise) => Promise.race([promise]).catch(ignore)],
  ['in Promise.allSettled()', (promise) => Promise.allSettled([promise])],
  ['returned by an async function', (promise) => (async () => promise)().catch(ignore)],
];

test.each(USES)('a rejection is not reported if the task is %s', async (_title, use) => {
  use(tasks.spawn(fail, 'mail'));
  await settle();
  expect(unheard).toEqual([]);
});

test('a rejection that nobody waits for is reported once', async () => {
  void tasks.spawn(fail, 'mail');
  await settle();
  expect(unheard).toEqual([['mail', failure]]);
});

test('a rejection of a task that fails later is reported once', async () => {
  const work = deferred<void>();
  tasks.track(work.promise, 'work');
  work.reject(failure);
  await settle();
  expect(unheard).toEqual([['work', failure]]);
});

test('a promise that is awaited only after its rejection still rejects', async () => {
  const spawned = tasks.spawn(fail, 'mail');
  await settle();
  expect(unheard).toHaveLength(1);
  await expect(spawned).rejects.toBe(failure);
  expect(unheard).toHaveLength(1);
});

test('a chain behind a task is the caller’s: its rejection is not hidden', async () => {
  const chained = tasks.spawn(fail, 'mail').then(() => {});
  expect(chained.constructor).toBe(Promise);
  await expect(chained).rejects.toBe(failure);
  expect(unheard).toEqual([]);
});

test('the context of AsyncLocalStorage is kept in the task, and after it', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen = await storage.run('request 1', async () => {
    const inside = await tasks.spawn(async () => {
      await settle();
      return storage.getStore();
    }, 'mail');
    return [inside, storage.getStore()];
  });
  expect(seen).toEqual(['request 1', 'request 1']);
});

test('whenEmpty() resolves at once without a task, and else with the last', async () => {
  await tasks.whenEmpty();
  const [one, two] = [deferred<void>(), deferred<void>()];
  void tasks.track(one.promise, 'one');
  void tasks.track(two.promise, 'two');
  const empty = vi.fn();
  void tasks.whenEmpty().then(empty);
  one.resolve();
  await settle();
  expect(empty).not.toHaveBeenCalled();
  two.resolve();
  await settle();
  expect(empty).toHaveBeenCalledTimes(1);
});

test('whenEmpty() waits for a task that a task spawns before it ends', async () => {
  const inner = deferred<void>();
  void tasks.spawn(async () => void tasks.spawn(() => inner.promise, 'inner'), 'outer');
  const empty = vi.fn();
  void tasks.whenEmpty().then(empty);
  await settle();
  expect(empty).not.toHaveBeenCalled();
  inner.resolve();
  await settle();
  expect(empty).toHaveBeenCalled();
});

test('listWork() names each task with its age', async () => {
  void tasks.spawn(() => new Promise(() => {}), 'one');
  await host.advance(200.4);
  void tasks.spawn(() => new Promise(() => {}), 'two');
  await host.advance(100);
  expect(tasks.listWork()).toEqual([
    { kind: 'task', name: 'one', ageMs: 300 },
    { kind: 'task', name: 'two', ageMs: 100 },
  ]);
});
