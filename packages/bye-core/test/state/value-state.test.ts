import { PassThrough } from 'node:stream';
import { deserialize, serialize } from 'node:v8';
import { expect, test, vi } from 'vitest';
import { resolveSection, type StateHandlers } from '../../src/options/state.js';
import { valueState } from '../../src/state/value-state.js';

const { signal } = new AbortController();
const about = { version: 1, signal };

async function carry(handlers: StateHandlers): Promise<void> {
  const stream = new PassThrough();
  const saved = Promise.resolve(handlers.save?.(stream, { signal })).then(() => stream.end());
  await Promise.all([saved, handlers.load?.(stream, about)]);
}

test('valueState() gives load what save returned, as a copy', async () => {
  const value = { when: new Date(0), names: new Map([['a', new Set([1])]]), bytes: Buffer.from('x'), big: 5n };
  const load = vi.fn();
  await carry(valueState({ save: async () => value, load }));
  expect(load).toHaveBeenCalledWith(value, about);
  expect(load.mock.calls[0]?.[0]).not.toBe(value);
});

test('valueState() copies what save and finish return in the same turn, before anything else can change it', async () => {
  for (const stage of ['save', 'finish'] as const) {
    const stream = new PassThrough();
    const value = { count: 1 };
    // What a request that waits for something may do in between.
    void Promise.resolve().then(() => value.count++);
    await valueState({ [stage]: () => value })[stage]?.(stream, { signal });
    expect(deserialize(stream.read() as Buffer)).toEqual({ count: 1 });
  }
});

test('valueState() carries values of more than one chunk, and undefined', async () => {
  const long = 'ä'.repeat(1_000_000);
  const load = vi.fn();
  await carry(valueState({ save: () => long, load }));
  await carry(valueState({ save: () => undefined, load }));
  expect(load.mock.calls.map(([value]) => value === long)).toEqual([true, false]);
  expect(load.mock.calls[1]?.[0]).toBeUndefined();
});

test('valueState() does the same for finish and merge, and keeps the rest', async () => {
  const [merge, rollback] = [vi.fn(), vi.fn()];
  const handlers = valueState({ version: 2, reads: 'any', finish: () => [1, 2], merge, rollback });
  expect(Object.keys(handlers).sort()).toEqual(['finish', 'merge', 'reads', 'rollback', 'version']);
  const stream = new PassThrough();
  await handlers.finish?.(stream, { signal });
  await handlers.merge?.(stream.end(), about);
  expect(merge).toHaveBeenCalledWith([1, 2], about);
  expect(handlers.rollback).toBe(rollback);
  expect(resolveSection('app', handlers).version).toBe(2);
});

test('valueState() rejects where the value cannot be copied, or what came is no value', async () => {
  const save = valueState({ save: () => () => {} }).save?.(new PassThrough(), { signal });
  await expect(save).rejects.toThrow('could not be cloned');
  const load = valueState({ load: () => {} }).load;
  await expect(load?.(new PassThrough().end('garbage'), about)).rejects.toThrow();
  await expect(load?.(new PassThrough().end(serialize('x').subarray(0, -1)), about)).rejects.toThrow();
});

test('valueState() names a handler that is none', () => {
  expect(() => valueState({ save: 5 } as never)).toThrow("valueState() must have a function as 'save': got number");
  expect(() => valueState({ save() {}, store() {} } as never)).toThrow("valueState() has an unknown field 'store'");
});
