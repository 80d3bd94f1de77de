/** The strict client is believed only because it is seen red here: each failure class, and no failure where there is none. */
import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createRandom, requests, StrictConnection, StrictFailure, seededBuffer, testHandler } from '../src/index.js';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

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

describe('against a good server', () => {
  it('reports nothing for every route of the protocol', async () => {
    const connection = await open(await listenGood());
    const body = seededBuffer(3, 100_000);
    const answers = [
      await connection.request(requests.fast('a')),
      await connection.request(requests.slow('b', 20)),
      await connection.request(requests.echo(body)),
      await connection.request({ ...requests.echo(body), chunked: true }),
      await connection.request({ ...requests.echo(body), slowUpload: { chunkBytes: 20_000, everyMs: 2 } }),
      await connection.request(requests.large(5, 3_000_000)),
      await connection.request(requests.headersSet('c', 'flat')),
      await connection.request({ method: 'HEAD', path: '/large?bytes=1000000&seed=1' }),
      await connection.request({ path: '/status?code=204', expectStatus: 204 }),
      await connection.request({ path: '/status?code=304', expectStatus: 304 }),
      await connection.request(requests.fast('d')),
    ];
    expect(answers.map(({ index }) => index)).toEqual([...answers.keys()]);
    expect(new Set(answers.map(({ pid }) => pid))).toEqual(new Set([process.pid]));
  });

  it('reads a chunked answer with its trailer', async () => {
    const answer = await (await open(await listenGood())).request(requests.stream(1, 200_000, 1));
    expect(answer.trailers.get('x-bytes')).toBe('200000');
  });

  it('waits for 100 Continue before it sends the body', async () => {
    const answer = await (await open(await listenGood())).request({
      ...requests.echo(seededBuffer(1, 5000)),
      expectContinue: true,
    });
    expect(answer.interim).toEqual([100]);
  });

  it('sends no body before the server asks for it, and none that it refuses', async () => {
    for (const answer of ['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n']) {
      let received = '';
      const port = await listen(
        net.createServer((socket) => {
          cleanups.push(() => socket.destroy());
          socket.on('data', (bytes) => {
            received += bytes;
            if (received.endsWith('BODY')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
          });
          socket.once('data', () =>
            setTimeout(() => socket.write(received.includes('BODY') ? 'too early' : answer), 30),
          );
        }),
      );
      const connection = await open(port);
      const spec = { path: '/', body: 'BODY', expectContinue: true, expectStatus: [200, 413] };
      const { status, interim } = await connection.request(spec);
      const asked = answer.includes('100');
      expect([status, interim, connection.usable]).toEqual(asked ? [200, [100], true] : [413, [], false]);
      expect(received.includes('BODY')).toBe(asked);
    }
  });

  it('takes the answer to an upload that is not read to its end', async () => {
    const connection = await open(await listenGood());
    const answer = await connection.request({ ...requests.early(seededBuffer(1, 50_000)), chunkBytes: 1000 });
    expect(answer.status).toBe(413);
  });

  it('answers pipelined requests, whole or split at any byte', async () => {
    const connection = await open(await listenGood());
    const { integer } = createRandom(1);
    for (let round = 0; round < 40; round++) {
      const body = seededBuffer(round, integer(3000));
      const specs = [requests.fast(round), requests.echo(body), requests.slow(round, 1), requests.fast('end')];
      const answers = connection.pipeline(specs, { pieces: 1 + integer(12), gapMs: round % 4 === 0 ? 1 : 0, integer });
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    }
    expect(connection.answered).toBe(160);
  });

  it('completes a half-sent head later', async () => {
    const port = await listenGood();
    const pending = (await open(port)).begin(requests.echo(Buffer.from('hello')));
    pending.write(20);
    await (await open(port)).request(requests.fast(0));
    pending.write(pending.headBytes - 20);
    pending.write();
    expect((await pending.answer).status).toBe(200);
  });

  it('reads slowly: the time it takes is the rate it asked for', async () => {
    const spec = { ...requests.large(2, 2_000_000), slowRead: { pauseMs: 50, bytesPerSecond: 10_000_000 } };
    const answer = await (await open(await listenGood())).request(spec);
    expect(answer.durationMs).toBeGreaterThan(200);
    expect(answer.bodyBytes).toBe(2_000_000);
  });

  it('counts a close without an outstanding request as idle, not as a failure', async () => {
    const server = http.createServer(testHandler);
    const connection = await open(await listen(server));
    await connection.request(requests.fast(1));
    server.closeIdleConnections();
    expect(await connection.closed).toMatchObject({
      by: 'server',
      idle: true,
      reset: false,
      answered: 1,
      failure: undefined,
    });
    await expect(connection.request(requests.fast(2))).rejects.toMatchObject({ name: 'NotSent' });
  });

  it('writes nothing after Connection: close', async () => {
    const server = http.createServer((req, res) => {
      res.setHeader('Connection', 'close');
      testHandler(req, res);
    });
    const connection = await open(await listen(server));
    expect((await connection.request(requests.fast(1))).saidClose).toBe(true);
    expect(connection.usable).toBe(false);
    await expect(connection.request(requests.fast(2))).rejects.toMatchObject({ name: 'NotSent' });
    expect(await connection.closed).toMatchObject({ by: 'server', idle: false });
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

function answerWith(socket: net.Socket, act: (socket: net.Socket) => void): void {
  socket.on('error', () => {});
  socket.once('data', () => act(socket));
  cleanups.push(() => socket.destroy());
}

async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

function listenGood(): Promise<number> {
  return listen(http.createServer(testHandler as http.RequestListener));
}

async function open(port: number): Promise<StrictConnection> {
  const connection = await StrictConnection.open({ port });
  cleanups.push(() => connection.destroy());
  return connection;
}
