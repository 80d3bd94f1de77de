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
