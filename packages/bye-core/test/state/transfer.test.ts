import { Readable, type Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { settle } from '../fake-host.js';
import { Pair } from './pair.js';

const never = () => new Promise<never>(() => {});
const write = (value: string) => async (stream: Writable) => void stream.write(value);

test('want() resolves when load is done, section after section, in the order they were asked for', async () => {
  using pair = await Pair.open();
  pair.send({ one: { save: write('1') }, two: { save: write('2') } });
  const order: string[] = [];
  const take = (name: string) => ({ load: async (stream: Readable) => void order.push(name, await text(stream)) });
  const results = [pair.want('two', take('two')), pair.want('none', take('none')), pair.want('one', take('one'))];
  expect(await Promise.all(results)).toEqual([true, false, true]);
  expect(order).toEqual(['two', '2', 'one', '1']);
  expect(pair.told).toEqual(
    expect.arrayContaining(['state-saved two save', 'state-loaded two load', 'state-loaded one load']),
  );
  expect(pair.fail).not.toHaveBeenCalled();
});

test('save and load may pipe, without a promise', async () => {
  using pair = await Pair.open();
  const body = 'x'.repeat(300_000);
  pair.send({ app: { save: (stream) => Readable.from([body.slice(0, 100_000), body.slice(100_000)]).pipe(stream) } });
  let length = 0;
  const load = (stream: Readable) => void stream.on('data', (chunk: Buffer) => (length += chunk.length));
  expect(await pair.want('app', { load })).toBe(true);
  expect(length).toBe(body.length);
});

test.each<[title: string, load: (stream: Readable) => unknown]>([
  ['reads nothing', async () => {}],
  ['reads nothing and has no promise', () => {}],
  [
    'stops in the middle',
    async (stream) => {
      for await (const _ of stream) break;
    },
  ],
])('a load that %s is done, and the rest is dropped', async (_title, load) => {
  using pair = await Pair.open();
  pair.send({ app: { save: write('x'.repeat(1_000_000)) }, next: { save: write('next') } });
  const loaded = pair.want('app', { load });
  const next = vi.fn();
  expect(await pair.want('next', { load: async (stream) => next(await text(stream)) })).toBe(true);
  expect(await loaded).toBe(true);
  expect(next).toHaveBeenCalledWith('next');
});

test('a save is held back by a load that does not read', async () => {
  using pair = await Pair.open();
  let written = 0;
  const save = async (stream: Writable) => {
    for (; written < 64; written++) {
      const isTaken = new Promise((resolve) => stream.write(Buffer.alloc(1024 * 1024), resolve));
      await isTaken;
    }
  };
  pair.send({ app: { save } });
  let go = () => {};
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });
  let bytes = 0;
  const load = async (stream: Readable) => {
    await gone;
    for await (const chunk of stream) bytes += (chunk as Buffer).length;
  };
  const loaded = pair.want('app', { load });
  for (let turn = 0; turn < 50; turn++) await settle();
  expect(written).toBeLessThan(8);
  go();
  expect(await loaded).toBe(true);
  expect(bytes).toBe(64 * 1024 * 1024);
});

test('a save waits until what this process takes in itself is whole', async () => {
  using pair = await Pair.open();
  let settleMerge = () => {};
  pair.settled = new Promise<void>((resolve) => {
    settleMerge = resolve;
  });
  const save = vi.fn(write('1'));
  pair.send({ app: { save } });
  const loaded = pair.want('app', { load: text });
  for (let turn = 0; turn < 20; turn++) await settle();
  expect(save).not.toHaveBeenCalled();
  settleMerge();
  expect(await loaded).toBe(true);
});

test('a load that fails is refused with its error, and want() stays pending', async () => {
  using pair = await Pair.open();
  pair.send({ app: { save: write('x'), version: 7 } });
  const settled = vi.fn();
  const load = async () => Promise.reject(new TypeError('what is this'));
  void pair.want('app', { load, reads: 'any' }).then(settled, settled);
  await vi.waitFor(() => expect(pair.fail).toHaveBeenCalled());
  expect(pair.fail.mock.calls[0]?.[0]).toMatchObject({
    code: 'ERR_BYE_STATE_REFUSED',
    data: { name: 'app', version: 7 },
    cause: { name: 'TypeError', message: 'what is this' },
  });
  expect(settled).not.toHaveBeenCalled();
});

test('a process that refused serves all the same when the old one dies before it can end it', async () => {
  using pair = await Pair.open();
  pair.send({ app: { save: write('x') } });
  const loaded = pair.want('app', { load: () => Promise.reject(new Error('no')) });
  await vi.waitFor(() => expect(pair.fail).toHaveBeenCalled());
  pair.old.destroy();
  pair.receiver.orphan();
  expect(await loaded).toBe(false);
  expect(pair.told).toEqual(['state-saved app save', 'state-failed app load', 'state-lost app load']);
});

test('a load that hangs with all of its state is given up some time after the old process has gone', async () => {
  using pair = await Pair.open();
  pair.send({ app: { save: write('x') } });
  const loaded = pair.want('app', { load: never });
  await vi.waitFor(() => expect(pair.told).toContain('state-saved app save'));
  pair.old.destroy();
  pair.receiver.orphan();
  expect(await loaded).toBe(false);
}, 10_000);

test('what the pipe still holds when the old process dies is loaded', async () => {
  using pair = await Pair.open();
  pair.send({ app: { save: write('x'.repeat(50_000)) } });
  let go = () => {};
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });
  const load = async (stream: Readable) => {
    await gone;
    expect((await text(stream)).length).toBe(50_000);
  };
  const loaded = pair.want('app', { load });
  await vi.waitFor(() => expect(pair.told).toContain('state-saved app save'));
  pair.old.end();
  pair.receiver.orphan();
  go();
  expect(await loaded).toBe(true);
});

test('an upgrade that fails destroys the stream of save, aborts its signal, and rolls back what had begun', async () => {
  using pair = await Pair.open();
  const [rollback, other] = [vi.fn(), vi.fn()];
  let stream: Writable | undefined;
  let signal: AbortSignal | undefined;
  const sender = pair.send({
    app: {
      save: (given, about) => {
        [stream, signal] = [given, about.signal];
        return never();
      },
      rollback,
    },
    unasked: { save: write(''), rollback: other },
  });
  void pair.want('app', { load: text });
  await vi.waitFor(() => expect(stream).toBeDefined());
  const error = new Error('time is up');
  sender.fail(error);
  await sender.rollback(error);
  expect(stream?.destroyed).toBe(true);
  expect(signal?.reason).toMatchObject({ code: 'ERR_BYE_STATE_LOST', data: { name: 'app' }, cause: error });
  expect(rollback).toHaveBeenCalledWith(error);
  expect(other).not.toHaveBeenCalled();
  expect(pair.fail).not.toHaveBeenCalled();
});

test('a rollback that throws is told, and keeps no other from running', async () => {
  using pair = await Pair.open();
  const rollback = vi.fn();
  const sender = pair.send({
    one: { save: write(''), rollback: () => Promise.reject(new Error('no')) },
    two: { save: write(''), rollback },
  });
  await Promise.all([pair.want('one', { load: text }), pair.want('two', { load: text })]);
  await sender.rollback(new Error('failed'));
  expect(pair.told).toContain('state-failed one rollback');
  expect(rollback).toHaveBeenCalled();
});
