import { beforeEach, expect, test } from 'vitest';
import { Crowd, MOST_WAITING, MOST_YOUNG } from '../../src/control/crowd.js';
import { FakeHost, settle } from '../fake-host.js';

let host: FakeHost;
let crowd: Crowd<Visitor>;
let ended: number[];
beforeEach(() => {
  host = new FakeHost();
  crowd = new Crowd(host);
  ended = [];
});

class Visitor {
  readonly since = host.now();
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }

  destroy(): void {
    ended.push(this.number);
  }
}

function enter(count: number, from = 0): Visitor[] {
  return Array.from({ length: count }, (_, index) => {
    const visitor = new Visitor(from + index);
    crowd.enter(visitor);
    return visitor;
  });
}

test('as many as may wait are left alone, for ever', async () => {
  enter(MOST_WAITING);
  await host.advance(60_000);
  expect(ended).toEqual([]);
  expect(crowd.size).toBe(MOST_WAITING);
});

test('beyond them the oldest go, but not while they are young', async () => {
  enter(MOST_WAITING + 3);
  await host.advance(200);
  expect(ended).toEqual([]);
  await host.advance(100);
  expect(ended).toEqual([0, 1, 2]);
  expect(crowd.size).toBe(MOST_WAITING);
});

test('a burst cannot close anybody in the turn in which it came, nor before what it sent was read', async () => {
  enter(MOST_YOUNG + 10);
  expect(ended).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  // In this turn of the event loop what was sent with the connection is read.
  expect(ended).toEqual([]);
  await settle();
  expect(ended).toEqual(Array.from({ length: 10 }, (_, index) => index));
});

test('who asked, or went, is not closed and makes room', async () => {
  const visitors = enter(MOST_WAITING + 3);
  for (const visitor of visitors.slice(0, 2)) crowd.remove(visitor);
  await host.advance(1000);
  expect(ended).toEqual([2]);
});

test('those who have their result and do not close are kept to a number, the oldest go at once', () => {
  for (const visitor of enter(MOST_WAITING + 2)) crowd.leave(visitor);
  expect(ended).toEqual([0, 1]);
  expect(crowd.size).toBe(MOST_WAITING);
});

test('youngForMs is the time that the youngest of those who did not ask yet has', async () => {
  expect(crowd.youngForMs).toBe(0);
  enter(1);
  await host.advance(100);
  const [second] = enter(1, 1);
  expect(crowd.youngForMs).toBe(250);
  if (second) crowd.remove(second);
  expect(crowd.youngForMs).toBe(150);
  await host.advance(150);
  expect(crowd.youngForMs).toBe(0);
});
