/** On a right answer the strict client reports nothing, however the bytes come and go. */
import http from 'node:http';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { createRandom, requests, seededBuffer, testHandler } from '../src/index.js';
import { listen, listenGood, open } from './servers.js';

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
