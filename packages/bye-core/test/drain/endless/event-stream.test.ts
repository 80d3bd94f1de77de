// Event streams end with the drain, between two events; the app's later writes do no harm. Trap T2: docs/internals.
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { Bench, WITH_GRACE } from '../bench.js';

const HEAD = { 'content-type': 'text/event-stream; charset=utf-8' };

/** What an EventSource asks, and all it is given. */
class Listener {
  readonly socket: Socket;
  readonly ended: Promise<unknown>;
  text = '';

  constructor(bench: Bench, port: number, { version = '1.1', path = '/', accept = 'text/event-stream' } = {}) {
    this.socket = connect(port, '127.0.0.1').on('error', () => {});
    bench.defer(() => this.socket.destroy());
    this.socket.write(`GET ${path} HTTP/${version}\r\nHost: x\r\nAccept: ${accept}\r\n\r\n`);
    this.socket.setEncoding('latin1').on('data', (text) => {
      this.text += text;
    });
    this.ended = once(this.socket, 'end');
  }

  has(text: string): Promise<unknown> {
    return expect.poll(() => this.text).toContain(text);
  }
}

async function serve(bench: Bench, handler: RequestListener): Promise<number> {
  return (await bench.serve(handler)).target.port;
}

test.each([
  ['writeHead', (response: ServerResponse) => void response.writeHead(200, HEAD)],
  ['setHeader', (response: ServerResponse) => void response.setHeader('Content-Type', 'text/event-stream')],
])(
  'a stream with its type from %s ends completely, and the app hears of it as of a client that left',
  async (...parts) => {
    await using bench = new Bench();
    const [events, errors] = [[] as string[], vi.fn()];
    const port = await serve(bench, (request, response) => {
      parts[1](response);
      let id = 0;
      const timer = setInterval(() => response.write(`id: ${id}\ndata: ${id++}\n\n`, errors), 2);
      request.on('close', () => events.push('request close'));
      response.on('finish', () => events.push('finish'));
      response.on('close', () => {
        clearInterval(timer);
        events.push('close');
      });
    });
    const listener = new Listener(bench, port);
    await listener.has('id: 3');
    const drained = bench.bye.drain('upgrade');
    await listener.ended;
    expect(listener.text).toMatch(/\n\n\r\n0\r\n\r\n$/);
    expect(await drained).toMatchObject({ cut: [], requestsFinished: 1 });
    await expect.poll(() => [...events].sort()).toEqual(['close', 'request close']);
    expect(errors.mock.calls.flat().filter(Boolean)).toEqual([]);
  },
);

test('an event that the app has begun is completed first; one that it does not complete is not waited for', async () => {
  await using bench = new Bench();
  const responses: ServerResponse[] = [];
  const port = await serve(bench, (_request, response) => {
    response.writeHead(200, HEAD).write('data: first\n\nid: 2\nda');
    responses.push(response);
  });
  const [completed, left] = [new Listener(bench, port), new Listener(bench, port)];
  await Promise.all([completed.has('\nda'), left.has('\nda')]);
  const drained = bench.bye.drain();
  await expect.poll(() => bench.bye.phase).toBe('requests');
  const [response] = responses;
  response?.write('ta: second\n');
  response?.write('\n');
  response?.write('data: dropped\n\n');
  await completed.ended;
  // Node 26 puts what is written in one turn into one chunk.
  expect(completed.text).toMatch(/da\r\n[0-9a-f]+\r\nta: second\n(?:\r\n1\r\n)?\n\r\n0\r\n\r\n$/);
  await left.ended;
  expect(left.text).toMatch(/da\r\n0\r\n\r\n$/);
  expect(await drained).toMatchObject({ cut: [] });
});

test('a slow reader gets all that was written before, while the app goes on writing', async () => {
  await using bench = new Bench();
  const event = `data: ${'x'.repeat(60_000)}\n\n`;
  let written = 0;
  const taken = vi.fn();
  const port = await serve(bench, (_request, response) => {
    response.writeHead(200, HEAD);
    const timer = setInterval(() => {
      response.write(event, taken);
      written += 1;
    }, 1);
    response.on('close', () => clearInterval(timer));
  });
  const listener = new Listener(bench, port);
  await listener.has('data');
  listener.socket.pause();
  const before = written;
  await expect.poll(() => written - before, { timeout: 5000 }).toBeGreaterThan(200);
  const drained = bench.bye.drain();
  await expect.poll(() => bench.bye.phase).toBe('requests');
  const [told, takenBefore] = [written, taken.mock.calls.length];
  // Nothing more fits between the two, so these were dropped.
  await expect.poll(() => taken.mock.calls.length - takenBefore).toBeGreaterThan(50);
  listener.socket.resume();
  await listener.ended;
  expect(listener.text).toMatch(/xx\n\n\r\n0\r\n\r\n$/);
  expect(listener.text.split('data: ').length - 1).toBeGreaterThanOrEqual(before + 200);
  expect(listener.text.split('data: ').length - 1).toBeLessThanOrEqual(told);
  expect(await drained).toMatchObject({ cut: [] });
});

