import { beforeEach, expect, test, vi } from 'vitest';
import { Deadline } from '../src/deadline.js';
import { FakeHost, settle } from './fake-host.js';

let host: FakeHost;
beforeEach(() => {
  host = new FakeHost();
});

const never = () => new Promise<void>(() => {});

/** Runs `covers` and records what it said. */
function cover(deadline: Deadline, work: Promise<unknown>) {
  const said = vi.fn();
  void deadline.covers(work).then(said);
  return said;
}

test('remainingMs counts down and never below zero', async () => {
  const deadline = new Deadline(host, 100);
  await host.advance(40);
  expect(deadline.remainingMs).toBe(60);
  await host.advance(100);
  expect(deadline.remainingMs).toBe(0);
});

test('Deadline counts from an earlier moment if it is given one', () => {
  expect(new Deadline(host, 100, host.now() - 30).remainingMs).toBe(70);
});

test('covers() says true for work that ends in time, well or badly', async () => {
  const deadline = new Deadline(host, 100);
  expect(await deadline.covers(Promise.resolve())).toBe(true);
  expect(await deadline.covers(Promise.reject(new Error('no')))).toBe(true);
  expect(host.timers).toBe(0);
});

test('covers() says false when time is up, and not before', async () => {
  const said = cover(new Deadline(host, 100), never());
  await host.advance(99);
  expect(said).not.toHaveBeenCalled();
  await host.advance(1);
  expect(said).toHaveBeenCalledWith(false);
  expect(host.timers).toBe(0);
});

test('covers() keeps the event loop alive while it waits', () => {
  void new Deadline(host, 100).covers(never());
  expect(host.heldTimers).toBe(1);
});

test('covers() leaves no unhandledRejection of work that fails too late', async () => {
  let fail = (_error: Error) => {};
  const work = new Promise((_resolve, reject) => {
    fail = reject;
  });
  const said = cover(new Deadline(host, 100), work);
  await host.advance(100);
  fail(new Error('late'));
  await settle();
  expect(said).toHaveBeenCalledWith(false);
});

test('covers() after the deadline still says true for work that is done', async () => {
  const deadline = new Deadline(host, 100);
  await host.advance(200);
  expect(await deadline.covers(Promise.resolve())).toBe(true);
  const said = cover(deadline, never());
  await host.advance(0);
  expect(said).toHaveBeenCalledWith(false);
});

test('shorten() brings the end forward for who waits already', async () => {
  const deadline = new Deadline(host, 10_000);
  const said = [cover(deadline, never()), cover(deadline, never())];
  deadline.shorten(50);
  expect(deadline.remainingMs).toBe(50);
  await host.advance(50);
  for (const each of said) expect(each).toHaveBeenCalledWith(false);
  expect(host.timers).toBe(0);
});

test('shorten() never puts it off', async () => {
  const deadline = new Deadline(host, 100);
  deadline.shorten(5000);
  expect(deadline.remainingMs).toBe(100);
});

test('shorten() does not wake who waits no longer', async () => {
  const deadline = new Deadline(host, 100);
  await deadline.covers(Promise.resolve());
  deadline.shorten(10);
  expect(host.timers).toBe(0);
});
