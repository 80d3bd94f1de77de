import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exactBody, type RequestSpec, StrictConnection, until } from '@bye/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConnectionMessage, Message } from '../../../src/channel/messages.js';
import type { Connection } from '../../../src/drain/connection.js';
import { Mover } from '../../../src/drain/move/mover.js';
import { ServerDrain } from '../../../src/drain/server-drain.js';
import { realHost } from '../../../src/host.js';

// A new process that does what the test says, and real connections.

let server: Server;
let drain: ServerDrain;
let mover: Mover | undefined;
let sent: { message: ConnectionMessage; lose: () => void }[];
let held: ServerResponse[];
const clients: StrictConnection[] = [];
beforeEach(async () => {
  held = [];
  sent = [];
  server = createServer((request, response) => {
    if (request.url === '/held') held.push(response);
    else response.end(`answer to ${request.url}`);
  });
  drain = new ServerDrain(server, {
    host: realHost,
    intercept: () => false,
    describe: () => '',
    graceMs: () => 0,
    offerGoodbye: () => false,
    isEndless: () => false,
    onSoftClose() {},
    onClosed() {},
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  mover?.stop();
  for (const client of clients.splice(0)) client.destroy();
  await drain.destroy();
});

const get = (name: string): RequestSpec => ({ path: `/${name}`, check: exactBody(`answer to /${name}`) });
const quick = (name: string) => ({ ...get(name), timeoutMs: 200 });

async function open(): Promise<StrictConnection> {
  const client = await StrictConnection.open({ port: (server.address() as AddressInfo).port });
  clients.push(client);
  await client.request(get('first'));
  return client;
}

function start(agrees: (connection: Connection) => boolean = () => true): Mover {
  const send = (message: Message, _handle: object, lose: () => void) => {
    if (message.bye === 'connection') sent.push({ message, lose });
  };
  mover = new Mover({ host: realHost, servers: [{ key: 'tcp:*:80', drain }], agrees, send });
  return mover;
}

const bytesRead = () =>
  [...(drain.movable?.connections.values() ?? [])].reduce((sum, { socket }) => sum + socket.bytesRead, 0);

const untilSent = (count: number) => until(() => sent.length === count);

test('Mover freezes what it sends, and `undo()` serves it again, with what came meanwhile', async () => {
  const client = await open();
  const moving = start();
  await untilSent(1);
  expect(sent[0]?.message).toEqual({ bye: 'connection', id: 1, key: 'tcp:*:80', hasAsked: true });
  const answers = client.pipeline([get('1'), get('2')]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(client.outstanding).toBe(2);
  drain.sayClose();
  moving.undo();
  expect((await Promise.all(answers)).map(({ saidClose }) => saidClose)).toEqual([false, true]);
});

test.each([
  ['refused', (moving: Mover) => moving.refused(1)],
  ['lost on the way', () => sent[0]?.lose()],
])('Mover serves on what was %s, and sends it no more', async (_how, refuse) => {
  const client = await open();
  const moving = start();
  const calm = moving.whenCalm();
  await untilSent(1);
  refuse(moving);
  await calm;
  expect(moving).toMatchObject({ moved: 0, silentMs: 0 });
  await client.request(get('1'));
  drain.sayClose();
  expect(await client.request(get('2'))).toMatchObject({ saidClose: true });
  expect(sent).toHaveLength(1);
});

test('Mover closes its copy of what was taken, and sends no more than two at once', async () => {
  const opened = await Promise.all([open(), open(), open()]);
  const moving = start();
  await untilSent(2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(sent).toHaveLength(2);
  moving.taken(1);
  await untilSent(3);
  moving.taken(3);
  moving.taken(99);
  await until(() => drain.connectionCount === 1);
  expect(moving.moved).toBe(2);
  moving.undo();
  const answers = await Promise.allSettled(opened.map((client) => client.request(quick('1'))));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('Mover sends nothing that the application keeps, nor a connection in the middle of a head', async () => {
  const [kept, half] = [await open(), await open()];
  const pending = half!.begin(get('half'));
  const before = bytesRead();
  pending.write(5);
  await until(() => bytesRead() === before + 5);
  let asked = 0;
  const moving = start(() => {
    asked += 1;
    return false;
  });
  await moving.whenCalm();
  await kept!.request(get('1'));
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(asked).toBe(1);
  pending.write();
  await pending.answer;
  expect(sent).toEqual([]);
});

test('Mover reads on where the client had sent half a request more', async () => {
  const client = await open();
  const answers = client.pipeline([{ path: '/held' }, { path: '/held' }]);
  await until(() => held.length === 2);
  const pending = client.begin(get('third'));
  const before = bytesRead();
  pending.write(10);
  await until(() => bytesRead() === before + 10);
  start();
  await new Promise((resolve) => setTimeout(resolve, 60));
  pending.write();
  for (const response of held) response.end();
  await Promise.all([...answers, pending.answer]);
  await untilSent(1);
});

test('Mover reads no more from a client that does not wait for its answers (M7)', async () => {
  const client = await open();
  const answers = client.pipeline([{ path: '/held' }, { path: '/held' }]);
  await until(() => held.length === 2);
  const before = bytesRead();
  const moving = start();
  await new Promise((resolve) => setTimeout(resolve, 60));
  const third = client.request(get('third'));
  await new Promise((resolve) => setTimeout(resolve, 60));
  for (const response of held) response.end();
  await Promise.all(answers);
  await untilSent(1);
  expect(bytesRead()).toBe(before);
  expect(client.outstanding).toBe(1);
  moving.undo();
  await third;
});
