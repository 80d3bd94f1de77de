import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { encodeWord, readFrames, writeData } from '../../src/state/frames.js';
import { STATE_FORMAT, StatePipeError, type StateWord } from '../../src/state/words.js';

const WORDS: StateWord[] = [
  { word: 'want', format: STATE_FORMAT, name: 'app', load: true, merge: false },
  { word: 'begin', format: STATE_FORMAT, stage: 'save', name: 'app', version: '2026-11', empty: false, more: true },
  { word: 'end' },
  { word: 'broken', error: { name: 'Error', message: 'no' } },
  { word: 'refused', name: 'app', version: 3, error: { name: 'TypeError', message: 'no', code: 'ERR_X' } },
  { word: 'merged', name: 'app', error: undefined },
];

/** Everything that comes of the bytes, however they are cut; data joined. */
async function read(chunks: readonly Buffer[]): Promise<(StateWord | string)[]> {
  async function* source() {
    yield* chunks;
  }
  const frames: (StateWord | string)[] = [];
  for await (const frame of readFrames(source())) {
    const last = frames.at(-1);
    if (!Buffer.isBuffer(frame)) frames.push(frame);
    else if (typeof last === 'string') frames[frames.length - 1] = last + frame.toString('latin1');
    else frames.push(frame.toString('latin1'));
  }
  return frames;
}

function cut(bytes: Buffer, next: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(next() * next() * 60);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

/** Mulberry32: the same in each run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function dataFrame(...chunks: string[]): Promise<Buffer> {
  const pipe = new PassThrough();
  const buffers = chunks.map((chunk) => Buffer.from(chunk, 'latin1'));
  await new Promise<unknown>((resolve) => writeData(pipe, buffers, resolve));
  const written: Buffer[] = [];
  // Since Node 26 each call has what one write wrote.
  for (let bytes = pipe.read(); bytes !== null; bytes = pipe.read()) written.push(bytes);
  return Buffer.concat(written);
}

test('readFrames() yields every word and all data, however the bytes were cut', async () => {
  const data = await dataFrame('first', '', 'second');
  const bytes = Buffer.concat(WORDS.flatMap((word) => [encodeWord(word), data]));
  const expected = WORDS.flatMap((word) => [word, 'firstsecond']);
  for (let seed = 0; seed < 200; seed++) expect(await read(cut(bytes, createRandom(seed)))).toEqual(expected);
  expect(await read([bytes])).toEqual(expected);
});

test('readFrames() passes data on before its frame is whole', async () => {
  const frame = await dataFrame('0123456789');
  expect(await read([frame.subarray(0, 8)])).toEqual(['012']);
});

test('readFrames() ends with the pipe in the middle of a word', async () => {
  const frame = encodeWord({ word: 'end' });
  expect(await read([frame.subarray(0, -1)])).toEqual([]);
});

test('readFrames() passes over words that only another version knows', async () => {
  expect(await read([encodeWord({ word: 'sing' } as never), encodeWord({ word: 'end' })])).toEqual([{ word: 'end' }]);
});

test.each([
  ['another format', { ...WORDS[0], format: 2 }],
  ['another format, that says it in other words', { word: 'begin', format: 2 }],
  ['no format', { word: 'want', name: 'app', load: true, merge: true }],
  ['a name that is none', { ...WORDS[0], name: 5 }],
  ['a flag that is none', { ...WORDS[0], merge: 'yes' }],
  ['a stage that is none', { ...WORDS[1], stage: 'load' }],
  ['a version that is none', { ...WORDS[1], version: null }],
  ['a refusal without an error', { ...WORDS[4], error: undefined }],
  ['an error that is none', { ...WORDS[5], error: 'no' }],
  ['no word', { bye: 'hello' }],
  ['a word that is none', { word: 1 }],
  ['an array', []],
  ['null', null],
])('readFrames() throws at %s', async (_title, word) => {
  await expect(read([encodeWord(word as never)])).rejects.toThrow(StatePipeError);
});

test('readFrames() throws at a kind it does not know, a word that is too long, and what is no JSON', async () => {
  await expect(read([Buffer.from([3, 0, 0, 0, 0])])).rejects.toThrow('kind 3');
  await expect(read([Buffer.from([1, 0x7f, 0, 0, 0])])).rejects.toThrow(StatePipeError);
  await expect(read([Buffer.from([1, 0, 0, 0, 2, 0x7b, 0x7b])])).rejects.toThrow('no JSON object: {{');
});

test('readFrames() takes any garbage for data, words or an error, and holds none of it for long', async () => {
  const good = Buffer.concat([...WORDS.map(encodeWord), await dataFrame('data')]);
  for (let seed = 0; seed < 3000; seed++) {
    const random = createRandom(seed);
    const bytes = Buffer.from(good);
    for (let changes = 1 + Math.floor(random() * 5); changes > 0; changes--)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    await read(cut(bytes, random)).catch((error) => expect(error).toBeInstanceOf(StatePipeError));
    const noise = Buffer.from(Array.from({ length: 100 }, () => Math.floor(random() * 256)));
    await read([noise]).catch((error) => expect(error).toBeInstanceOf(StatePipeError));
  }
});

test('writeData() calls back when the pipe has taken all, and not before', async () => {
  const pipe = new PassThrough({ highWaterMark: 10 });
  let isTaken = false;
  const taken = new Promise<void>((resolve) =>
    writeData(pipe, [Buffer.alloc(100)], () => {
      isTaken = true;
      resolve();
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(isTaken).toBe(false);
  pipe.resume();
  await taken;
});
