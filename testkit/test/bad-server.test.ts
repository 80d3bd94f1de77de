/** The strict client is believed only because it is seen red here, in each class of failure. */
import http from 'node:http';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { requests, StrictConnection, StrictFailure, seededBuffer, testHandler } from '../src/index.js';
import { answerWith, listen, open } from './servers.js';

describe('against a bad server', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n';

  it.each([
    ['truncated', 'half a body, then the end', (s: net.Socket) => s.end(`${HEAD}\r\nok`)],
    ['truncated', 'half a head, then the end', (s: net.Socket) => s.end(HEAD)],
    ['truncated', 'chunks without a last one', (s: net.Socket) => s.end(`${CHUNKED}2\r\nok\r\n`)],
    ['wrong-body', 'another body', (s: net.Socket) => s.end(`${HEAD}\r\nok 2`)],
    ['wrong-body', 'a shorter body', (s: net.Socket) => s.end(`${CHUNKED}3\r\nok \r\n0\r\n\r\n`)],
    ['wrong-body', 'a body cut by the end of the connection', (s: net.Socket) => s.end(`${CLOSE}\r\nok`)],
    ['reset', 'a reset instead of an answer', (s: net.Socket) => s.resetAndDestroy()],
    ['eof-before-answer', 'the end instead of an answer', (s: net.Socket) => s.end()],
    ['bad-status', '503', (s: net.Socket) => s.end('HTTP/1.1 503 Nope\r\nContent-Length: 0\r\n\r\n')],
    ['unexpected-data', 'something else than HTTP', (s: net.Socket) => s.end('SSH-2.0-OpenSSH_9.6\r\n')],
    ['unexpected-data', 'a bare line feed', (s: net.Socket) => s.end('HTTP/1.1 200 OK\nX: y\r\n\r\n')],
    ['unexpected-data', 'two lengths', (s: net.Socket) => s.end(`${HEAD}Content-Length: 4\r\n\r\nok 1`)],
    ['unexpected-data', 'a length and chunks', (s: net.Socket) => s.end(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`)],
    ['unexpected-data', 'a chunk that is too long', (s: net.Socket) => s.end(`${CHUNKED}2\r\nok 1\r\n`)],
    ['unexpected-data', 'no length and no close', (s: net.Socket) => s.end('HTTP/1.1 200 OK\r\n\r\nok 1')],
    ['timeout', 'silence', () => {}],
    ['timeout', 'silence after half an answer', (s: net.Socket) => s.write(`${HEAD}\r\nok`)],
  ])('reports %s for %s', async (failure, _what, act) => {
    const connection = await open(await listen(net.createServer((socket) => answerWith(socket, act))));
    await expect(connection.request({ ...requests.fast(1), timeoutMs: 100 })).rejects.toMatchObject({
      failure,
      context: { method: 'GET', path: '/fast?n=1', requestIndex: 0 },
    });
    await connection.closed;
  });

  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  const CLOSE = 'HTTP/1.1 200 OK\r\nConnection: close\r\n';
  const RIGHT = `${HEAD}\r\nok 1`;

  it('reports refused where nobody listens', async () => {
    const server = net.createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    await expect(open(port)).rejects.toMatchObject({ failure: 'refused', context: { method: 'connect' } });
    await expect(StrictConnection.open({ socketPath: '/nowhere/app.sock' })).rejects.toMatchObject({
      failure: 'refused',
    });
  });

  it('fails each of three pipelined requests of which only the first is answered', async () => {
    const port = await listen(
      net.createServer((socket) => answerWith(socket, (s) => s.end(`${HEAD}Connection: close\r\n\r\nok 1`))),
    );
    const answers = (await open(port)).pipeline([requests.fast(1), requests.fast(2), requests.fast(3)]);
    const settled = await Promise.allSettled(answers);
    expect(settled.map((one) => (one.status === 'rejected' ? one.reason.failure : 'ok'))).toEqual([
      'ok',
      'eof-before-answer',
      'eof-before-answer',
    ]);
    expect(settled[1]).toMatchObject({ reason: { context: { afterClose: true, requestIndex: 1 } } });
  });

  it('fails a request of which one byte was written when the connection ended', async () => {
    const port = await listen(net.createServer((socket) => socket.once('data', () => socket.end())));
    const pending = (await open(port)).begin(requests.fast(1));
    pending.write(1);
    await expect(pending.answer).rejects.toMatchObject({ failure: 'eof-before-answer' });
  });

  it('reports an answer that nobody asked for', async () => {
    const port = await listen(net.createServer((socket) => answerWith(socket, (s) => s.write(`${RIGHT}${RIGHT}`))));
    const connection = await open(port);
    await connection.request(requests.fast(1));
    expect((await connection.closed).failure).toMatchObject({
      failure: 'unexpected-data',
      context: { method: 'nothing' },
    });
  });

  it('sees one changed byte in a large answer', async () => {
    const bytes = seededBuffer(7, 300_000);
    bytes[200_000]! ^= 1;
    const port = await listen(http.createServer((_req, res) => res.end(bytes)));
    await expect((await open(port)).request(requests.large(7, 300_000))).rejects.toMatchObject({
      failure: 'wrong-body',
    });
  });

  it('sees two blocks of a large answer exchanged', async () => {
    const bytes = seededBuffer(7, 196_608);
    const swapped = Buffer.concat([
      bytes.subarray(0, 65_536),
      bytes.subarray(131_072),
      bytes.subarray(65_536, 131_072),
    ]);
    const port = await listen(http.createServer((_req, res) => res.end(swapped)));
    await expect((await open(port)).request(requests.large(7, 196_608))).rejects.toMatchObject({
      failure: 'wrong-body',
    });
  });
});

it('says where a failure happened', async () => {
  const server = http.createServer((req, res) =>
    req.url === '/fast?n=2' ? req.socket.destroy() : testHandler(req, res),
  );
  const connection = await open(await listen(server));
  await connection.request(requests.fast(1));
  const failure = await connection.request(requests.fast(2)).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(StrictFailure);
  expect((failure as StrictFailure).message).toMatch(/^eof-before-answer: GET \/fast\?n=2: /);
  expect((failure as StrictFailure).context).toMatchObject({ requestIndex: 1, bytesGot: 0, afterClose: false });
});
