import { beforeEach, expect, test, vi } from 'vitest';
import type { Link } from '../../src/channel/link.js';
import type { Message } from '../../src/channel/messages.js';
import { readProcess } from '../../src/proc.js';
import { Predecessor } from '../../src/upgrade/predecessor.js';
import { FakeHost, settle } from '../fake-host.js';

// Without a start time, as on a system without /proc: what counts is who the parent is.
const OLD = { pid: 700, startTime: '', drainTimeoutMs: 10_000 };
const DRAINING = ['predecessor-draining', { predecessorPid: OLD.pid, untilMs: new FakeHost().epochNow() + 10_000 }];

class FakeLink implements Link {
  readonly hasChannel = true;
  readonly sent: Message[] = [];
  readonly variables: Link['variables'];
  receiveNow: (message: Message) => void = () => {};
  lose: () => void = () => {};

  constructor(predecessor: string | undefined) {
    this.variables = predecessor === undefined ? {} : { BYE_PREDECESSOR: predecessor };
  }

  send(message: Message): void {
    this.sent.push(message);
  }

  receive(listener: (message: Message) => void): void {
    this.receiveNow = listener;
  }

  onLost(listener: () => void): void {
    this.lose = listener;
  }

  takeSignal(): boolean {
    return false;
  }

  settle(): string[] {
    return [];
  }
}

let host: FakeHost;
let link: FakeLink;
let events: unknown[][];
beforeEach(() => {
  host = new FakeHost();
  host.ppid = OLD.pid;
  link = new FakeLink(JSON.stringify(OLD));
  events = [];
});

const emit = (...event: unknown[]) => void events.push(event);
const predecessor = () => new Predecessor(link, host, emit);

async function isSettled(promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), settle().then(() => false)]);
}

test('Predecessor of a first start has gone from the beginning', async () => {
  const none = new Predecessor(undefined, host, emit);
  none.startDrain();
  expect(none.draining).toBeUndefined();
  expect(await isSettled(none.gone)).toBe(true);
  expect(events).toEqual([]);
});

test.each([undefined, '', 'null', '{', '[]', '{"pid":"700","startTime":"1","drainTimeoutMs":1}', '{"pid":700}'])(
  'Predecessor that says %j of itself is nobody to wait for',
  async (text) => {
    const unknown = new Predecessor(new FakeLink(text), host, emit);
    unknown.startDrain();
    expect(unknown.draining).toBeUndefined();
    expect(await isSettled(unknown.gone)).toBe(true);
    expect(host.timers).toBe(0);
  },
);

test('draining tells what the old process said last', () => {
  const old = predecessor();
  old.startDrain();
  expect(old.draining).toEqual({ pid: 700, untilMs: host.epochNow() + 10_000, waitingFor: 'its work to end' });
  link.receiveNow({ bye: 'draining', untilMs: 99, waitingFor: '2 requests', idle: false });
  link.receiveNow({ bye: 'finish', withinMs: 1 });
  expect(old.draining).toEqual({ pid: 700, untilMs: 99, waitingFor: '2 requests' });
});

test('draining ends when the channel does, and gone resolves', async () => {
  const old = predecessor();
  old.startDrain();
  expect(await isSettled(old.gone)).toBe(false);
  link.lose();
  expect(old.draining).toBeUndefined();
  expect(await isSettled(old.gone)).toBe(true);
  expect(events).toEqual([DRAINING, ['predecessor-gone', { predecessorPid: 700 }]]);
  expect(host.timers).toBe(0);
});

test('draining ends when the kernel says so, before the channel does', () => {
  const old = predecessor();
  old.startDrain();
  host.ppid = 1;
  expect(old.draining).toBeUndefined();
});

test('draining tells a process by its start time where it is not the parent', () => {
  host.ppid = 1;
  const startTime = readProcess(process.pid)?.startTime as string;
  link = new FakeLink(JSON.stringify({ ...OLD, pid: process.pid, startTime }));
  const same = predecessor();
  same.startDrain();
  expect(same.draining?.pid).toBe(process.pid);
  link = new FakeLink(JSON.stringify({ ...OLD, pid: process.pid, startTime: `${startTime}0` }));
  const other = predecessor();
  other.startDrain();
  expect(other.draining).toBeUndefined();
});

test('startDrain() kills an old process that outlives its deadline by five seconds', async () => {
  predecessor().startDrain();
  await host.advance(14_999);
  expect(host.kills).toEqual([]);
  await host.advance(1);
  expect(host.kills).toEqual([[700, 'SIGKILL']]);
  expect(events).toEqual([DRAINING, ['predecessor-killed', { predecessorPid: 700 }]]);
});

test('startDrain() kills no stranger that got the PID', async () => {
  predecessor().startDrain();
  host.ppid = 1;
  await host.advance(60_000);
  expect(host.kills).toEqual([]);
});

test('startDrain() holds no event loop for that', () => {
  predecessor().startDrain();
  expect([host.timers, host.heldTimers]).toEqual([1, 0]);
});

