import { describe, expect, test } from 'vitest';
import { encodeFrame, FrameReader } from '../../src/channel/frames.js';

const MOST = 1024;

/** A sequence that is the same in every run, and tells which it was. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

function announce(length: number): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(length);
  return prefix;
}

/** A value of JSON of some depth. */
function anyValue(pick: (below: number) => number, depth = 3): unknown {
  const kinds = [null, true, false, pick(1e9), -1.5, '', 'ü\u{1f600}\0"\\\n', 'x'.repeat(pick(50))];
  const kind = pick(kinds.length + (depth > 0 ? 2 : 0));
  if (kind < kinds.length) return kinds[kind];
  const list = Array.from({ length: pick(4) }, () => anyValue(pick, depth - 1));
  return kind === kinds.length ? list : Object.fromEntries(list.map((value, index) => [`k${index}`, value]));
}

/** Cuts bytes into pieces, empty ones among them. */
function cut(bytes: Buffer, pick: (below: number) => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = pick(3) === 0 ? pick(4) : pick(200);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

test('encodeFrame() puts the length in bytes, most significant first, before the JSON', () => {
  expect(encodeFrame({ Request: 'TryRestart' }).toString('hex')).toBe(
    '00000018' + '7b2252657175657374223a2254727952657374617274227d',
  );
  expect(encodeFrame('ü')).toEqual(Buffer.from('00000004' + '22c3bc22', 'hex'));
});

describe('FrameReader', () => {
  test('gives what encodeFrame() was given, however the bytes are cut', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const pick = random(seed);
      const values = Array.from({ length: 1 + pick(8) }, () => anyValue(pick));
      const reader = new FrameReader(MOST * 64);
      const got = cut(Buffer.concat(values.map(encodeFrame)), pick).flatMap((piece) => reader.push(piece));
      expect(got, `seed ${seed}`).toEqual(values);
      expect(reader.isInside).toBe(false);
    }
  });

  test('gives them byte by byte, and all of one chunk at once', () => {
    const values = [1, { two: 2 }, [], 'three'];
    const bytes = Buffer.concat(values.map(encodeFrame));
    const reader = new FrameReader(MOST);
    expect([...bytes].flatMap((byte) => reader.push(Buffer.of(byte)))).toEqual(values);
    expect(reader.push(bytes)).toEqual(values);
    expect(new FrameReader(MOST).push(Buffer.alloc(0))).toEqual([]);
  });

  test('lets in a frame of exactly the most bytes, and refuses one more at its prefix', () => {
    const body = JSON.stringify('x'.repeat(MOST - 2));
    expect(new FrameReader(MOST).push(encodeFrame(JSON.parse(body)))).toEqual([JSON.parse(body)]);
    const reader = new FrameReader(MOST);
    expect(reader.push(announce(MOST + 1).subarray(0, 3))).toEqual([]);
    expect(() => reader.push(announce(MOST + 1).subarray(3))).toThrow(RangeError);
    expect(() => new FrameReader(MOST).push(announce(0xffffffff))).toThrow(/4294967295 bytes is longer than the 1024/);
  });

  test.each([
    ['an empty frame', announce(0)],
    ['no JSON', Buffer.concat([announce(2), Buffer.from('{]')])],
    ['two values in one frame', Buffer.concat([announce(3), Buffer.from('1 2')])],
    ['a cut character', Buffer.concat([announce(2), Buffer.of(0x22, 0xc3)])],
  ])('refuses %s', (_title, bytes) => {
    expect(() => new FrameReader(MOST).push(bytes)).toThrow(SyntaxError);
  });

  test('gives the good frames before a bad one first, and is of no use after it', () => {
    const reader = new FrameReader(MOST);
    expect(reader.push(Buffer.concat([encodeFrame(1), announce(0), encodeFrame(2)]))).toEqual([1]);
    expect(() => reader.push(encodeFrame(3))).toThrow(SyntaxError);
    expect(() => reader.push(Buffer.alloc(0))).toThrow(SyntaxError);
  });

  test('throws only RangeError and SyntaxError, and holds no more than it lets in, whatever comes', () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const pick = random(seed);
      const reader = new FrameReader(MOST);
      const bytes = Buffer.from(Array.from({ length: pick(300) }, () => (pick(2) === 0 ? 0 : pick(256))));
      try {
        for (const piece of cut(bytes, pick)) reader.push(piece);
      } catch (error) {
        expect(error instanceof RangeError || error instanceof SyntaxError, `seed ${seed}: ${error}`).toBe(true);
      }
    }
  });

  test('takes a frame of 4 MiB byte by byte in a time that grows with its length alone', () => {
    const most = 4 * 1024 * 1024;
    const reader = new FrameReader(most);
    const bytes = encodeFrame('x'.repeat(most - 2));
    let got: unknown[] = [];
    for (let at = 0; at < bytes.length; at++) got = reader.push(bytes.subarray(at, at + 1));
    expect(got).toHaveLength(1);
  });

  test('says whether it is inside a frame', () => {
    const reader = new FrameReader(MOST);
    expect(reader.isInside).toBe(false);
    reader.push(announce(3).subarray(0, 1));
    expect(reader.isInside).toBe(true);
    reader.push(announce(3).subarray(1));
    expect(reader.isInside).toBe(true);
    expect(reader.push(Buffer.from('123'))).toEqual([123]);
    expect(reader.isInside).toBe(false);
  });
});
