import { beforeEach, expect, test } from 'vitest';
import { AutoReadiness } from '../src/readiness.js';
import { FakeHost, settle } from './fake-host.js';

let host: FakeHost;
let allClaimed: boolean;
let ready: number;
let settleMs: number;
let readiness: AutoReadiness;
beforeEach(() => {
  host = new FakeHost();
  allClaimed = true;
  ready = 0;
  settleMs = 0;
  readiness = new AutoReadiness({
    host,
    allClaimed: () => allClaimed,
    settleMs: () => settleMs,
    onReady: () => ready++,
  });
});

test('a first start is ready as soon as an attached server listens', async () => {
  readiness.noteListen();
  await settle();
  expect(ready).toBe(0);
  readiness.noteAttached();
  expect(ready).toBe(1);
  expect(host.timers).toBe(0);
});

test('it is ready once, however many servers listen', async () => {
  readiness.noteAttached();
  readiness.noteAttached();
  await settle();
  readiness.noteAttached();
  await settle();
  expect(ready).toBe(1);
});

test('it waits for the last of the holds', async () => {
  const [first, second] = [readiness.hold(), readiness.hold()];
  readiness.noteAttached();
  first?.(true);
  first?.(true);
  await settle();
  expect(ready).toBe(0);
  second?.(true);
  await settle();
  expect(ready).toBe(1);
});

test('a hold that ends makes nothing ready while no server listens', async () => {
  readiness.hold()(true);
  await host.advance(5000);
  expect(ready).toBe(0);
});

test('a hold that nobody ends is given up after a quiet second', async () => {
  readiness.hold();
  readiness.noteAttached();
  await host.advance(1000);
  expect(ready).toBe(1);
});

test('an upgrade is ready at once when every inherited listener is claimed', async () => {
  allClaimed = false;
  readiness.noteAttached();
  await host.advance(500);
  allClaimed = true;
  readiness.noteListen();
  await settle();
  expect(ready).toBe(1);
});

test('an upgrade is ready after a second without a new listen()', async () => {
  allClaimed = false;
  readiness.noteAttached();
  await host.advance(999);
  readiness.noteListen();
  await host.advance(999);
  expect(ready).toBe(0);
  await host.advance(1);
  expect(ready).toBe(1);
});

test('it holds the event loop for that second, as a deferred listener does not', () => {
  allClaimed = false;
  readiness.noteAttached();
  expect(host.heldTimers).toBe(1);
});

test('an upgrade is not ready while no attached server listens', async () => {
  allClaimed = false;
  readiness.noteListen();
  await host.advance(5000);
  expect(ready).toBe(0);
});

test.each(['before anything listens', 'in the quiet second'])('stop() ends it: %s', async (when) => {
  if (when === 'in the quiet second') allClaimed = false;
  if (when !== 'before anything listens') readiness.noteAttached();
  readiness.stop();
  expect(host.timers).toBe(0);
  readiness.noteAttached();
  readiness.noteListen();
  await host.advance(5000);
  expect(ready).toBe(0);
  expect(host.timers).toBe(0);
});

test('a new process has to live for a while after it listens', async () => {
  settleMs = 700;
  readiness.noteAttached();
  await settle();
  await host.advance(699);
  expect(ready).toBe(0);
  await host.advance(1);
  expect(ready).toBe(1);
});

test('a further listen() begins that time anew', async () => {
  settleMs = 700;
  readiness.noteAttached();
  await host.advance(600);
  readiness.noteListen();
  await host.advance(699);
  expect(ready).toBe(0);
  await host.advance(1);
  expect(ready).toBe(1);
});
