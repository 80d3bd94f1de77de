import { expect, test } from 'vitest';
import { Spread } from '../../src/drain/spread.js';
import { FakeHost } from '../fake-host.js';

test('Spread acts on all, evenly over its time, and on each once', async () => {
  const host = new FakeHost();
  const seen: number[] = [];
  const spread = new Spread<number>(host, (item) => seen.push(item));
  spread.start([...Array(100).keys()], 1000);
  for (let passed = 10; passed < 1000; passed += 10) {
    expect(seen.length).toBeLessThanOrEqual(passed / 10);
    expect(seen.length).toBeGreaterThanOrEqual(passed / 10 - 1);
    await host.advance(10);
  }
  expect(seen).toEqual([...Array(100).keys()]);
  expect(host.timers).toBe(0);
});

test('Spread takes many at a step rather than longer than its time', async () => {
  const host = new FakeHost();
  let count = 0;
  const spread = new Spread<number>(host, () => count++);
  spread.start([...Array(10_000).keys()], 1000);
  await host.advance(500);
  expect(count).toBeGreaterThan(4900);
  expect(count).toBeLessThanOrEqual(5001);
  await host.advance(500);
  expect(count).toBe(10_000);
});

test('Spread without time acts at once, and starts anew when told again', async () => {
  const host = new FakeHost();
  const seen: string[] = [];
  const spread = new Spread<string>(host, (item) => seen.push(item));
  spread.start(['a', 'b', 'c'], 900);
  expect(seen).toEqual(['a']);
  spread.start(['b', 'c'], 0);
  expect(seen).toEqual(['a', 'b', 'c']);
  spread.start([], 100);
  spread.start(['d', 'e'], 100);
  spread.cancel();
  await host.advance(1000);
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
});
