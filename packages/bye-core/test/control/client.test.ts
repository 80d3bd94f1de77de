import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeFrame } from '../../src/channel/frames.js';
import { Client } from '../../src/control/client.js';
import type { ByeError } from '../../src/errors.js';
import { FakeHost } from '../fake-host.js';
import { scratchDirectory } from '../listeners/scratch.js';

/** The server's end is a real socket, its clock the test's. */
let host: FakeHost;
let server: Server;
let peer: Socket;
let client: Client;
let requests: ({ readonly value: unknown } | { readonly error: Error })[];
let told: { ended: number; closed: number };
let asked: Promise<void>;
beforeEach(async () => {
  host = new FakeHost();
  requests = [];
  // Its own for each test: the end of one test's client may come in the next.
  const counts = { ended: 0, closed: 0 };
  told = counts;
  const path = join(scratchDirectory(), 'c');
  let noteAsked = () => {};
  asked = new Promise((resolve) => {
    noteAsked = resolve;
  });
  const accepted = new Promise<Client>((resolve) => {
    server = createServer({ allowHalfOpen: true }, (socket) =>
      resolve(
        new Client(socket, {
          host,
          onRequest: (_, request) => {
            requests.push(request);
            noteAsked();
          },
          onEnd: () => {
            counts.ended += 1;
          },
          onClose: () => {
            counts.closed += 1;
          },
        }),
      ),
    ).listen(path);
  });
  await once(server, 'listening');
  peer = connect({ path, allowHalfOpen: true }).on('error', () => {});
  client = await accepted;
});
afterEach(async () => {
  peer.destroy();
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const reasons = () =>
  requests.map((request) => ('error' in request ? (request.error as ByeError).data : request.value));

/** Everything that the peer is sent until the end. */
async function read(): Promise<string> {
  let text = '';
  for await (const chunk of peer) text += String(chunk);
  return text;
}

test('gives the first request, once, and ignores what follows', async () => {
  peer.write(Buffer.concat([encodeFrame({ first: 1 }), encodeFrame({ second: 2 }), Buffer.alloc(9)]));
  await asked;
  peer.write(encodeFrame({ third: 3 }));
  await client.finish(Buffer.from('result'));
  expect(await read()).toBe('result');
  expect(reasons()).toEqual([{ first: 1 }]);
});

test('refuses after 10 s what is not complete by then, however it trickles', async () => {
  peer.write(encodeFrame('request').subarray(0, 6));
  await once(peer, 'ready').catch(() => {});
  await host.advance(9999);
  expect(requests).toEqual([]);
  await host.advance(1);
  expect(reasons()).toEqual([{ reason: 'timeout' }]);
});

test('has no deadline any more once it has asked', async () => {
  peer.write(encodeFrame('request'));
  await asked;
  expect(host.timers).toBe(0);
});

test('tells of a client that closed its side, which still gets its result', async () => {
  peer.end(encodeFrame('request'));
  await asked;
  while (told.ended === 0) await new Promise((resolve) => setImmediate(resolve));
  client.send(Buffer.from('progress '));
  void client.finish(Buffer.from('result'));
  expect(await read()).toBe('progress result');
});

test('leaves out what a client has no room for, and never its result', async () => {
  peer.pause().write(encodeFrame('request'));
  await asked;
  for (let sent = 0; sent < 64; sent++) client.send(Buffer.alloc(64 * 1024));
  expect(client.isGone).toBe(false);
  void client.finish(Buffer.from('result'));
  const text = await read();
  // What the kernel takes, and 256 KiB.
  expect(text.length).toBeLessThan(32 * 64 * 1024);
  expect(text).toMatch(/\0result$/);
});

test('ends a client that has its result and does not close', async () => {
  peer.write(encodeFrame('request'));
  await asked;
  await client.finish(Buffer.from('result'));
  await host.advance(999);
  expect(told.closed).toBe(0);
  await host.advance(1);
  while (told.closed === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(client.isGone).toBe(true);
  expect(host.timers).toBe(0);
});

test('leaves the end of a last answer to the exit if it is to', async () => {
  peer.write(encodeFrame('request'));
  await asked;
  await client.finish(Buffer.from('result'), true);
  const [first] = await once(peer, 'data');
  expect(String(first)).toBe('result');
  let isOver = false;
  peer.on('end', () => {
    isOver = true;
  });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  client.destroy();
  await once(peer, 'end');
});

test('does not answer who leaves without a word', async () => {
  peer.end();
  expect(await read()).toBe('');
  expect(requests).toEqual([]);
  while (told.closed === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(host.timers).toBe(0);
});
