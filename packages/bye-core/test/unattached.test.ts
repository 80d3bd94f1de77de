import { beforeEach, expect, test, vi } from 'vitest';
import { UnattachedServers } from '../src/unattached.js';
import { FakeHost } from './fake-host.js';

let host: FakeHost;
let isStarting: boolean;
let hasAttached: boolean;
let allClaimed: boolean;
let unattached: UnattachedServers;
const takeAll = vi.fn();
const emit = vi.fn();
beforeEach(() => {
  host = new FakeHost();
  isStarting = true;
  hasAttached = false;
  allClaimed = true;
  takeAll.mockReset();
  emit.mockReset();
  const facts = { isStarting: () => isStarting, hasAttached: () => hasAttached, allClaimed: () => allClaimed };
  unattached = new UnattachedServers({ host, emit, takeAll, ...facts });
});

const warning = expect.stringContaining('Pass the server to bye.attach()');

test('an application that does not ask for bye gets its servers taken, a second after the last listen()', async () => {
  unattached.noteListening();
  await host.advance(900);
  unattached.noteListening();
  await host.advance(900);
  expect(takeAll).not.toHaveBeenCalled();
  await host.advance(100);
  expect(takeAll).toHaveBeenCalledOnce();
  expect(emit).not.toHaveBeenCalled();
});

test('its new process waits until it listens wherever the old one did, as late as that may be', async () => {
  allClaimed = false;
  unattached.noteListening();
  await host.advance(30_000);
  expect(takeAll).not.toHaveBeenCalled();
  allClaimed = true;
  unattached.noteListening();
  await host.advance(1000);
  expect(takeAll).toHaveBeenCalledOnce();
  expect(host.timers).toBe(0);
});

test('a drain before that takes them at once, and only those of such an application', () => {
  unattached.settle();
  expect(takeAll).not.toHaveBeenCalled();
  unattached.noteListening();
  unattached.settle();
  expect(takeAll).toHaveBeenCalledOnce();
  expect(host.timers).toBe(0);
  unattached.claim();
  unattached.settle();
  expect(takeAll).toHaveBeenCalledOnce();
});

test.each([
  ['before', () => [unattached.claim(), unattached.noteListening()]],
  ['after', () => [unattached.noteListening(), unattached.claim()]],
])('one that asks for bye %s it listens is warned if it attaches nothing for ten seconds', async (_when, run) => {
  run();
  await host.advance(9999);
  expect(emit).not.toHaveBeenCalled();
  await host.advance(1);
  expect(emit.mock.calls).toEqual([['warning', { message: warning }]]);
  expect(takeAll).not.toHaveBeenCalled();
});

test('it is not warned if it has attached a server, or said itself that it is ready', async () => {
  unattached.claim();
  hasAttached = true;
  unattached.noteListening();
  await host.advance(10_000);
  hasAttached = false;
  isStarting = false;
  unattached.noteListening();
  await host.advance(10_000);
  expect(emit).not.toHaveBeenCalled();
});
