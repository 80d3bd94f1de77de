// Every session gets a GOAWAY, on every Node; streams in flight complete. Trap T15: docs/internals.
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createSecureServer, createServer } from 'node:http2';
import { connect as connectRaw } from 'node:net';
import { requests, seededBuffer, testHandler } from '@bye/testkit';
import { expect, test } from 'vitest';
import { Bench, createGate, WITH_GRACE } from './bench.js';
import { createCertificate } from './tls.js';

async function open(bench: Bench, url: string): Promise<ClientHttp2Session> {
  const session = connect(url, { rejectUnauthorized: false });
  bench.defer(() => session.destroy());
  await once(session, 'connect');
  return session;
}

async function get(session: ClientHttp2Session, path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of session.request({ ':path': path })) parts.push(part);
  return Buffer.concat(parts);
}

const certificate = createCertificate();
const SERVERS = {
  h2c: () => ({ server: createServer(), scheme: 'http' }),
  'h2 over TLS': () => ({ server: createSecureServer(certificate), scheme: 'https' }),
};

test.each(Object.entries(SERVERS))(
  '`drain()` of %s sends GOAWAY and completes streams in flight',
  async (_name, make) => {
    await using bench = new Bench();
    const gate = createGate();
    const { server, scheme } = make();
    const large = seededBuffer(1, 2 ** 20);
    server.on('request', async (_request, response) => {
      await gate.opened;
      response.end(large);
    });
    const { port } = await bench.listen(server);
    const [busy, idle] = [
      await open(bench, `${scheme}://127.0.0.1:${port}`),
      await open(bench, `${scheme}://127.0.0.1:${port}`),
    ];
    const answers = Promise.all([get(busy, '/1'), get(busy, '/2')]);
    await expect.poll(() => bench.bye.health()).toMatchObject({ inFlight: 2 });
    const [goaway, closed] = [once(busy, 'goaway'), once(idle, 'close')];
    const drained = bench.bye.drain();
    expect((await goaway)[0]).toBe(0);
    await closed;
    gate.open();
    for (const answer of await answers) expect(answer.equals(large)).toBe(true);
    expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
  },
);

test('`drain()` of http2 does not wait for a connection that never speaks (T2)', async () => {
  await using bench = new Bench();
  const { port } = await bench.listen(createServer());
  const socket = connectRaw(port, '127.0.0.1');
  bench.defer(() => socket.destroy());
  await once(socket, 'connect');
  await expect.poll(() => bench.bye.health().connections).toBe(1);
  const closed = once(socket.on('error', () => {}).resume(), 'close');
  expect(await bench.bye.drain()).toMatchObject({ cut: [] });
  await closed;
});

test('`drain()` of http2 with allowHTTP1 answers HTTP/1.1 on it, and says close', async () => {
  await using bench = new Bench(WITH_GRACE);
  const server = createSecureServer({ ...certificate, allowHTTP1: true }, (request, response) => {
    testHandler(request as never, response as never);
  });
  const target = { ...(await bench.listen(server)), tls: { rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] } };
  const client = await bench.connect(target);
  expect((await client.request(requests.fast(1))).saidClose).toBe(false);
  const drained = bench.bye.drain();
  expect((await client.request(requests.fast(2))).saidClose).toBe(true);
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
});

test('`attach()` answers health requests on http2', async () => {
  await using bench = new Bench();
  const { port } = await bench.listen(createServer((_request, response) => response.end('app')));
  const session = await open(bench, `http://127.0.0.1:${port}`);
  expect(String(await get(session, '/app'))).toBe('app');
  expect(JSON.parse(String(await get(session, '/readyz')))).toEqual({ status: 'ready' });
});

test('a stream that is cut is named, and ends at the deadline', async () => {
  await using bench = new Bench({ shutdownTimeoutMs: 600, closeReserveMs: 200 });
  const { port } = await bench.listen(createServer(() => {}));
  const session = await open(bench, `http://127.0.0.1:${port}`);
  const stream = session.request({ ':path': '/never?secret=1' }).on('error', () => {});
  const closed = once(stream, 'close');
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  expect((await bench.bye.drain()).cut).toMatchObject([{ kind: 'request', name: 'GET /never' }]);
  await closed;
});

test('an upload in flight is received to its end', async () => {
  await using bench = new Bench();
  const server = createServer((request, response) => void request.pipe(response));
  const { port } = await bench.listen(server);
  const session = await open(bench, `http://127.0.0.1:${port}`);
  const stream = session.request({ ':path': '/', ':method': 'POST' });
  const body = seededBuffer(2, 2 ** 20);
  stream.write(body.subarray(0, 1000));
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  await once(session, 'goaway');
  stream.end(body.subarray(1000));
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  expect(Buffer.concat(parts).equals(body)).toBe(true);
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
});

