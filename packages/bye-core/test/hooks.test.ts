import { beforeEach, expect, test } from 'vitest';
import { Deadline } from '../src/deadline.js';
import { HookList } from '../src/hooks.js';
import { FakeHost, settle } from './fake-host.js';

let host: FakeHost;
let deadline: Deadline;
let list: HookList<string>;
let ran: string[];
beforeEach(() => {
  host = new FakeHost();
  deadline = new Deadline(host, 1000);
  list = new HookList('onClose');
  ran = [];
});

const hook = (name: string) => (argument: string) => void ran.push(`${name}:${argument}`);
const slow = (name: string, ms: number) => () =>
  new Promise<void>((resolve) =>
    host.after(ms, () => {
      ran.push(name);
      resolve();
    }),
  );
const failing = (message: string) => () => {
  throw new Error(message);
};
const never = () => new Promise<void>(() => {});
const messages = (errors: unknown[]) => errors.map((error) => (error as Error).message);

/** Lets time pass until a run has ended. */
async function finish<T>(run: Promise<T>): Promise<T> {
  const ticking = host.advance(10_000);
  const result = await run;
  await ticking;
  return result;
}

test.each([undefined, null, 'text', Promise.resolve()])('add() refuses %j', (value) => {
  expect(() => list.add(value as never)).toThrow(new TypeError(`onClose() takes a function: got ${typeof value}`));
});

test('runTogether() starts all in their order and at once', async () => {
  list.add(slow('one', 50));
  list.add(hook('two'));
  const run = list.runTogether('now', deadline);
  expect(ran).toEqual(['two:now']);
  expect(await finish(run)).toEqual([]);
  expect(ran).toEqual(['two:now', 'one']);
});

test('runTogether() runs the others when one throws, and returns what was thrown', async () => {
  list.add(failing('one'));
  list.add(() => Promise.reject(new Error('two')));
  list.add(hook('three'));
  expect(messages(await list.runTogether('now', deadline))).toEqual(['one', 'two']);
  expect(ran).toEqual(['three:now']);
});

test('runTogether() waits no longer than its deadline', async () => {
  list.add(never);
  list.add(hook('two'));
  const errors = await finish(list.runTogether('now', deadline));
  expect(messages(errors)).toEqual(['A hook given to onClose() did not end in its time']);
  expect(ran).toEqual(['two:now']);
});

test('runLastFirst() runs one after the other, the last added first', async () => {
  list.add(hook('first'));
  list.add(slow('second', 20));
  list.add(slow('third', 50));
  expect(await finish(list.runLastFirst('now', deadline))).toEqual([]);
  expect(ran).toEqual(['third', 'second', 'first:now']);
});

test('runLastFirst() goes on after one that throws', async () => {
  list.add(hook('first'));
  list.add(failing('second'));
  expect(messages(await list.runLastFirst('now', deadline))).toEqual(['second']);
  expect(ran).toEqual(['first:now']);
});

test('runLastFirst() ends at its deadline, and one that hangs leaves half of the time to those after it', async () => {
  const at: number[] = [];
  const since = host.now();
  const note = () => void at.push(host.now() - since);
  const hang = () => {
    note();
    return never();
  };
  for (const each of [hang, note, hang, hang]) list.add(each);
  const budget = deadline.remainingMs;
  expect(messages(await finish(list.runLastFirst('now', deadline)))).toHaveLength(3);
  expect(at).toEqual([0, budget / 2, (budget * 3) / 4, (budget * 3) / 4]);
  expect(deadline.remainingMs).toBe(0);
});

test('runUntilError() runs in order, and one that throws ends it', async () => {
  list.add(slow('first', 20));
  list.add(failing('second'));
  list.add(hook('third'));
  await expect(finish(list.runUntilError('now', deadline))).rejects.toThrow('second');
  expect(ran).toEqual(['first']);
});

test('runUntilError() gives every hook the argument', async () => {
  list.add(hook('first'));
  list.add(hook('second'));
  await list.runUntilError('now', deadline);
  expect(ran).toEqual(['first:now', 'second:now']);
});

test('runUntilError() throws at its deadline, and ignores what comes later', async () => {
  let fail = (_error: Error) => {};
  list.add(
    () =>
      new Promise((_resolve, reject) => {
        fail = reject;
      }),
  );
  list.add(hook('second'));
  await expect(finish(list.runUntilError('now', deadline))).rejects.toThrow('did not end in its time');
  fail(new Error('late'));
  await settle();
  expect(ran).toEqual([]);
});

test('add() returns a function that takes off that hook alone, once', async () => {
  const same = hook('same');
  const remove = list.add(same);
  list.add(same);
  remove();
  remove();
  await list.runTogether('now', deadline);
  expect(ran).toEqual(['same:now']);
});

test.each(['runLastFirst', 'runUntilError'] as const)(
  '%s() leaves out what was taken off before its turn',
  async (way) => {
    const removers: (() => void)[] = [];
    const removeAll = (argument: string) => {
      ran.push(`remover:${argument}`);
      for (const remove of removers) remove();
    };
    removers.push(list.add(way === 'runLastFirst' ? hook('other') : removeAll));
    removers.push(list.add(way === 'runLastFirst' ? removeAll : hook('other')));
    await list[way]('now', deadline);
    expect(ran).toEqual(['remover:now']);
  },
);

test('a hook that was added while hooks run waits for the next run', async () => {
  list.add(() => void list.add(hook('late')));
  await list.runTogether('now', deadline);
  expect(ran).toEqual([]);
});

test('no run leaves a timer behind', async () => {
  list.add(hook('one'));
  await list.runTogether('now', deadline);
  await list.runLastFirst('now', deadline);
  await list.runUntilError('now', deadline);
  expect(host.timers).toBe(0);
});
