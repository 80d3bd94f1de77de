// Requests are seen wherever they go, and none behaves otherwise because it is. Traps T12, T14: docs/internals.
import { createServer, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { digest, exactBody, requests, seededBuffer, testHandler } from '@bye/testkit';
import { expect, test } from 'vitest';
import { Bench, createGate, WITH_GRACE } from './bench.js';

const handler: RequestListener = (request, response) => testHandler(request, response);

test('`attach()` leaves requests with an Upgrade header to the handler (T12)', async () => {
  await using bench = new Bench();
  const { target } = await bench.serve(handler);
  const client = await bench.connect(target);
  const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
  expect((await client.request({ ...requests.fast(1), headers, timeoutMs: 5000 })).status).toBe(200);
});

test('`attach()` leaves Expect: 100-continue to Node, and the 417 for others too (T12)', async () => {
  await using bench = new Bench();
  const { target } = await bench.serve(handler);
  const client = await bench.connect(target);
  const body = seededBuffer(1, 1000);
  const answer = await client.request({ ...requests.echo(body), expectContinue: true });
  expect(answer.interim).toEqual([100]);
  const refused = { ...requests.fast(1), check: exactBody(''), headers: { Expect: 'magic' }, expectStatus: 417 };
  expect((await client.request(refused)).status).toBe(417);
});

test('`attach()` leaves the 400 for a malformed request to Node (T12)', async () => {
  await using bench = new Bench();
  const { target } = await bench.serve(handler);
  const text = await new Promise<string>((resolve) => {
    const socket = connect(target.port, '127.0.0.1', () => socket.write('NO SUCH THING\r\n\r\n'));
    socket.setEncoding('utf8').on('data', resolve);
    bench.defer(() => socket.destroy());
  });
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
});

test("`drain()` waits for the app's own checkContinue and checkExpectation", async () => {
  await using bench = new Bench(WITH_GRACE);
  const { server, target } = await bench.serve(handler);
  const gate = createGate();
  server.on('checkContinue', async (request, response) => {
    await gate.opened;
    response.writeContinue();
    handler(request, response);
  });
  server.on('checkExpectation', async (_request, response) => {
    await gate.opened;
    response.writeHead(200).end('granted');
  });
  const [first, second] = [await bench.connect(target), await bench.connect(target)];
  const body = seededBuffer(1, 1000);
  const continued = first.request({ ...requests.echo(body), expectContinue: true, check: exactBody(digest(body)) });
  const granted = second.request({ path: '/', headers: { Expect: 'magic' }, check: exactBody('granted') });
  await expect.poll(() => bench.bye.health().inFlight).toBe(2);
  const drained = bench.bye.drain();
  gate.open();
  expect(await continued).toMatchObject({ interim: [100], saidClose: true });
  expect(await granted).toMatchObject({ saidClose: true });
  expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
});

test("`drain()` takes a request that the app hands on from 'checkContinue' for one, before it and in it", async () => {
  await using bench = new Bench(WITH_GRACE);
  const { server, target } = await bench.serve(handler);
  const gate = createGate();
  // As Node's documentation does it.
  server.on('checkContinue', async (request, response) => {
    await gate.opened;
    response.writeContinue();
    server.emit('request', request, response);
  });
  const [first, second] = [await bench.connect(target), await bench.connect(target)];
  const body = seededBuffer(1, 1000);
  const spec = { ...requests.echo(body), expectContinue: true, check: exactBody(digest(body)) };
  const before = first.request(spec);
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  const during = second.request(spec);
  await expect.poll(() => bench.bye.health().inFlight).toBe(2);
  gate.open();
  expect(await before).toMatchObject({ interim: [100], saidClose: true });
  expect(await during).toMatchObject({ interim: [100], saidClose: true });
  expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
});

test("`drain()` sees requests after somebody took the 'request' listeners off and put their own on (T14)", async () => {
  await using bench = new Bench(WITH_GRACE);
  const { server, target } = await bench.serve(handler);
  const gate = createGate();
  // As engine.io does it.
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', async (request, response) => {
    if (request.url !== '/engine.io/') for (const listener of listeners) listener.call(server, request, response);
    else await gate.opened.then(() => response.end('polled'));
  });
  const [polling, plain] = [await bench.connect(target), await bench.connect(target)];
  const polled = polling.request({ path: '/engine.io/', check: exactBody('polled') });
  await plain.request(requests.fast(1));
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  expect((await plain.request(requests.fast(2))).saidClose).toBe(true);
  gate.open();
  expect((await polled).saidClose).toBe(true);
  expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
});

test('`attach()` twice counts a request once, and health still answers in front', async () => {
  await using bench = new Bench();
  const gate = createGate();
  const server = createServer(async (_request, response) => {
    await gate.opened;
    response.end('ok');
  });
  bench.bye.attach(server);
  const target = await bench.listen(server);
  bench.bye.attach(server);
  const client = await bench.connect(target);
  const answer = client.request({ path: '/' });
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  expect((await (await bench.connect(target)).request({ path: '/readyz' })).status).toBe(200);
  gate.open();
  await answer;
});

test('`attach()` refuses what is no server, and roles it does not know', async () => {
  await using bench = new Bench();
  expect(() => bench.bye.attach((() => {}) as never)).toThrow(TypeError);
  expect(() => bench.bye.attach(undefined as never)).toThrow(/pass what app\.listen\(\) returned/);
  expect(() => bench.bye.attach(createServer(), { role: 'metrics' as never })).toThrow(RangeError);
});
