// What the kernel holds and Node has not seen yet when a drain begins. Traps T1, T3, T19, T21: docs/internals.
import { seededBody, seededBuffer } from '@bye/testkit';
import { expect, test } from 'vitest';
import { Bench, createGate, WITH_GRACE } from './bench.js';
import { RemoteClient } from './remote-client.js';

const MIB = 2 ** 20;
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

test('`drain()` does not truncate an answer that was ended and not flushed (T1)', async () => {
  await using bench = new Bench();
  const { target } = await bench.serve((_request, response) => response.end(seededBuffer(1, 8 * MIB)));
  const client = await bench.connect(target);
  const answer = client.request({ path: '/', check: seededBody(1, 8 * MIB) });
  client.pauseReading();
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  client.resumeReading();
  expect((await answer).bodyBytes).toBe(8 * MIB);
  expect(await drained).toMatchObject({ cut: [], requestsFinished: 1 });
  expect(await client.closed).toMatchObject({ reset: false });
});

test('`server.close()` of the app truncates nothing, and spares the pipelined request behind it (T1)', async () => {
  await using bench = new Bench();
  const gate = createGate();
  const { server, target } = await bench.serve(async (request, response) => {
    if (request.url === '/1') response.end(seededBuffer(1, 8 * MIB));
    else await gate.opened.then(() => response.end('last'));
  });
  const client = await bench.connect(target);
  const [first, second] = client.pipeline([{ path: '/1', check: seededBody(1, 8 * MIB) }, { path: '/2' }]);
  client.pauseReading();
  await expect.poll(() => bench.bye.health().inFlight).toBe(2);
  const closed = new Promise((resolve) => server.close(resolve));
  client.resumeReading();
  await first;
  gate.open();
  expect(String((await second)?.body)).toBe('last');
  expect(await closed).toBeUndefined();
});

test.each([
  ['drain()', (bench: Bench) => bench.bye.drain()],
  ['server.close()', (bench: Bench) => bench.server?.close()],
])('`%s` answers a request that waits unread in the kernel (T3)', async (_name, begin) => {
  await using bench = new Bench();
  const { target } = await bench.serve((_request, response) => response.end('answered.'));
  await using client = new RemoteClient(target.port);
  await client.started();
  client.blockUntilDone('connect');
  client.blockUntilDone('write', GET);
  await client.answer();
  client.blockUntilDone('write', GET);
  begin(bench);
  const [text] = await client.closed;
  expect(text?.match(/answered\./g)).toHaveLength(2);
  expect(text).toMatch(/Connection: close[\s\S]*answered\.\|$/);
});

test('`drain()` accepts and answers what waits in the accept queue (T19)', async () => {
  await using bench = new Bench(WITH_GRACE);
  const { target } = await bench.serve((_request, response) => response.end('answered.'));
  await using clients = new RemoteClient(target.port, 20);
  await clients.started();
  clients.blockUntilDone('connect');
  clients.blockUntilDone('write', GET);
  const drained = bench.bye.drain();
  for (const text of await clients.closed) expect(text).toMatch(/Connection: close[\s\S]*answered\.\|$/);
  expect(await drained).toMatchObject({ requestsFinished: 20, cut: [] });
});

test('`drain()` answers nobody who would come back into the queue that it empties (T19)', async () => {
  await using bench = new Bench(WITH_GRACE);
  const listening: (boolean | undefined)[] = [];
  const { target } = await bench.serve((_request, response) => {
    listening.push(bench.server?.listening);
    response.end('answered.');
  });
  await using clients = new RemoteClient(target.port, 20);
  await clients.started();
  clients.blockUntilDone('connect');
  clients.blockUntilDone('write', GET);
  await bench.bye.drain();
  expect(listening).toEqual(Array(20).fill(false));
});

test('an answer before the end of its request arrives whole, as the connection lingers (T21)', async () => {
  await using bench = new Bench();
  const gate = createGate();
  const { target } = await bench.serve(async (_request, response) => {
    await gate.opened;
    response.writeHead(413).end(seededBuffer(2, 3 * MIB));
  });
  const client = await bench.connect(target);
  const body = seededBuffer(3, 5 * MIB);
  const answer = client.request({ path: '/', body, expectStatus: 413, check: seededBody(2, 3 * MIB) });
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  gate.open();
  expect((await answer).bodyBytes).toBe(3 * MIB);
  expect(await client.closed).toMatchObject({ by: 'server', reset: false });
  expect((await drained).cut).toEqual([]);
});

test('an answer that says close is not lost to the body that still comes (T21)', async () => {
  await using bench = new Bench();
  const gate = createGate();
  const { target } = await bench.serve(async (_request, response) => {
    await gate.opened;
    response.writeHead(413).end(seededBuffer(2, 200_000));
  });
  const client = await bench.connect(target);
  const body = seededBuffer(3, 5 * MIB);
  const upload = client.begin({ path: '/', body, expectStatus: 413, check: seededBody(2, 200_000) });
  upload.write(upload.headBytes + 1000);
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  client.pauseReading();
  const drained = bench.bye.drain();
  gate.open();
  await expect.poll(() => bench.bye.health().inFlight).toBe(0);
  upload.write();
  client.resumeReading();
  expect(await upload.answer).toMatchObject({ bodyBytes: 200_000, saidClose: true });
  expect(await client.closed).toMatchObject({ by: 'server', reset: false });
  expect((await drained).cut).toEqual([]);
});
