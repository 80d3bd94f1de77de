import { expect, it } from 'vitest';
import { act, printed, startLab } from './lab.js';

const LONG = { timeoutMs: 20_000 };
const CLEAN = { code: 0, signal: null };

it('spawn() in a request that began before SIGTERM is accepted after it, and awaited before the exit', async () => {
  await using app = startLab();
  const service = await app.waitForGeneration(0, LONG);
  const said = act(service, '/spawn-in-shutdown?ms=1500');
  await app.waitForLine('request /spawn-in-shutdown');
  app.kill('SIGTERM');
  expect(await said).toMatchObject({ outcome: 'spawned' });
  expect(await app.waitForExit()).toEqual(CLEAN);
  expect(printed(app, 'stdout')).toContain('task ended');
});

it('spawn() with nothing in progress any more rejects with ERR_BYE_SHUTTING_DOWN', async () => {
  await using app = startLab();
  await act(await app.waitForGeneration(0, LONG), '/spawn-when-idle');
  app.kill('SIGTERM');
  expect(await app.waitForExit()).toEqual(CLEAN);
  expect(printed(app, 'stdout')).toContain('spawn refused ERR_BYE_SHUTTING_DOWN');
});

it('spawn() logs the rejection of a task that nobody waits for, and the service goes on', async () => {
  await using app = startLab();
  const service = await app.waitForGeneration(0, LONG);
  await act(service, '/spawn-and-fail');
  await app.waitForLine(/task .*failed.*nobody waits for me/);
  expect((await act(service, '/can')).pid).toBe(service.pid);
  app.kill('SIGTERM');
  expect(await app.waitForExit()).toEqual(CLEAN);
});
