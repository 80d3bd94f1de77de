// HTTP/2 where the plain GOAWAY is not enough: late sessions, endless streams, clients that hang. Trap T15: docs/internals.
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, createSecureServer, createServer, type ServerHttp2Stream } from 'node:http2';
import { connect as connectRaw } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test, vi } from 'vitest';
import { Bench, WITH_GRACE } from './bench.js';
import { createCertificate } from './tls.js';

const HEAD = { ':status': 200, 'content-type': 'text/event-stream' };

function listen(bench: Bench, port: number, path: string, accept = 'text/event-stream') {
  const session = connect(`http://127.0.0.1:${port}`);
  bench.defer(() => session.destroy());
  const stream = session.request({ ':path': path, accept }).setEncoding('utf8');
  const heard = { text: '', ended: once(stream, 'end') };
  stream.on('data', (text) => {
    heard.text += text;
  });
  return heard;
}

test('a session that begins during the drain has its first requests answered, and then its GOAWAY', async () => {
  await using bench = new Bench(WITH_GRACE);
  const server = createSecureServer(createCertificate(), (_request, response) => response.end('answer'));
  const { port } = await bench.listen(server);
  const raw = connectRaw(port, '127.0.0.1');
  await once(raw, 'connect');
  await expect.poll(() => bench.bye.health().connections).toBe(1);
  const drained = bench.bye.drain();
  await expect.poll(() => server.listening).toBe(false);
  const session = connect(`https://127.0.0.1:${port}`, {
    createConnection: () => connectTls({ socket: raw, ALPNProtocols: ['h2'], rejectUnauthorized: false }),
  });
  bench.defer(() => session.destroy());
  const [goaway, answers] = [once(session, 'goaway'), ['/1', '/2'].map((path) => session.request({ ':path': path }))];
  expect(await Promise.all(answers.map(read))).toEqual(['answer', 'answer']);
  expect((await goaway)[0]).toBe(0);
  expect(await drained).toMatchObject({ requestsFinished: 2, cut: [] });
});

test.each([
  ['the core API', (stream: ServerHttp2Stream) => stream],
  ['the compatibility API', undefined],
])('an event stream of %s ends between two events, and what is written later is dropped', async (_what, core) => {
  await using bench = new Bench();
  const server = createServer();
  const [failed, taken] = [vi.fn(), vi.fn()];
  const closed = vi.fn();
  const talk = (target: { write(text: string, callback: (error?: Error | null) => void): boolean }, id = 1) => {
    target.write(`id: ${id}\nda`, (error) => (error && closed.mock.calls.length === 0 ? failed(error) : taken()));
    setTimeout(() => {
      target.write(`ta: ${id}\n\n`, () => {});
      if (closed.mock.calls.length === 0) setTimeout(talk, 1, target, id + 1);
    }, 1);
  };
  if (core)
    server.on('stream', (stream) => {
      stream.on('error', failed).on('close', closed).respond(HEAD);
      talk(stream);
    });
  else
    server.on('request', (_request, response) => {
      response.on('error', failed).on('close', closed).writeHead(200, { 'content-type': 'text/event-stream' });
      talk(response);
    });
  const { port } = await bench.listen(server);
  const heard = listen(bench, port, '/');
  await expect.poll(() => heard.text).toContain('id: 3');
  const drained = bench.bye.drain();
  await heard.ended;
  expect(heard.text).toMatch(/^(?:id: (\d+)\ndata: \1\n\n)+$/);
  expect(await drained).toMatchObject({ requestsFinished: 1, cut: [] });
  await expect.poll(() => closed.mock.calls.length).toBe(1);
  expect(failed).not.toHaveBeenCalled();
});

test('markEndless() takes a stream or an answer of HTTP/2, and a head may come during the drain', async () => {
  await using bench = new Bench();
  const held: ServerHttp2Stream[] = [];
  const server = createServer().on('request', (request, response) => {
    if (request.url === '/answer') bench.bye.markEndless(response);
    if (request.url === '/stream') bench.bye.markEndless(response.stream);
    if (request.url === '/late') held.push(response.stream);
    else response.write(request.url);
  });
  const { port } = await bench.listen(server);
  const all = ['/answer', '/stream', '/late'].map((path) => listen(bench, port, path, '*/*'));
  await expect.poll(() => all.map(({ text }) => text)).toEqual(['/answer', '/stream', '']);
  const drained = bench.bye.drain();
  await Promise.all(all.slice(0, 2).map(({ ended }) => ended));
  held[0]?.respond(HEAD);
  held[0]?.write('data: welcome\n\n');
  await all[2]?.ended;
  expect(all[2]?.text).toBe('data: welcome\n\n');
  expect(await drained).toMatchObject({ requestsFinished: 3, cut: [] });
});

test('a client that neither answers nor closes does not hold the drain', async () => {
  await using bench = new Bench();
  const { port } = await bench.listen(createServer());
  const socket = connectRaw({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  bench.defer(() => socket.destroy());
  socket.resume().write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
  await expect.poll(() => bench.bye.health().connections).toBe(1);
  expect(await bench.bye.drain()).toMatchObject({ cut: [], durationMs: expect.toSatisfy((ms) => ms < 9000) });
});

async function read(stream: ClientHttp2Stream): Promise<string> {
  let text = '';
  for await (const part of stream.setEncoding('utf8')) text += part;
  return text;
}
