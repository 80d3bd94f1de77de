import { expect, test } from 'vitest';
import { Patience } from '../../src/cli/patience.js';
import type { ByeError } from '../../src/errors.js';
import { FakeHost } from '../fake-host.js';

function lose(timeoutMs?: number) {
  const host = new FakeHost();
  const errors: ByeError[] = [];
  const patience = new Patience({ host, timeoutMs, silenceMs: 30_000, onEnd: (error) => void errors.push(error) });
  return { host, errors, patience };
}

test('Patience ends after its time, whatever is heard', async () => {
  const { host, errors, patience } = lose(1000);
  await host.advance(900);
  patience.heard(host.epochNow() + 60_000);
  patience.relax();
  await host.advance(100);
  expect(errors).toMatchObject([{ code: 'ERR_BYE_CONTROL_TIMEOUT', data: { timeoutMs: 1000 } }]);
});

test('Patience without a time ends when nothing was heard, and nothing is to be expected', async () => {
  const { host, errors, patience } = lose();
  await host.advance(29_000);
  patience.heard();
  await host.advance(29_000);
  patience.heard(host.epochNow() + 60_000);
  await host.advance(89_000);
  expect(errors).toEqual([]);
  await host.advance(1000);
  expect(errors).toMatchObject([
    { message: expect.stringContaining('nothing was heard of the service for 1 min 30 s') },
  ]);
});

test('Patience lasts for ever once it is relaxed, and ends with its owner', async () => {
  const { host, errors, patience } = lose();
  patience.relax();
  await host.advance(1e7);
  expect([errors, host.timers]).toEqual([[], 0]);
  const other = lose(5);
  other.patience.end();
  expect(other.host.timers).toBe(0);
});
