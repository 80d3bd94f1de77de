// Several requests on one connection. Traps T5, T7, T13: docs/internals.
import type { ServerResponse } from 'node:http';
import { exactBody, type RequestSpec, requests, testHandler } from '@bye/testkit';
import { expect, test } from 'vitest';
import { Bench, createGate, WITH_GRACE } from './bench.js';

const get = (name: string): RequestSpec => ({ path: `/${name}`, check: exactBody(`answer to /${name}`) });
const THREE = [get('1'), get('2'), get('3')];

const HANDLERS: Record<string, (path: string, response: ServerResponse) => void> = {
  'answered in one turn': (path, response) => response.end(`answer to ${path}`),
  'answered later': (path, response) => setTimeout(() => response.end(`answer to ${path}`), 5),
  'answered in reverse': (path, response) =>
    setTimeout(() => response.end(`answer to ${path}`), 40 - 10 * Number(path.slice(1))),
};

// In one write, as nothing can be done for a request that arrives when the answer before it has said close.
test.each(Object.keys(HANDLERS))(
  '`drain()` answers three pipelined requests in one write in order, %s (T5)',
  async (how) => {
    await using bench = new Bench(WITH_GRACE);
    const { target } = await bench.serve(({ url = '' }, response) => HANDLERS[how]?.(url, response));
    const client = await bench.connect(target);
    await client.request(get('0'));
    const drained = bench.bye.drain();
    const answers = await Promise.all(client.pipeline(THREE));
    expect(answers.map(({ saidClose }) => saidClose).slice(0, 2)).toEqual([false, false]);
    if (!answers[2]?.saidClose) expect(await client.request(get('9'))).toMatchObject({ saidClose: true });
    expect(await drained).toMatchObject({ cut: [] });
  },
);

test('`drain()` says close on the last of three that are answered in one turn', async () => {
  await using bench = new Bench(WITH_GRACE);
  const gate = createGate();
  const { target } = await bench.serve(({ url }, response) => {
    void gate.opened.then(() => response.writeHead(200).end(`answer to ${url}`));
  });
  const client = await bench.connect(target);
  const answers = client.pipeline(THREE);
  await expect.poll(() => bench.bye.health().inFlight).toBe(3);
  const drained = bench.bye.drain();
  gate.open();
  expect((await Promise.all(answers)).map(({ saidClose }) => saidClose)).toEqual([false, false, true]);
  expect(await drained).toMatchObject({ requestsFinished: 3, cut: [] });
});

test('`drain()` answers what is pipelined behind an answer that could not be sent yet', async () => {
  await using bench = new Bench(WITH_GRACE);
  const gate = createGate();
  const given: (string | undefined)[] = [];
  const { target } = await bench.serve(async ({ url }, response) => {
    if (url === '/1') await gate.opened;
    response.writeHead(200).end(`answer to ${url}`);
    given.push(url);
  });
  const client = await bench.connect(target);
  const first = client.pipeline(THREE.slice(0, 1));
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  const second = client.pipeline(THREE.slice(1, 2));
  await expect.poll(() => given).toEqual(['/2']);
  const third = client.pipeline(THREE.slice(2));
  await expect.poll(() => given).toEqual(['/2', '/3']);
  gate.open();
  await Promise.all([...first, ...second, ...third]);
  client.end();
  expect(await drained).toMatchObject({ requestsFinished: 3, cut: [] });
});

test('`drain()` leaves a connection whose answer had promised keep-alive open for one more request (T7)', async () => {
  await using bench = new Bench(WITH_GRACE);
  const gate = createGate();
  const { target } = await bench.serve(async ({ url }, response) => {
    if (url === '/begun') response.write('half');
    if (url === '/begun') await gate.opened;
    response.end('whole');
  });
  const client = await bench.connect(target);
  const begun = client.request({ path: '/begun', check: exactBody('halfwhole') });
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  gate.open();
  expect((await begun).saidClose).toBe(false);
  expect((await client.request({ path: '/', check: exactBody('whole') })).saidClose).toBe(true);
  expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
});

test('a client that leaves pipelined requests unanswered leaves nothing in the count (T13)', async () => {
  await using bench = new Bench();
  const { target } = await bench.serve(() => {});
  const client = await bench.connect(target);
  for (const answer of client.pipeline(THREE)) answer.catch(() => {});
  await expect.poll(() => bench.bye.health().inFlight).toBe(3);
  client.destroy();
  await expect.poll(() => bench.bye.health()).toMatchObject({ inFlight: 0, connections: 0 });
  expect(await bench.bye.drain()).toMatchObject({ cut: [] });
});

test('`drain()` does not wait for what a client gives up while it drains (T13)', async () => {
  await using bench = new Bench(WITH_GRACE);
  const { target } = await bench.serve(() => {});
  const client = await bench.connect(target);
  for (const answer of client.pipeline(THREE)) answer.catch(() => {});
  await expect.poll(() => bench.bye.health().inFlight).toBe(3);
  const drained = bench.bye.drain();
  client.destroy();
  const { cut, durationMs } = await drained;
  expect(cut).toEqual([]);
  expect(durationMs).toBeLessThan(4000);
});

test('requests that come one by one during the drain are answered once each, and the first says close', async () => {
  await using bench = new Bench(WITH_GRACE);
  const { target } = await bench.serve((request, response) => testHandler(request, response));
  const clients = await Promise.all(Array.from({ length: 10 }, () => bench.connect(target)));
  await Promise.all(clients.map((client) => client.request(requests.fast('before'))));
  const drained = bench.bye.drain();
  const answers = await Promise.all(clients.map((client, n) => client.request(requests.slow(n, n * 10))));
  expect(answers.map(({ saidClose }) => saidClose)).toEqual(clients.map(() => true));
  expect(await drained).toMatchObject({ requestsFinished: 10, cut: [] });
});
