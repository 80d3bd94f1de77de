import { beforeEach, expect, test } from 'vitest';
import { resolveOptions } from '../src/options/options.js';
import { handleSignals } from '../src/signals.js';
import { FakeHost } from './fake-host.js';

let host: FakeHost;
let asked: string[];
let remove: () => void;
beforeEach(() => {
  host = new FakeHost();
  asked = [];
  remove = handleSignals(host, resolveOptions({}, 'plain', 1), {
    stop: (signal) => asked.push(`stop ${signal}`),
    upgrade: (signal) => asked.push(`upgrade ${signal}`),
    force: (signal) => asked.push(`force ${signal}`),
    ignore: (signal, why) => asked.push(`ignore ${signal}: ${why}`),
  });
});

/** Raises signals, each after so many milliseconds. */
async function raise(...steps: [afterMs: number, signal: NodeJS.Signals][]): Promise<string[]> {
  for (const [ms, signal] of steps) {
    await host.advance(ms);
    host.raise(signal);
  }
  return asked;
}

test('handleSignals() listens to the signals of the options, and to no other', () => {
  expect(host.handled).toEqual(['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1']);
  remove();
  remove();
  expect(host.handled).toEqual([]);
});

test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)('%s stops', async (signal) => {
  expect(await raise([0, signal])).toEqual([`stop ${signal}`]);
});

test('SIGUSR1 upgrades each time it comes, also during a stop', async () => {
  expect(await raise([0, 'SIGUSR1'], [1, 'SIGUSR1'], [1, 'SIGTERM'], [1, 'SIGUSR1'])).toEqual([
    'upgrade SIGUSR1',
    'upgrade SIGUSR1',
    'stop SIGTERM',
    'upgrade SIGUSR1',
  ]);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s again within a second is the same request', async (signal) => {
  expect(await raise([0, signal], [3, signal], [996, signal])).toEqual([
    `stop ${signal}`,
    `ignore ${signal}: delivered twice`,
    `ignore ${signal}: delivered twice`,
  ]);
});

test('SIGINT a second later forces', async () => {
  expect(await raise([0, 'SIGINT'], [1000, 'SIGINT'])).toEqual(['stop SIGINT', 'force SIGINT']);
});

test('SIGINT pressed again and again forces, though no two are a second apart', async () => {
  const presses = Array.from({ length: 4 }, () => [400, 'SIGINT'] as [number, NodeJS.Signals]);
  expect((await raise([0, 'SIGINT'], ...presses)).at(2)).toBe('ignore SIGINT: delivered twice');
  expect(asked.at(3)).toBe('force SIGINT');
});

test('SIGTERM and SIGQUIT never force, however late they come again', async () => {
  expect(await raise([0, 'SIGTERM'], [5000, 'SIGTERM'], [5000, 'SIGQUIT'])).toEqual([
    'stop SIGTERM',
    'ignore SIGTERM: already stopping',
    'ignore SIGQUIT: already stopping',
  ]);
});

test('SIGINT right after SIGTERM stops without the delay, and forces only later', async () => {
  expect(await raise([0, 'SIGTERM'], [200, 'SIGINT'], [300, 'SIGINT'], [900, 'SIGINT'])).toEqual([
    'stop SIGTERM',
    'stop SIGINT',
    'ignore SIGINT: delivered twice',
    'force SIGINT',
  ]);
});

test('SIGINT long after SIGTERM forces', async () => {
  expect(await raise([0, 'SIGTERM'], [2000, 'SIGINT'])).toEqual(['stop SIGTERM', 'force SIGINT']);
});
