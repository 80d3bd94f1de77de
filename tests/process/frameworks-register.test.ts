// Applications without a line of bye, started by `node --import bye-core/register`.
import { expect, test } from 'vitest';
import { PATIENT, startWay, upgradeAndStop } from './frameworks.js';

test.each(['fastify', 'express', 'hono', 'nest'])(
  '%s that knows nothing of bye, with --import bye-core/register: the same, and its health route stays its own',
  async (WAY) => {
    const unknowing = { name: WAY, program: 'no-bye.mjs', env: { WAY }, takesUploads: false };
    await using app = startWay(unknowing, ['--import', 'bye-core/register']);
    const { port } = await app.waitForGeneration(0, PATIENT);
    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).text()).toBe("the application's own");
    await upgradeAndStop(app, unknowing);
  },
);

test('a stop within the first second, before it counts as ready, waits for a request as well', async () => {
  const unknowing = { name: '', program: 'no-bye.mjs', env: { WAY: 'http' } };
  await using app = startWay(unknowing, ['--import', 'bye-core/register']);
  const port = Number(/\d+/.exec(await app.waitForLine('listens on ', PATIENT))?.[0]);
  const answer = fetch(`http://127.0.0.1:${port}/slow?ms=3000&n=1`);
  await app.waitForLine('asked');
  app.kill('SIGTERM');
  expect(await (await answer).text()).toBe('ok 1');
  expect(await app.waitForExit(PATIENT)).toEqual({ code: 0, signal: null });
});

test('the new process of one that opens its main server late is not ready before that', async () => {
  const unknowing = { name: '', program: 'no-bye.mjs', env: { WAY: 'late' } };
  await using app = startWay(unknowing, ['--import', 'bye-core/register']);
  await app.waitForLine('listens on ', PATIENT);
  const { port } = await app.waitForGeneration(0, PATIENT);
  app.kill('SIGUSR1');
  const { pid } = await app.waitForGeneration(1, PATIENT);
  expect(await (await fetch(`http://127.0.0.1:${port}/fast?n=1`)).headers.get('x-pid')).toBe(String(pid));
  expect(`${app.log}`).not.toContain('as this version does not listen on it');
});
