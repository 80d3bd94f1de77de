import { beforeEach, expect, test } from 'vitest';
import { HeldSignals } from '../src/held-signals.js';
import { SignalHooks } from '../src/signal-hooks.js';
import { FakeHost, settle } from './fake-host.js';

const SETTINGS = {
  signals: true,
  stopSignals: ['SIGTERM', 'SIGINT'],
  upgradeSignals: ['SIGUSR1'],
} as const;

let host: FakeHost;
let events: unknown[][];
let ran: string[];
beforeEach(() => {
  host = new FakeHost();
  events = [];
  ran = [];
});

interface Given {
  settings?: object;
  ownsSignals?: boolean;
  takeHeld?: (signal: string) => boolean;
}

function create({ settings = SETTINGS, ownsSignals = true, takeHeld = () => false }: Given = {}) {
  const emit = (...event: unknown[]) => void events.push(event);
  return new SignalHooks({ host, emit, settings: settings as never, ownsSignals, takeHeld });
}

const note = (name: string) => () => void ran.push(name);
const runs = () => events.filter(([name]) => name === 'signal').length;

test('add() listens, and runs the hooks of a signal in order, with its name', async () => {
  const hooks = create();
  hooks.add('SIGHUP', (signal) => settle().then(() => void ran.push(signal)));
  hooks.add('SIGHUP', note('second'));
  hooks.add('SIGUSR2', note('other'));
  expect([host.handled, hooks.names]).toEqual([
    ['SIGHUP', 'SIGUSR2'],
    ['SIGHUP', 'SIGUSR2'],
  ]);
  host.raise('SIGHUP');
  await settle();
  await settle();
  expect(ran).toEqual(['SIGHUP', 'second']);
  expect(events).toEqual([['signal', { signal: 'SIGHUP', action: 'hooks' }]]);
});

test('signals that come while the hooks run make them run once more', async () => {
  const ends: (() => void)[] = [];
  create().add('SIGHUP', () => new Promise<void>((resolve) => ends.push(resolve)));
  for (let count = 0; count < 5; count++) host.raise('SIGHUP');
  await settle();
  expect(ends.length).toBe(1);
  ends[0]?.();
  await settle();
  expect([ends.length, runs()]).toEqual([2, 2]);
  ends[1]?.();
  await settle();
  expect(ends.length).toBe(2);
  host.raise('SIGHUP');
  await settle();
  expect(ends.length).toBe(3);
});

test('the signals of different names do not wait for each other', async () => {
  const hooks = create();
  hooks.add('SIGHUP', () => new Promise(() => {}));
  hooks.add('SIGUSR2', note('other'));
  host.raise('SIGHUP');
  host.raise('SIGUSR2');
  await settle();
  expect(ran).toEqual(['other']);
});

test('a hook that throws or rejects is told, and stops neither the others nor the next run', async () => {
  const hooks = create();
  const errors = [new Error('thrown'), new Error('rejected')];
  hooks.add('SIGHUP', () => {
    throw errors[0];
  });
  hooks.add('SIGHUP', () => Promise.reject(errors[1]));
  hooks.add('SIGHUP', note('last'));
  host.raise('SIGHUP');
  await settle();
  host.raise('SIGHUP');
  await settle();
  expect(ran).toEqual(['last', 'last']);
  const failures = events.filter(([name]) => name === 'hook-failed').map(([, payload]) => payload);
  expect(failures.slice(0, 2)).toEqual(errors.map((error) => ({ hook: 'onSignal SIGHUP', error })));
});

test('the handler goes with the last hook, and comes back with the next', async () => {
  const hooks = create();
  const removers = [hooks.add('SIGHUP', note('a')), hooks.add('SIGHUP', note('b'))];
  removers[0]?.();
  removers[0]?.();
  host.raise('SIGHUP');
  await settle();
  expect([ran, host.handled]).toEqual([['b'], ['SIGHUP']]);
  removers[1]?.();
  expect([host.handled, hooks.names]).toEqual([[], []]);
  hooks.add('SIGHUP', note('c'));
  removers[1]?.();
  expect([host.handled, hooks.names]).toEqual([['SIGHUP'], ['SIGHUP']]);
});

