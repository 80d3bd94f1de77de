import { type Answer, StrictConnection, startApp, until } from '@bye/testkit';
import { expect, test } from 'vitest';
import { SERVICE } from '../service.js';

/** Asks again and again, on one connection for as long as the server lets it. */
async function probe(port: number, path: string, until: () => boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  let connection: StrictConnection | undefined;
  while (!until()) {
    if (!connection?.usable) connection = await StrictConnection.open({ port, host: '127.0.0.1' });
    answers.push(await connection.request({ path, expectStatus: [200, 503] }));
  }
  connection?.destroy();
  return answers;
}

test('probers see only 200 across two upgrades, and one that was idle meanwhile gets 200 from the old process', async () => {
  await using app = startApp(SERVICE, { env: { BYE_MOVE_CONNECTIONS: 'false' } });
  const { port, pid } = await app.waitForGeneration(0);
  let done = false;
  const probers = ['/readyz', '/health', '/livez'].map((path) => probe(port, path, () => done));
  const sleeper = await StrictConnection.open({ port, host: '127.0.0.1' });
  const pidOf = async (): Promise<unknown> => JSON.parse(String((await sleeper.request({ path: '/health' })).body));
  expect(await pidOf()).toMatchObject({ pid, status: 'ready' });

  app.kill('SIGUSR1');
  await app.waitForGeneration(1);
  const other = await StrictConnection.open({ port, host: '127.0.0.1' });
  await until(async () => (await askStatus(other)).generation === 1);
  expect(await pidOf()).toMatchObject({ pid, status: 'draining', reason: 'upgrade', lastUpgrade: { ok: true } });
  expect(sleeper.saidClose).toBe(true);
  other.end();
  await app.waitUntilGone(pid);

  const second = app.current().pid;
  app.kill('SIGUSR1');
  await app.waitForGeneration(2);
  await app.waitUntilGone(second);
  done = true;
  for (const answers of await Promise.all(probers)) {
    expect(answers.length).toBeGreaterThan(10);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  }
});

async function askStatus(connection: StrictConnection): Promise<{ generation: number }> {
  return JSON.parse(String((await connection.request({ path: '/health' })).body));
}

test('at SIGTERM readiness turns red at once, and liveness stays green for as long as the delay lasts', async () => {
  const options = JSON.stringify({ shutdownDelayMs: 1000 });
  await using app = startApp(SERVICE, { env: { SERVICE_OPTIONS: options, BYE_LOG: 'info' } });
  const { port, pid } = await app.waitForGeneration(0);
  const [one, other] = [await StrictConnection.open({ port }), await StrictConnection.open({ port })];
  expect((await one.request({ path: '/readyz' })).saidClose).toBe(false);
  app.kill('SIGTERM');
  await app.waitForLine('stopping on SIGTERM');
  const red = await one.request({ path: '/readyz', expectStatus: 503 });
  expect([red.saidClose, red.headers.get('retry-after')]).toEqual([true, '1']);
  expect((await other.request({ path: '/livez' })).status).toBe(200);
  // A balancer that has not noticed yet may still connect.
  const late = await StrictConnection.open({ port });
  expect((await late.request({ path: '/health', expectStatus: 503 })).saidClose).toBe(true);
  await app.waitUntilGone(pid);
  expect(await app.exited).toEqual({ code: 0, signal: null });
});
