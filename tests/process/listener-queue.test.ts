import { writeFileSync } from 'node:fs';
import { processState, until } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { answeredBy, type Plan, Scratch } from '../listeners.js';

// Where connections wait that nobody has accepted yet.

const test = anyTest.skipIf(process.platform !== 'linux');

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch[Symbol.dispose]());

test('what waits in the queue of an old process that hangs is answered by the new one (T18)', async () => {
  const listeners: Plan['listeners'] = [{ name: 'app', listen: { port: 0, host: '127.0.0.1' } }];
  await using app = scratch.start({ listeners, options: { moveConnections: false } });
  const { pid: old, port } = await app.waitForGeneration(0);
  const goFile = scratch.path('go');
  scratch.plan({ listeners, options: { readiness: 'manual' }, goFile });
  app.kill('SIGUSR1');
  const pid = Number(/pid=(\d+)/.exec(await app.waitForLine(/^listening pid=\d+ generation=1$/))?.[1]);
  app.kill('SIGSTOP', old);
  await until(() => processState(old) === 'T');
  const answers = Array.from({ length: 20 }, () => answeredBy({ port }));
  writeFileSync(goFile, '');
  // While the old one still holds its copy of the socket, and takes nothing from it.
  expect(new Set(await Promise.all(answers))).toEqual(new Set([pid]));
  app.kill('SIGCONT', old);
  await app.waitUntilGone(old, { timeoutMs: 20_000 });
});
