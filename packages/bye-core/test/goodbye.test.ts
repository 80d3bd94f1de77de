import { expect, test, vi } from 'vitest';
import { type Farewell, GoodbyeHooks } from '../src/goodbye.js';
import { settle } from './fake-host.js';

const FAREWELL = { reason: 'stop' } as Farewell;

async function isTaken(hooks: GoodbyeHooks): Promise<boolean> {
  const otherwise = vi.fn();
  hooks.offer(FAREWELL, otherwise);
  await settle();
  return otherwise.mock.calls.length === 0;
}

test('offer() leaves it to bye at once when there is no hook', () => {
  const otherwise = vi.fn();
  new GoodbyeHooks(() => {}).offer(FAREWELL, otherwise);
  expect(otherwise).toHaveBeenCalledOnce();
});

test.each([
  ['true', () => true, true],
  ['a promise of true', async () => true, true],
  ['nothing', () => {}, false],
  ['something else', () => 1, false],
])('a hook that returns %s', async (_what, hook, taken) => {
  const hooks = new GoodbyeHooks(() => {});
  hooks.add(hook);
  expect(await isTaken(hooks)).toBe(taken);
});

test('hooks are asked in turn until one says true, and one that throws is passed over', async () => {
  const onError = vi.fn();
  const hooks = new GoodbyeHooks(onError);
  const never = vi.fn(() => true);
  const error = new Error('no');
  hooks.add(() => {
    throw error;
  });
  const remove = hooks.add(({ reason }) => reason === 'stop');
  hooks.add(never);
  expect(await isTaken(hooks)).toBe(true);
  expect(onError).toHaveBeenCalledExactlyOnceWith(error);
  expect(never).not.toHaveBeenCalled();
  remove();
  remove();
  expect(await isTaken(hooks)).toBe(true);
  expect(never).toHaveBeenCalledOnce();
  expect(() => hooks.add(1 as never)).toThrow(TypeError);
});
