import { processState, requests, until } from '@bye/testkit';
import { expect, it } from 'vitest';
import { pass } from './lab.js';
import { Moving, openAsked } from './moving.js';

// The new process ends after it took over, while busy connections of the old one follow: those on their way live on there.

const servers = [{ listen: { port: 0 }, timeouts: { keepAliveTimeout: 600_000 } }];

/**
 * Four connections answered by the old process when the new one, which has taken over, takes nothing any more: two of them
 * are on their way to it.
 */
async function startLosing(moving: Moving) {
  const { app } = moving;
  const [port = 0] = await moving.ports();
  const connections = await openAsked({ port }, 4);
  const answers = connections.map((connection, index) => connection.request(requests.slow(index, 1500)));
  const { old, pid } = await moving.upgrade();
  app.kill('SIGSTOP', pid);
  await until(() => processState(pid) === 'T');
  expect((await Promise.all(answers)).map((answer) => answer.pid)).toEqual(Array(4).fill(old));
  // Idle now, so that two have surely been sent.
  await pass(200);
  return { connections, old, pid };
}

it('requests on connections that were on their way to it are answered by the old process', async () => {
  await using moving = new Moving({ servers });
  const { connections, old, pid } = await startLosing(moving);
  const answers = connections.map((connection, index) => connection.request(requests.fast(index)));
  await until(() => connections.filter(({ outstanding }) => outstanding > 0).length === 2);
  moving.app.kill('SIGKILL', pid);
  expect((await Promise.all(answers)).map((answer) => answer.pid)).toEqual(Array(4).fill(old));
  const last = connections.filter(({ usable }) => usable).map((connection) => connection.request(requests.fast(9)));
  for (const answer of await Promise.all(last)) expect(answer).toMatchObject({ pid: old, saidClose: true });
  for (const connection of connections) expect(await connection.closed).toMatchObject({ reset: false });
  await moving.app.waitUntilGone(old);
});

it('idle connections that were on their way to it end with the old process, and none is reset', async () => {
  await using moving = new Moving({ options: { upgradeDrainTimeoutMs: 3000 }, servers });
  const { connections, old, pid } = await startLosing(moving);
  moving.app.kill('SIGKILL', pid);
  for (const connection of connections)
    expect(await connection.closed).toMatchObject({ by: 'server', idle: true, reset: false });
  await moving.app.waitUntilGone(old);
  expect(await moving.app.exited).toEqual({ code: 0, signal: null });
});
