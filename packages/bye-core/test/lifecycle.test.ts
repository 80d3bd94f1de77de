import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Lifecycle } from '../src/lifecycle.js';
import { FakeHost, settle } from './fake-host.js';

let host: FakeHost;
let lifecycle: Lifecycle;
beforeEach(() => {
  host = new FakeHost();
  lifecycle = new Lifecycle(host);
});
afterEach(() => vi.restoreAllMocks());

test('Lifecycle begins as starting, running, green and in no phase', () => {
  expect(lifecycle).toMatchObject({
    status: 'starting',
    phase: undefined,
    reason: undefined,
    isRunning: true,
    isGreen: true,
  });
  expect(lifecycle.signal.aborted).toBe(false);
});

test('becomeReady() works once', () => {
  expect([lifecycle.becomeReady(), lifecycle.becomeReady()]).toEqual([true, false]);
  expect(lifecycle).toMatchObject({ status: 'ready', isRunning: true });
});

test.each(['starting', 'ready'])('beginDrain() is legal while %s', (status) => {
  if (status === 'ready') lifecycle.becomeReady();
  expect(lifecycle.beginDrain('upgrade')).toBe(true);
  expect(lifecycle).toMatchObject({ status: 'draining', reason: 'upgrade', isRunning: false });
});

test('beginDrain() keeps the first reason, and aborts the signal with it once', () => {
  const aborted = vi.fn();
  lifecycle.signal.addEventListener('abort', aborted);
  lifecycle.beginDrain('stop');
  expect(lifecycle.beginDrain('upgrade')).toBe(false);
  expect(lifecycle.reason).toBe('stop');
  expect(lifecycle.signal.reason).toBe('stop');
  expect(aborted).toHaveBeenCalledTimes(1);
});

test('beginDrain() has set status and reason when the signal aborts', () => {
  const seen: unknown[] = [];
  lifecycle.signal.addEventListener('abort', () => seen.push(lifecycle.status, lifecycle.reason));
  lifecycle.beginDrain('upgrade');
  expect(seen).toEqual(['draining', 'upgrade']);
});

test('becomeReady() is too late in a drain, and after it', () => {
  lifecycle.beginDrain('stop');
  expect(lifecycle.becomeReady()).toBe(false);
  lifecycle.finish();
  expect(lifecycle.becomeReady()).toBe(false);
  expect(lifecycle.status).toBe('stopped');
});

test('finish() skips no step: it does nothing before a drain', () => {
  lifecycle.finish();
  expect(lifecycle.status).toBe('starting');
});

test('finish() ends the phase', () => {
  lifecycle.beginDrain('stop');
  lifecycle.enterPhase('tasks');
  expect(lifecycle.phase).toBe('tasks');
  lifecycle.finish();
  expect(lifecycle.phase).toBeUndefined();
});

test('cut() aborts deadlineSignal alone, as a time-out', async () => {
  const aborted = once(lifecycle.deadlineSignal, 'abort');
  lifecycle.cut();
  await aborted;
  expect((lifecycle.deadlineSignal.reason as Error).name).toBe('TimeoutError');
  expect(lifecycle.signal.aborted).toBe(false);
});

test('setGreen() changes nothing but isGreen', () => {
  lifecycle.setGreen(false);
  expect(lifecycle).toMatchObject({ isGreen: false, status: 'starting' });
  lifecycle.setGreen(true);
  expect(lifecycle.isGreen).toBe(true);
});

test('uptimeMs counts whole milliseconds from the start', async () => {
  await host.advance(1234.4);
  expect(lifecycle.uptimeMs).toBe(1234);
});

test('signal and deadlineSignal take any number of listeners without a warning', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  for (let task = 0; task < 50; task++) {
    lifecycle.signal.addEventListener('abort', () => {});
    lifecycle.deadlineSignal.addEventListener('abort', () => {});
  }
  await settle();
  expect(warned).not.toHaveBeenCalled();
});