test('a client that takes nothing any more is given up at the deadline, before the close hooks', async () => {
  await using bench = new Bench({ shutdownTimeoutMs: 4000, closeReserveMs: 3500 });
  const port = await serve(bench, (_request, response) => {
    response.writeHead(200, HEAD).write(`data: ${'x'.repeat(2 ** 24)}\n\n`);
  });
  bench.bye.onClose(() => new Promise((resolve) => bench.server?.close(resolve)));
  const listener = new Listener(bench, port);
  await listener.has('data');
  listener.socket.pause();
  const report = await bench.bye.drain();
  expect(report).toMatchObject({ cut: [], hookErrors: [], durationMs: expect.toSatisfy((ms) => ms < 3900) });
});

test('a pipeline() into the answer fails as if the client had left, and destroys its source', async () => {
  await using bench = new Bench();
  const source = new Readable({ read() {} });
  let outcome: Promise<unknown> | undefined;
  const port = await serve(bench, (_request, response) => {
    outcome = pipeline(source, response.writeHead(200, HEAD)).catch((error) => error);
    source.push('data: 1\n\n');
  });
  const listener = new Listener(bench, port);
  await listener.has('data: 1');
  const drained = bench.bye.drain();
  await listener.ended;
  listener.socket.end();
  expect(await drained).toMatchObject({ cut: [] });
  expect(await outcome).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  expect(source.destroyed).toBe(true);
});

test('a stream without chunks ends with its connection (HTTP/1.0)', async () => {
  await using bench = new Bench();
  const port = await serve(bench, (_request, response) => response.writeHead(200, HEAD).write('data: 1\n\n'));
  const listener = new Listener(bench, port, { version: '1.0' });
  await listener.has('data: 1');
  const drained = bench.bye.drain();
  await listener.ended;
  expect(listener.text).toMatch(/\r\n\r\ndata: 1\n\n$/);
  expect(await drained).toMatchObject({ cut: [] });
});

test('a head that was not sent yet is; a stream that begins during the drain ends after its first event', async () => {
  await using bench = new Bench(WITH_GRACE);
  const port = await serve(bench, (request: IncomingMessage, response) => {
    if (request.url === '/plain') response.end('plain');
    else if (request.url === '/silent') response.writeHead(200, HEAD);
    else response.writeHead(200, HEAD).write('data: welcome\n\n');
  });
  const silent = new Listener(bench, port, { path: '/silent' });
  const late = new Listener(bench, port, { path: '/plain' });
  await late.has('plain');
  await expect.poll(() => bench.bye.health().inFlight).toBe(1);
  const drained = bench.bye.drain();
  await silent.ended;
  expect(silent.text).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\n0\r\n\r\n$/);
  late.socket.write('GET /late HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  await late.ended;
  expect(late.text).toMatch(/data: welcome\n\n\r\n0\r\n\r\n$/);
  expect(await drained).toMatchObject({ cut: [], requestsFinished: 2 });
});

test('a compressed stream gets the end of its compression from its middleware', async () => {
  await using bench = new Bench();
  const port = await serve(bench, (_request, response) => {
    compress(response)
      .writeHead(200, { ...HEAD, 'content-encoding': 'gzip' })
      .write('data: 1\n\n');
  });
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { accept: 'text/event-stream' } });
  const text = answer.text();
  const drained = bench.bye.drain();
  expect(await text).toBe('data: 1\n\n');
  expect(await drained).toMatchObject({ cut: [], requestsFinished: 1 });
});

/** As the package compression does it. */
function compress(response: ServerResponse): ServerResponse {
  const gzip = createGzip();
  const { write, end } = response;
  gzip.on('data', (chunk) => Reflect.apply(write, response, [chunk])).on('end', () => Reflect.apply(end, response, []));
  response.write = ((chunk: string) => gzip.write(chunk) && void gzip.flush()) as never;
  response.end = (() => gzip.end()) as never;
  return response;
}

test('markEndless() ends any other answer, and nothing else is ended', async () => {
  await using bench = new Bench({ shutdownTimeoutMs: 800, closeReserveMs: 200 });
  const port = await serve(bench, (request, response) => {
    if (request.url === '/marked') bench.bye.markEndless(response);
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{"n":1}\n');
  });
  const [marked, other] = [
    new Listener(bench, port, { path: '/marked', accept: '*/*' }),
    new Listener(bench, port, { path: '/other' }),
  ];
  await Promise.all([marked.has('"n"'), other.has('"n"')]);
  const drained = bench.bye.drain();
  await marked.ended;
  expect(marked.text).toMatch(/\n\r\n0\r\n\r\n$/);
  expect((await drained).cut).toMatchObject([{ kind: 'request', name: 'GET /other' }]);
  expect(other.text).not.toMatch(/0\r\n\r\n$/);
});

test('onGoodbye() may write a last event, or take the stream over', async () => {
  await using bench = new Bench();
  const port = await serve(bench, (_request, response) => response.writeHead(200, HEAD).write('data: 1\n\n'));
  bench.bye.onGoodbye(({ request, response, reason }) => {
    response?.write(`event: goodbye\ndata: ${reason}\n\n`);
    if (request.url !== '/own') return false;
    setTimeout(() => response?.end('data: mine\n\n'), 20);
    return true;
  });
  const [plain, own] = [new Listener(bench, port), new Listener(bench, port, { path: '/own' })];
  await Promise.all([plain.has('data: 1'), own.has('data: 1')]);
  const drained = bench.bye.drain('upgrade');
  await plain.ended;
  expect(plain.text).toMatch(/data: upgrade\n\n\r\n0\r\n\r\n$/);
  await own.has('data: mine\n\n\r\n0\r\n\r\n');
  own.socket.end();
  expect(await drained).toMatchObject({ cut: [] });
});
