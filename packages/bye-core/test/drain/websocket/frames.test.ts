import { createRandom } from '@bye/testkit';
import { expect, test } from 'vitest';
import { closeFrame, FrameBoundaries } from '../../../src/drain/websocket/frames.js';
import { Handshake } from '../../../src/drain/websocket/handshake.js';

/** A frame by the letter of RFC 6455, 5.2. */
function frame(opcode: number, length: number, { fin = true, mask = false } = {}): Buffer {
  const head = [(fin ? 0x80 : 0) | opcode];
  const masked = mask ? 0x80 : 0;
  if (length < 126) head.push(masked | length);
  else if (length < 65_536) head.push(masked | 126, length >> 8, length & 0xff);
  else
    head.push(
      masked | 127,
      0,
      0,
      0,
      0,
      (length >> 24) & 0xff,
      (length >> 16) & 0xff,
      (length >> 8) & 0xff,
      length & 0xff,
    );
  if (mask) head.push(1, 2, 3, 4);
  // Bytes that look like a frame head of their own.
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length, 0x88)]);
}

const FRAMES = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000].flatMap((length) => [
  frame(1, length),
  frame(2, length, { fin: false }),
  frame(0, length, { mask: true }),
]);

test.each([1, 2, 3, 7, 1000, 65_536])('FrameBoundaries finds each end of a frame in pieces of %i bytes', (size) => {
  const boundaries = new FrameBoundaries();
  const ends = new Set<number>([0]);
  let length = 0;
  for (const one of FRAMES) {
    length += one.length;
    ends.add(length);
  }
  const bytes = Buffer.concat(FRAMES);
  for (let at = 0; at < bytes.length; at += size) {
    if (ends.has(at) !== boundaries.isBetweenFrames) expect.fail(`at byte ${at}`);
    boundaries.push(bytes.subarray(at, at + size));
  }
  expect(boundaries.isBetweenFrames).toBe(true);
  expect(boundaries.hasClosed).toBe(false);
});

test('FrameBoundaries follows frames that are cut anywhere', () => {
  const random = createRandom(1);
  for (let run = 0; run < 50; run++) {
    const boundaries = new FrameBoundaries();
    for (const one of FRAMES) {
      const cut = Math.floor(random.next() * one.length);
      boundaries.push(one.subarray(0, cut));
      if (cut > 0) expect(boundaries.isBetweenFrames).toBe(false);
      boundaries.push(one.subarray(cut));
      expect(boundaries.isBetweenFrames).toBe(true);
    }
  }
});

test('FrameBoundaries sees a close frame of the application', () => {
  const boundaries = new FrameBoundaries();
  boundaries.push(Buffer.concat([frame(1, 5), closeFrame(1000)]));
  expect(boundaries).toMatchObject({ hasClosed: true, isBetweenFrames: true });
});

test('closeFrame() is an unmasked close frame with the code', () => {
  expect([...closeFrame(1012)]).toEqual([0x88, 0x02, 0x03, 0xf4]);
});

test.each([
  ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n', true],
  ['HTTP/1.1 401 Unauthorized\r\nX-Not: HTTP/1.1 101 \r\n\r\n', false],
])('Handshake reads %j in pieces of any size', (head, accepted) => {
  const bytes = Buffer.from(`${head}first frame`);
  for (let size = 1; size < bytes.length; size++) {
    const handshake = new Handshake();
    let behind = '';
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      const text = handshake.accepted === undefined ? handshake.push(piece) : piece;
      expect(handshake.accepted).toBe(at + size < head.length ? undefined : accepted);
      behind += Buffer.from(text).toString();
    }
    expect(behind).toBe('first frame');
  }
});

test('Handshake gives up on a head that never ends', () => {
  const handshake = new Handshake();
  for (let kib = 0; kib <= 64; kib++) handshake.push(Buffer.alloc(1024, 'x'));
  expect(handshake.accepted).toBe(false);
});
