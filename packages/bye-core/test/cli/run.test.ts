import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/cli/run.js';
import { realHost } from '../../src/host.js';
import { FakeHost } from '../fake-host.js';
import { FakeTerminal } from './fake-terminal.js';
import { ScriptedServer, STATUS, say } from './scripted-server.js';

const DRAIN = { reason: 'stop', durationMs: 3249, requestsFinished: 2, cut: [], hookErrors: [] };
const CUT = { kind: 'request', name: 'GET /slow', ageMs: 4000 };

async function bye(line: string, host = realHost as typeof realHost | FakeHost, surroundings = {}) {
  const terminal = new FakeTerminal(line);
  const code = await run({
    host,
    terminal,
    surroundings: { socket: undefined, pidFile: undefined, ...surroundings },
  });
  return { code, out: terminal.out.lines, err: terminal.err.lines };
}

const serve = (...answers: object[]) => ScriptedServer.start((socket: Socket) => say(socket, ...answers));

test('run() says its version and its help on stdout', async () => {
  expect(await bye('--version')).toEqual({ code: 0, out: ['dev'], err: [] });
  const { code, out, err } = await bye('help stop');
  expect({ code, err }).toEqual({ code: 0, err: [] });
  expect(out[0]).toBe('Usage: bye stop [options]');
  expect(out.join('\n')).not.toContain('--force');
});

test('run() explains what it did not understand, in JSON as well', async () => {
  expect(await bye('upgrad')).toEqual({
    code: 2,
    out: [],
    err: ["bye: Cannot use 'upgrad': did you mean bye upgrade? (ERR_BYE_USAGE)", '  Do: see bye --help'],
  });
  const { code, out, err } = await bye('upgrad --json');
  expect({ code, err }).toEqual({ code: 2, err: [] });
  expect(out.map((line) => JSON.parse(line))).toEqual([
    {
      result: {
        ok: false,
        request: '',
        error: {
          name: 'ByeError',
          code: 'ERR_BYE_USAGE',
          message: expect.stringContaining('upgrad'),
          data: { argument: 'upgrad' },
        },
      },
      exitCode: 2,
    },
  ]);
});

test('run() tells the new process of an upgrade', async () => {
  const result = { ok: true, request: 'upgrade', pid: 4242, generation: 4, durationMs: 812 };
  await using server = await serve(
    { status: { ...STATUS, upgrade: { generation: 4, sinceMs: Date.now(), untilMs: Date.now() + 60_000 } } },
    { event: 'upgrade-started', pid: 1, message: 'upgrade to generation 4: /srv/app.js, pid 4242', data: {} },
    { event: 'upgrade-finished', pid: 1, message: 'told twice', data: {} },
    { event: 'of-tomorrow', pid: 1, message: 'not known', data: {} },
    { result },
  );
  expect(await bye(`upgrade --force --socket ${server.path}`)).toEqual({
    code: 0,
    out: ['upgraded to process 4242, generation 4, in 812 ms'],
    err: [
      expect.stringMatching(/^upgrade to generation 4, (1 min|60 s) left: prepares$/),
      'upgrade to generation 4: /srv/app.js, pid 4242',
    ],
  });
  expect(server.asked).toEqual([{ bye: 1, request: 'upgrade', force: true, wait: false }]);
  const { out, err } = await bye(`upgrade --json --socket ${server.path}`);
  expect(err).toEqual([]);
  expect(out).toHaveLength(5);
  expect(JSON.parse(out.at(-1) ?? '')).toEqual({ result, exitCode: 0 });
});

test('run() counts cut work as a failure', async () => {
  const drain = { ...DRAIN, cut: [CUT], hookErrors: [{ name: 'Error', message: 'hook broke' }] };
  const upgraded = { ok: true, request: 'upgrade', pid: 4242, generation: 4, durationMs: 812, drain };
  await using upgrade = await serve({ result: upgraded });
  expect(await bye(`upgrade --wait --socket ${upgrade.path}`)).toEqual({
    code: 1,
    out: ['upgraded to process 4242, generation 4, in 812 ms; the old process drained in 3.2 s, 2 answered meanwhile'],
    err: ['cut at the deadline: request GET /slow, after 4.0 s', 'hook failed: Error: hook broke'],
  });
  await using stop = await serve({ result: { ok: true, request: 'stop', drain: DRAIN } });
  expect(await bye(`stop --socket ${stop.path}`)).toEqual({
    code: 0,
    out: ['stopped: drained in 3.2 s, 2 answered meanwhile'],
    err: [],
  });
});

test.each([
  ['ready', 0],
  ['starting', 1],
  ['draining', 1],
])("run() answers 'status' of a service that is %s with %d", async (status, code) => {
  await using server = await serve({ result: { ok: true, request: 'status', status: { ...STATUS, status } } });
  const told = await bye(`status --socket ${server.path}`);
  expect(told).toMatchObject({ code, err: [] });
  expect(told.out[0]).toBe(`${status.padEnd(10)}process 2000000001, generation 3, up 2 h 5 min`);
});