test('startDrain() survives that it may not kill it', async () => {
  host.onKill = () => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  };
  predecessor().startDrain();
  await host.advance(60_000);
  expect(events.slice(1)).toEqual([['warning', { message: 'cannot end the old process 700: kill EPERM (EPERM)' }]]);
});

test('startDrain() tells of no kill if the process had gone just then', async () => {
  host.onKill = () => false;
  predecessor().startDrain();
  await host.advance(60_000);
  expect(events).toEqual([DRAINING]);
});

test('hurry() tells it, and kills it five seconds after that time', async () => {
  const old = predecessor();
  old.startDrain();
  old.hurry(2000);
  expect(link.sent).toEqual([{ bye: 'finish', withinMs: 2000 }]);
  expect(events).toEqual([DRAINING, ['predecessor-hurried', { predecessorPid: 700, withinMs: 2000 }]]);
  await host.advance(6999);
  expect(host.kills).toEqual([]);
  await host.advance(1);
  expect(host.kills).toEqual([[700, 'SIGKILL']]);
});

test('hurry() leaves it what belongs to its state and its close hooks', async () => {
  link = new FakeLink(JSON.stringify({ ...OLD, drainTimeoutMs: 60_000, reserveMs: 20_000 }));
  const old = predecessor();
  old.startDrain();
  old.hurry(0);
  await host.advance(24_999);
  expect(host.kills).toEqual([]);
  await host.advance(1);
  expect(host.kills).toEqual([[700, 'SIGKILL']]);
});

test('hurry() again never puts its end off', async () => {
  const old = predecessor();
  old.startDrain();
  for (let second = 0; second < 5; second++) {
    old.hurry(second * 1000);
    await host.advance(1000);
  }
  expect(host.kills).toEqual([[700, 'SIGKILL']]);
});

test('hurry() and finishNow() leave an old process alone that still serves', async () => {
  const old = predecessor();
  old.hurry(0);
  expect(await isSettled(old.finishNow())).toBe(true);
  await host.advance(3_600_000);
  expect(link.sent).toEqual([]);
  expect(host.kills).toEqual([]);
});

test('hurry() says nothing to one that has gone', () => {
  const old = predecessor();
  old.startDrain();
  link.lose();
  old.hurry(0);
  expect(link.sent).toEqual([]);
  expect(host.timers).toBe(0);
});

test('leaving waits for the exit of one that has no work any more, a second at most', async () => {
  const old = predecessor();
  old.startDrain();
  expect(old.leaving).toBeUndefined();
  link.receiveNow({ bye: 'draining', untilMs: 99, waitingFor: '1 request', idle: false });
  expect(old.leaving).toBeUndefined();
  link.receiveNow({ bye: 'draining', untilMs: 99, waitingFor: 'its exit', idle: true });
  const [late, gone] = [vi.fn(), vi.fn()];
  void old.leaving?.then(late);
  await host.advance(999);
  expect(late).not.toHaveBeenCalled();
  await host.advance(1);
  expect(late).toHaveBeenCalledWith(false);
  void old.leaving?.then(gone);
  link.lose();
  await settle();
  expect(gone).toHaveBeenCalledWith(true);
  expect(old.leaving).toBeUndefined();
});

test('finishNow() waits until it has gone', async () => {
  const old = predecessor();
  old.startDrain();
  const finished = vi.fn();
  void old.finishNow().then(finished);
  expect(link.sent).toEqual([{ bye: 'finish', withinMs: 0 }]);
  await host.advance(4000);
  expect(finished).not.toHaveBeenCalled();
  link.lose();
  await settle();
  expect(finished).toHaveBeenCalled();
  expect(host.timers).toBe(0);
});

test('finishNow() does not wait for ever for one that cannot be killed', async () => {
  const old = predecessor();
  old.startDrain();
  const finished = vi.fn();
  void old.finishNow().then(finished);
  await host.advance(10_000);
  expect(finished).toHaveBeenCalled();
  expect(old.draining?.pid).toBe(700);
});

test('kill() ends an old process that drains, and no stranger that got its PID', () => {
  const startTime = readProcess(process.pid)?.startTime as string;
  for (const [text, kills] of [
    [startTime, [[process.pid, 'SIGKILL']]],
    [`${startTime}0`, []],
  ] as const) {
    host = new FakeHost();
    link = new FakeLink(JSON.stringify({ ...OLD, pid: process.pid, startTime: text }));
    const old = predecessor();
    old.startDrain();
    old.kill();
    expect(host.kills).toEqual(kills);
  }
});

test('kill() leaves an old process alone that still serves, and end does not wait for it', async () => {
  const old = predecessor();
  old.kill();
  expect(host.kills).toEqual([]);
  expect(await isSettled(old.end)).toBe(true);
  old.startDrain();
  expect(await isSettled(old.end)).toBe(false);
  link.lose();
  old.kill();
  expect(host.kills).toEqual([]);
  expect(await isSettled(old.end)).toBe(true);
});
