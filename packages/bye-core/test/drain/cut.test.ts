// The forced end, when the budget is used up.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { Bench } from './bench.js';

const BUDGET = { shutdownTimeoutMs: 600, closeReserveMs: 300 };

test('`drain()` cuts what outlives its budget, names it without its query, and ends in time', async () => {
  await using bench = new Bench(BUDGET);
  const { target } = await bench.serve(() => {});
  const [hung, other] = [await bench.connect(target), await bench.connect(target)];
  const answers = [hung.request({ path: '/hang?token=secret' }), other.request({ path: '/up', body: 'x' })];
  await expect.poll(() => bench.bye.health().inFlight).toBe(2);
  const cutAt = once(bench.bye.deadlineSignal, 'abort').then(() => bench.bye.phase);
  const { cut, durationMs } = await bench.bye.drain();
  expect(cut.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual(['request GET /hang', 'request POST /up']);
  for (const { ageMs } of cut) expect(ageMs).toBeGreaterThanOrEqual(250);
  expect(durationMs).toBeLessThan(5000);
  expect(await cutAt).toBe('tasks');
  for (const answer of answers) await expect(answer).rejects.toMatchObject({ name: 'StrictFailure' });
  expect(bench.bye.status).toBe('stopped');
});

test('`deadlineSignal` lets a request end in its own way at the cut', async () => {
  await using bench = new Bench(BUDGET);
  const { target } = await bench.serve((_request, response) => {
    bench.bye.deadlineSignal.addEventListener('abort', () => response.writeHead(503).end('out of time'));
  });
  const client = await bench.connect(target);
  const answer = client.request({ path: '/', expectStatus: 503 });
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  await bench.bye.drain();
  expect(String((await answer).body)).toBe('out of time');
});

test('`onClose()` hooks have their time after a cut, the last added first', async () => {
  await using bench = new Bench(BUDGET);
  const { target } = await bench.serve(() => {});
  const order: string[] = [];
  bench.bye.onClose(() => order.push(`database, ${bench.bye.phase}`));
  bench.bye.onClose(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    order.push('queue');
    throw new Error('it was closed already');
  });
  const client = await bench.connect(target);
  client.request({ path: '/' }).catch(() => {});
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const { cut, hookErrors } = await bench.bye.drain();
  expect(cut).toHaveLength(1);
  expect(order).toEqual(['queue', 'database, hooks']);
  expect(hookErrors).toMatchObject([{ message: 'it was closed already' }]);
});

test('a listen() that comes after the drain has begun does not serve on (T11)', async () => {
  await using bench = new Bench();
  const server = bench.bye.attach(createServer());
  await bench.bye.drain();
  const closed = once(server, 'close');
  server.listen(0, '127.0.0.1');
  await closed;
  expect(server.listening).toBe(false);
});