test('run() watches on with the process that serves next, and says when there is none', async () => {
  await using server = await ScriptedServer.start((socket, _frame, connection) => {
    if (connection < 3) say(socket, { status: { ...STATUS, pid: connection } });
    socket.end();
  });
  expect(await bye(`status --watch --socket ${server.path}`)).toMatchObject({
    code: 5,
    out: [1, 2].map((pid) => `process ${pid}: ready, 1 request, 14 connections, 0 tasks`),
    err: [expect.stringContaining('ERR_BYE_CONTROL_LOST'), expect.stringContaining('Do: ')],
  });
});

test('run() ends a watch at its time with what it saw last', async () => {
  await using server = await serve({ status: STATUS });
  expect(await bye(`status --watch --timeout 200ms --socket ${server.path}`)).toMatchObject({ code: 0, err: [] });
});

test('run() takes the end of a service for the end of a watch', async () => {
  const result = { ok: true, request: 'status', status: { ...STATUS, status: 'stopped' } };
  await using server = await serve({ result });
  expect(await bye(`status --watch --socket ${server.path}`)).toMatchObject({ code: 1, err: [] });
  expect(server.asked).toHaveLength(1);
});

test('run() ends a watch that nobody reads, without a word', async () => {
  await using server = await ScriptedServer.start((socket) => {
    say(socket, { status: STATUS });
    terminal.out.gone();
  });
  const terminal = new FakeTerminal(`status --watch --socket ${server.path}`);
  expect(await run({ host: realHost, terminal, surroundings: { socket: undefined, pidFile: undefined } })).toBe(141);
  expect(terminal.err.written).toBe('');
});

test('run() gives up after --timeout, and says that nobody knows', async () => {
  await using server = await serve();
  expect(await bye(`upgrade --timeout 50ms --socket ${server.path}`)).toEqual({
    code: 5,
    out: [],
    err: [
      'bye upgrade: Cannot tell how it ended as 50 ms have passed (ERR_BYE_CONTROL_TIMEOUT)',
      "  Do: see bye status and the service's log: what was asked for may still go on",
    ],
  });
});

test('run() rewrites one line of a terminal, and takes it away in the end', async () => {
  const terminal = new FakeTerminal('');
  await using server = await ScriptedServer.start((socket) => {
    const status = { ...STATUS, status: 'draining', phase: 'tasks' };
    say(socket, { status: STATUS }, { status }, { status: { ...status, phase: 'hooks' } });
    say(socket, { event: 'warning', pid: 1, message: 'odd: \x1b[2J', data: {} });
    say(socket, { result: { ok: true, request: 'stop', drain: DRAIN } });
  });
  Object.assign(terminal, { args: ['stop', '--socket', server.path] });
  Object.assign(terminal.err, { canRewrite: true, columns: 32 });
  await run({ host: realHost, terminal, surroundings: { socket: undefined, pidFile: undefined } });
  expect(terminal.err.written).toBe(
    '\rprocess 2000000001 stops: wait…\x1b[K\rprocess 2000000001 stops: runs…\x1b[K' +
      '\r\x1b[Kodd: \\x1b[2J\nprocess 2000000001 stops: runs…\r\x1b[K',
  );
  expect(terminal.out.written).toBe('stopped process 2000000001: drained in 3.2 s, 2 answered meanwhile\n');
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('run() ends on %s with %d, and says that the upgrade goes on', async (signal, code) => {
  const host = new FakeHost();
  await using server = await ScriptedServer.start(() => host.raise(signal));
  const told = await bye(`upgrade --socket ${server.path}`, host);
  expect(told).toMatchObject({ code, out: [] });
  expect(told.err[0]).toContain(`on ${signal}: the upgrade goes on in the service`);
  expect(host.handled).toEqual([]);
  expect(host.timers).toBe(0);
});

test('run() names a PID file that it does not use', async () => {
  const { code, err } = await bye('stop', realHost, { socket: '/nowhere/s', pidFile: '/run/app.pid' });
  expect(code).toBe(4);
  expect(err.at(-1)).toBe('  A PID file is known, too: bye stop --pid-file /run/app.pid');
});

test('run() knows nothing of the service after an error that nobody foresaw', async () => {
  const host = new FakeHost();
  host.now = () => {
    throw new TypeError('broken on purpose');
  };
  const dir = mkdtempSync(join(tmpdir(), 'bye-run-'));
  writeFileSync(join(dir, 'pid'), `${process.pid}`);
  Object.defineProperty(host, 'epochNow', { value: () => Date.now() });
  const broken = await bye(`upgrade --json --pid-file ${join(dir, 'pid')}`, host);
  rmSync(dir, { recursive: true });
  expect(broken.code).toBe(5);
  expect(JSON.parse(broken.out[0] ?? '')).toMatchObject({ result: { error: { name: 'TypeError' } }, exitCode: 5 });
});
