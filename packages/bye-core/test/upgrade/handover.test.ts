import { expect, test } from 'vitest';
import { resolveOptions } from '../../src/options/options.js';
import { readStateFd } from '../../src/state/fact.js';
import { toHandoverVariables } from '../../src/upgrade/handover.js';
import type { Rider } from '../../src/upgrade/rider.js';
import { FakeHost } from '../fake-host.js';

const settings = resolveOptions({ upgradeDrainTimeoutMs: 5000, closeReserveMs: 1000 }, 'plain', 1);
const listeners = [
  { key: 'tcp:*:80', names: [] },
  { key: 'unix:/a', names: ['a.socket'] },
];
const rider = (fact: string): Rider => ({ fact, board() {}, fail() {}, heardAll: Promise.resolve() });
const variables = (...riders: Rider[]) =>
  toHandoverVariables({
    host: new FakeHost(),
    settings,
    generation: 3,
    listeners,
    riders,
    hookedSignals: ['SIGHUP'],
    moves: true,
  });

test('toHandoverVariables() names listeners and riders by the descriptors they will have', () => {
  const { BYE_LISTENERS, BYE_PREDECESSOR, ...others } = variables(rider('stateFd'), rider('otherFd'));
  expect(JSON.parse(BYE_LISTENERS)).toEqual([
    { fd: 5, key: 'tcp:*:80', names: [] },
    { fd: 6, key: 'unix:/a', names: ['a.socket'] },
  ]);
  expect(JSON.parse(BYE_PREDECESSOR)).toMatchObject({
    pid: 1000,
    drainTimeoutMs: 6000,
    moves: true,
    stateFd: 7,
    otherFd: 8,
  });
  expect(others).toEqual({ UPGRADE_FD: '3', BYE_GENERATION: '3', BYE_PROTOCOL: '1' });
  expect(readStateFd(BYE_PREDECESSOR)).toBe(7);
});

test.each([undefined, '', 'no', 'null', '5', '{}', '{"stateFd":"7"}', '{"stateFd":4}', '{"stateFd":7.5}'])(
  'readStateFd(%j) finds none',
  (text) => expect(readStateFd(text)).toBeUndefined(),
);
