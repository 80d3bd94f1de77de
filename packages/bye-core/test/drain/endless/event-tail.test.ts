import { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { EventTail, followEvents } from '../../../src/drain/endless/event-tail.js';

test.each([
  ['data: a\n\n', true],
  ['data: a\r\n\r\n', true],
  ['data: a\r\r', true],
  ['data: a\n\r\n', true],
  ['data: a\n', false],
  ['data: a\r\n', false],
  ['data: a\r', false],
  ['\n\ndata: a', false],
])('EventTail knows where %j ends, in pieces of any size, as text or bytes', (text, isBetweenEvents) => {
  for (let size = 1; size <= text.length; size++) {
    for (const convert of [(piece: string) => piece, (piece: string) => Buffer.from(piece)]) {
      const tail = new EventTail();
      expect(tail.isBetweenEvents).toBe(true);
      for (let at = 0; at < text.length; at += size) tail.push(convert(text.slice(at, at + size)), undefined);
      tail.push('', undefined);
      expect(tail).toMatchObject({ isBetweenEvents });
    }
  }
});

test('followEvents() tells of each complete event, whatever its encoding', () => {
  const response = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never);
  const tail = followEvents(response);
  let complete = 0;
  tail.onComplete = () => complete++;
  response.write('data: ');
  response.write('a\n', 'utf8');
  expect(complete).toBe(0);
  response.write('0a', 'hex', () => {});
  expect(complete).toBe(1);
});