test('sessions are served on until the listener is closed, also new ones', async () => {
  await using bench = new Bench();
  const gate = createGate();
  bench.bye.onShutdown(() => gate.opened);
  const { port } = await bench.listen(createServer((_request, response) => response.end('answer')));
  const early = await open(bench, `http://127.0.0.1:${port}`);
  const drained = bench.bye.drain();
  const late = await open(bench, `http://127.0.0.1:${port}`);
  expect(String(await get(early, '/early'))).toBe('answer');
  expect(String(await get(late, '/late'))).toBe('answer');
  gate.open();
  expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
});

test('a stream that races with the GOAWAY is above its last one and not processed, those before are answered (T15)', async () => {
  await using bench = new Bench();
  const gate = createGate();
  let count = 0;
  const server = createServer(async (_request, response) => {
    count += 1;
    await gate.opened;
    response.end('answer');
  });
  const { port } = await bench.listen(server);
  const socket = connectRaw(port, '127.0.0.1');
  bench.defer(() => socket.destroy());
  let received = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
  });
  const has = (type: number, stream: number) => {
    const found = framesOf(received).find((frame) => frame.type === type && frame.stream === stream);
    return found?.payload.toString('hex');
  };
  socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`);
  socket.write(Buffer.concat([frame(SETTINGS, 0, 0), frame(HEADERS, GET_FLAGS, 1, GET)]));
  await expect.poll(() => count).toBe(1);
  const drained = bench.bye.drain();
  await expect.poll(() => has(GOAWAY, 0)).toBe('0000000100000000');
  socket.write(frame(HEADERS, GET_FLAGS, 3, GET));
  // Answered in order: what came before the PING was looked at.
  socket.write(frame(PING, 0, 0, Buffer.alloc(8)));
  await expect.poll(() => has(PING, 0)).toBe('0000000000000000');
  gate.open();
  await expect.poll(() => has(DATA, 1)).toBe(Buffer.from('answer').toString('hex'));
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
  expect(count).toBe(1);
});

const [DATA, HEADERS, SETTINGS, PING, GOAWAY] = [0, 1, 4, 6, 7];
/** END_STREAM and END_HEADERS. */
const GET_FLAGS = 0x5;
/** GET http://x/ in HPACK: three entries of the static table, and an authority. */
const GET = Buffer.from([0x82, 0x86, 0x84, 0x41, 1, 0x78]);

function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]);
}

function framesOf(bytes: Buffer): { type: number; stream: number; payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const payload = bytes.subarray(at + 9, at + 9 + length);
    frames.push({ type: bytes.readUInt8(at + 3), stream: bytes.readUInt32BE(at + 5), payload });
    at += 9 + length;
  }
  return frames;
}

test('closeSpreadMs spreads the GOAWAYs, and sessions that were not told yet are served', async () => {
  await using bench = new Bench({ ...WITH_GRACE, closeSpreadMs: 600 });
  const { port } = await bench.listen(createServer((_request, response) => response.end('answer')));
  const sessions = await Promise.all(Array.from({ length: 6 }, () => open(bench, `http://127.0.0.1:${port}`)));
  await expect.poll(() => bench.bye.health().connections).toBe(6);
  const [startedAt, times, order]: [number, number[], ClientHttp2Session[]] = [performance.now(), [], []];
  for (const session of sessions) {
    session.once('goaway', () => {
      order.push(session);
      times.push(performance.now() - startedAt);
    });
  }
  const drained = bench.bye.drain();
  await expect.poll(() => order.length).toBe(1);
  const [untold] = sessions.filter((session) => !order.includes(session)).slice(-1);
  expect(String(await get(untold as ClientHttp2Session, '/'))).toBe('answer');
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
  // The nth no sooner than its share of the time has passed.
  expect(times.map((at, index) => at >= index * 100)).toEqual(sessions.map(() => true));
});

test('the GOAWAY comes before the end of an event stream, so that its client does not come back here', async () => {
  await using bench = new Bench({ ...WITH_GRACE, closeSpreadMs: 400 });
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
  });
  const { port } = await bench.listen(server);
  // The one whose stream is told first is told last itself.
  const sessions = await Promise.all(Array.from({ length: 3 }, () => open(bench, `http://127.0.0.1:${port}`)));
  const order: string[] = [];
  for (const [index, session] of [...sessions.entries()].reverse()) {
    session.once('goaway', () => order.push(`goaway ${index}`));
    const stream = session.request({ ':path': '/', accept: 'text/event-stream' }).resume();
    stream.once('end', () => order.push(`end ${index}`));
    await once(stream, 'data');
  }
  await bench.bye.drain();
  for (const index of sessions.keys()) {
    expect(order.indexOf(`goaway ${index}`)).toBeLessThan(order.indexOf(`end ${index}`));
  }
  expect(order).toHaveLength(6);
});
