// In full service nobody follows an answer to its end. A drain has to know of what began then, though nobody asked before.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { exactBody, type RequestSpec } from '@bye/testkit';
import { expect, test } from 'vitest';
import { Bench, createGate, WITH_GRACE } from './bench.js';

const RAW_GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: bye.test\r\n\r\n`;

/** Sees every byte; ends its side when the server does. */
function openRaw(port: number) {
  const socket = connect(port, '127.0.0.1');
  const seen = { socket, text: '', closed: once(socket, 'close') };
  socket.setEncoding('latin1').on('data', (text) => {
    seen.text += text;
  });
  return seen;
}

const get = (name: string): RequestSpec => ({ path: `/${name}`, check: exactBody(`answer to /${name}`) });

test('`drain()` waits for what began before it, alone on its connection or behind another', async () => {
  await using bench = new Bench(WITH_GRACE);
  const gate = createGate();
  const urls: string[] = [];
  const { target } = await bench.serve(({ url = '' }, response) => {
    urls.push(url);
    if (url === '/first') response.end(`answer to ${url}`);
    else void gate.opened.then(() => response.end(`answer to ${url}`));
  });
  const [alone, piped] = [await bench.connect(target), await bench.connect(target)];
  // Both were answered once: what is in progress is told from what was.
  await alone.request(get('first'));
  await piped.request(get('first'));
  const answers = [alone.request(get('1')), ...piped.pipeline([get('2'), get('3')])];
  await expect.poll(() => urls).toHaveLength(5);
  const drained = bench.bye.drain();
  expect(bench.bye.health().inFlight).toBe(3);
  gate.open();
  const [first, , last] = await Promise.all(answers);
  expect([first?.saidClose, last?.saidClose]).toEqual([true, true]);
  expect(await drained).toMatchObject({ requestsFinished: 3, cut: [] });
});

test('what is cut has the age of its own request, not of the one behind it or before it', async () => {
  await using bench = new Bench({ shutdownTimeoutMs: 400, closeReserveMs: 100 });
  const open: { response: ServerResponse; at: number }[] = [];
  const { target } = await bench.serve((_request, response) => open.push({ response, at: performance.now() }));
  const client = await bench.connect(target);
  const lost = client.pipeline([get('1')]);
  await expect.poll(() => open).toHaveLength(1);
  const between = performance.now() + 100;
  await expect.poll(() => performance.now()).toBeGreaterThan(between);
  lost.push(...client.pipeline([get('2')]));
  const settled = Promise.allSettled(lost);
  await expect.poll(() => open).toHaveLength(2);
  const { cut } = await bench.bye.drain();
  await settled;
  const [first, second] = cut.map(({ ageMs }) => ageMs);
  expect(cut).toHaveLength(2);
  const apartMs = open[1]!.at - open[0]!.at;
  expect(Math.abs(first! - second! - apartMs)).toBeLessThan(50);
});

test('an upload that was answered before the drain is read to its end (T21)', async () => {
  await using bench = new Bench();
  const { target } = await bench.serve((_request, response) => response.writeHead(413).end('no'));
  const client = connect({ host: '127.0.0.1', port: target.port, allowHalfOpen: true });
  const closed = once(client, 'close');
  client.write('POST / HTTP/1.1\r\nHost: bye.test\r\nContent-Length: 500000\r\n\r\nthe beginning');
  const [answer] = (await once(client, 'data')) as [Buffer];
  expect(String(answer)).toMatch(/^HTTP\/1\.1 413 /);
  let isDrained = false;
  const drained = bench.bye.drain().finally(() => {
    isDrained = true;
  });
  await once(client, 'end');
  expect(isDrained).toBe(false);
  client.end(Buffer.alloc(500_000 - 'the beginning'.length));
  // Its argument: no error, as no reset came.
  expect(await closed).toEqual([false]);
  expect((await drained).cut).toEqual([]);
});

test('a request that is read between an answer and its `close` is in progress', async () => {
  await using bench = new Bench();
  const [first, last] = [createGate(), createGate()];
  const urls: string[] = [];
  const { server, target } = await bench.serve(async ({ url = '', socket }, response) => {
    urls.push(url);
    await (url === '/3' ? last : first).opened;
    response.end(`answer to ${url}`);
    // What a socket that was paused for back-pressure gives when it flows again.
    if (url === '/2') response.once('finish', () => socket.emit('data', Buffer.from(RAW_GET('/3'))));
  });
  // Somebody reads along, so that what comes goes through the stream.
  server.on('connection', (socket: Socket) => socket.on('data', () => {}));
  const [client, witness] = [openRaw(target.port), openRaw(target.port)];
  client.socket.write(RAW_GET('/1') + RAW_GET('/2'));
  await expect.poll(() => urls).toHaveLength(2);
  first.open();
  await expect.poll(() => urls).toHaveLength(3);
  const drained = bench.bye.drain();
  // By then what is idle was told to go.
  await witness.closed;
  last.open();
  await client.closed;
  expect(client.text).toMatch(/answer to \/3$/);
  expect(await drained).toMatchObject({ cut: [] });
});

test('an answer that the application took off its socket is in progress', async () => {
  await using bench = new Bench();
  const gate = createGate();
  const { target } = await bench.serve(async ({ socket }, response) => {
    response.detachSocket(socket);
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc');
    await gate.opened;
    socket.end('def');
  });
  const [client, witness] = [openRaw(target.port), openRaw(target.port)];
  client.socket.write(RAW_GET('/'));
  await expect.poll(() => client.text).toMatch(/abc$/);
  const drained = bench.bye.drain();
  await witness.closed;
  gate.open();
  await client.closed;
  expect(client.text).toMatch(/abcdef$/);
  expect(await drained).toMatchObject({ cut: [] });
});

test.each(['nothing', 'all', 'a part'])(
  'a request of which the application read %s is over when it is answered',
  async (read) => {
    await using bench = new Bench();
    const { target } = await bench.serve((request, response) => {
      const answer = () => response.end('answer');
      if (read === 'nothing') answer();
      if (read === 'all') request.resume().on('end', answer);
      if (read === 'a part') request.once('readable', () => answer() && request.read(3));
    });
    const client = openRaw(target.port);
    client.socket.write('POST / HTTP/1.1\r\nHost: bye.test\r\nContent-Length: 6\r\n\r\nabcdef');
    await expect.poll(() => client.text).toMatch(/answer$/);
    await expect.poll(() => bench.bye.health().inFlight).toBe(0);
    expect(await bench.bye.drain()).toMatchObject({ cut: [] });
  },
);

test('a request that comes after we ended its connection is no work', async () => {
  await using bench = new Bench();
  const gate = createGate();
  const { server, target } = await bench.serve(async ({ url }, response) => {
    await gate.opened;
    response.end(`answer to ${url}`);
  });
  const slow = (await bench.connect(target)).request(get('slow'));
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const accepted = once(server, 'connection');
  const late = connect({ host: '127.0.0.1', port: target.port, allowHalfOpen: true }).resume();
  bench.defer(() => late.destroy());
  const [socket] = (await accepted) as [Socket];
  const drained = bench.bye.drain();
  await once(late, 'end');
  late.write(RAW_GET('/late'));
  await expect.poll(() => socket.bytesRead).toBe(RAW_GET('/late').length);
  expect(bench.bye.health().inFlight).toBe(1);
  gate.open();
  await slow;
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
});