test.each([
  ['SIGTERM', /in stopSignals: use onShutdown\(\)/],
  ['SIGUSR1', /in upgradeSignals: use onBeforeUpgrade\(\)/],
  ['SIGKILL', /can't be handled: got "SIGKILL"/],
  ['SIGSTOP', /can't be handled/],
  ['SIGNOPE', /takes the name of a signal/],
  ['hup', /takes the name of a signal/],
  [undefined, /got undefined/],
])('add() refuses %s, whether signals are handled or not', (name, says) => {
  for (const settings of [SETTINGS, { ...SETTINGS, signals: false }]) {
    const add = () => create({ settings }).add(name as never, () => {});
    expect(add).toThrow(RangeError);
    expect(add).toThrow(says);
  }
  expect(host.handled).toEqual([]);
});

test('check() refuses options that give a hooked signal another meaning', () => {
  const hooks = create();
  hooks.check({ ...SETTINGS, stopSignals: ['SIGHUP'] });
  const remove = hooks.add('SIGHUP', () => {});
  expect(() => hooks.check({ ...SETTINGS, stopSignals: ['SIGHUP'] })).toThrow(/SIGHUP as it is in stopSignals/);
  expect(() => hooks.check({ ...SETTINGS, upgradeSignals: ['SIGHUP'] })).toThrow(RangeError);
  hooks.check(SETTINGS);
  remove();
  hooks.check({ ...SETTINGS, stopSignals: ['SIGHUP'] });
});

test('nothing is listened to where signals are off, until they are on', async () => {
  const settings = { ...SETTINGS, signals: false as boolean };
  const hooks = create({ settings });
  hooks.add('SIGHUP', note('ran'));
  expect([host.handled, hooks.names]).toEqual([[], []]);
  settings.signals = true;
  hooks.apply();
  expect([host.handled, hooks.names]).toEqual([['SIGHUP'], ['SIGHUP']]);
  host.raise('SIGHUP');
  await settle();
  expect(ran).toEqual(['ran']);
  settings.signals = false;
  hooks.apply();
  expect(host.handled).toEqual([]);
});

test('an instance that is not the process’s listens to nothing', () => {
  create({ ownsSignals: false }).add('SIGHUP', () => {});
  expect(host.handled).toEqual([]);
});

test('a signal that was held is delivered once, to every hook that is added in the same turn', async () => {
  const held = new HeldSignals(host, ['SIGHUP', 'SIGUSR2'], ['SIGUSR1']);
  for (const signal of ['SIGHUP', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) host.raise(signal);
  const handledAtTake: string[][] = [];
  const hooks = create({
    takeHeld: (signal) => {
      handledAtTake.push(host.handled);
      return held.take(signal);
    },
  });
  hooks.add('SIGHUP', note('a'));
  hooks.add('SIGHUP', note('b'));
  await settle();
  hooks.add('SIGHUP', note('c'));
  await settle();
  expect(ran).toEqual(['a', 'b']);
  expect(handledAtTake[0]).toContain('SIGHUP');
  host.raise('SIGHUP');
  await settle();
  expect(ran).toEqual(['a', 'b', 'a', 'b', 'c']);
  expect(held.release()).toEqual(['SIGUSR2']);
  expect(host.handled).toEqual(['SIGHUP']);
});

test('HeldSignals keeps a signal harmless after its hook went, and remembers it no more', () => {
  const held = new HeldSignals(host, ['SIGHUP'], []);
  const hooks = create({ takeHeld: (signal) => held.take(signal) });
  hooks.add('SIGHUP', () => {})();
  expect(host.handled).toEqual(['SIGHUP']);
  host.raise('SIGHUP');
  expect(held.take('SIGHUP')).toBe(false);
  expect(held.release()).toEqual([]);
  expect(host.handled).toEqual([]);
});
