import { rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeFrame } from '../../src/channel/frames.js';
import { askService } from '../../src/cli/client.js';
import type { Progress } from '../../src/cli/reporter.js';
import { ScriptedServer, STATUS, say } from './scripted-server.js';

const RESULT = { ok: true, request: 'status', status: STATUS };

function ask(path: string, signal = new AbortController().signal, onAnswer = () => {}) {
  const told: Progress[] = [];
  const result = askService({
    path,
    request: { request: 'status', watch: false },
    signal,
    onAnswer: (progress) => {
      told.push(progress);
      onAnswer();
    },
  });
  return { told, result };
}

test('askService() sends its request with the version, and hands on answers until the result', async () => {
  await using server = await ScriptedServer.start((socket) =>
    say(
      socket,
      { event: 'bye:warning', pid: 7, message: 'careful', data: { message: 'careful' } },
      { status: STATUS },
      { result: RESULT },
      { status: STATUS },
    ),
  );
  const { told, result } = ask(server.path);
  expect(await result).toEqual(RESULT);
  expect(told).toEqual([
    { event: 'warning', pid: 7, message: 'careful', data: { message: 'careful' } },
    { status: STATUS },
  ]);
  expect(server.asked).toEqual([{ bye: 1, request: 'status', watch: false }]);
});

test('askService() understands an answer that comes byte by byte', async () => {
  await using server = await ScriptedServer.start(async (socket) => {
    for (const byte of encodeFrame({ result: RESULT })) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  expect(await ask(server.path).result).toEqual(RESULT);
});

test('askService() passes over frames and fields of a newer version', async () => {
  const newer = { ...RESULT, status: { ...STATUS, mood: 'fine' }, extra: 1 };
  await using server = await ScriptedServer.start((socket) =>
    say(
      socket,
      { hello: 1 },
      5,
      null,
      [],
      { status: 'x' },
      { event: 'y' },
      { result: { ok: true } },
      { result: newer },
    ),
  );
  const { told, result } = ask(server.path);
  expect(await result).toEqual(newer);
  expect(told).toEqual([]);
});

test.each([
  ['status', { ...STATUS, inFlight: 'many' }],
  ['status', { ...STATUS, listeners: [1] }],
  ['status', { ...STATUS, upgrade: 'yes' }],
  ['result', { ok: true, request: 'upgrade', pid: 1 }],
  ['result', { ok: true, request: 'stop' }],
  ['result', { ok: true, request: 'stop', drain: { cut: 1 } }],
  ['result', { ok: false, request: 'stop', error: 'bad' }],
])('askService() passes over a malformed %s', async (name, value) => {
  await using server = await ScriptedServer.start((socket) => {
    say(socket, { [name]: value });
    socket.end();
  });
  const { told, result } = ask(server.path);
  await expect(result).rejects.toMatchObject({ code: 'ERR_BYE_CONTROL_LOST' });
  expect(told).toEqual([]);
});

test('askService() tells a program that is not bye from a service that ends', async () => {
  await using web = await ScriptedServer.start((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await expect(ask(web.path).result).rejects.toMatchObject({
    code: 'ERR_BYE_CONTROL_GARBAGE',
    data: { path: web.path },
    message: expect.stringContaining('another program listens there'),
  });
  const noJson = Buffer.from('\0\0\0\x02{]');
  await using garbled = await ScriptedServer.start((socket) => socket.end(noJson));
  await expect(ask(garbled.path).result).rejects.toMatchObject({ code: 'ERR_BYE_CONTROL_GARBAGE' });
  let spoil = () => {};
  await using late = await ScriptedServer.start((socket) => {
    spoil = () => void socket.end(noJson);
    say(socket, { status: STATUS });
  });
  const { result } = ask(late.path, undefined, () => spoil());
  await expect(result).rejects.toMatchObject({ code: 'ERR_BYE_CONTROL_LOST', cause: { name: 'SyntaxError' } });
});

test.each(['end', 'destroy'] as const)('askService() rejects when the service calls %s()', async (way) => {
  await using server = await ScriptedServer.start((socket) => void socket[way]());
  await expect(ask(server.path).result).rejects.toMatchObject({
    code: 'ERR_BYE_CONTROL_LOST',
    data: { path: server.path },
  });
});

test('askService() says why there is no service', async () => {
  await using server = await ScriptedServer.start(() => {});
  const file = `${server.dir}/file`;
  writeFileSync(file, '');
  const reason = (path: string) => ask(path).result.catch(({ code, data }) => `${code} ${data.reason}`);
  expect(await reason(`${server.dir}/none`)).toBe('ERR_BYE_NO_SERVICE no-socket');
  expect(await reason(`${file}/below`)).toBe('ERR_BYE_NO_SERVICE no-socket');
  expect(await reason(file)).toBe('ERR_BYE_NO_SERVICE nobody-listens');
  expect(await reason(server.dir.padEnd(300, 'x'))).toMatch(/^ERR_BYE_NO_SERVICE (unreachable|no-socket)$/);
  rmSync(file);
});

test('askService() gives up with the reason of its signal, before and while it waits', async () => {
  await using server = await ScriptedServer.start(() => controller.abort(new Error('enough')));
  const controller = new AbortController();
  await expect(ask(server.path, controller.signal).result).rejects.toThrow('enough');
  await expect(ask(server.path, controller.signal).result).rejects.toThrow('enough');
  expect(server.asked).toHaveLength(1);
});
