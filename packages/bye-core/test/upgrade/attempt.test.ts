import { beforeEach, expect, test, vi } from 'vitest';
import { type Message, PROTOCOL_VERSION } from '../../src/channel/messages.js';
import { Deadline } from '../../src/deadline.js';
import { ByeError } from '../../src/errors.js';
import { Attempt } from '../../src/upgrade/attempt.js';
import { NOTHING_MORE } from '../../src/upgrade/handing-over.js';
import { FakeHost, settle } from '../fake-host.js';
import { FakeChild } from './fake-child.js';

const states = vi.hoisted(() => new Map<number, string>());
vi.mock('../../src/proc.js', () => ({ readProcess: (pid: number) => ({ state: states.get(pid) ?? 'S' }) }));

const COMMAND = {
  execPath: '/usr/bin/node',
  argv0: 'node',
  execArgv: ['--enable-source-maps'],
  script: '/srv/app.js',
  args: ['--port', '80'],
  cwd: '/srv',
  env: { RELEASE: '42', UPGRADE_FD: 'from the environment' },
};

let host: FakeHost;
let child: FakeChild;
beforeEach(() => {
  host = new FakeHost();
  child = new FakeChild();
  host.spawn = child.spawn;
  host.killSession = child.killSession;
  states.clear();
});

const onHello = vi.fn();
const greeting = vi.fn<() => Message | undefined>();

function attempt(preload?: string): Attempt {
  return new Attempt({
    host,
    command: COMMAND,
    variables: { UPGRADE_FD: '3' },
    listenerFds: [21, 17],
    riders: [],
    handingOver: NOTHING_MORE,
    deadline: new Deadline(host, 5000),
    timeoutMs: 5000,
    preload,
    onHello,
    greeting,
  });
}

const hello = (protocol: number) => ({ bye: 'hello', protocol, pid: 1, node: '24.1.0' });
const failed = (code: string, data: object) => expect.objectContaining({ code, data });

test('Attempt starts the command in its own session, with pipe, channel and listeners in their places', () => {
  attempt();
  expect(child.file).toBe('/usr/bin/node');
  expect(child.args).toEqual(['--enable-source-maps', '/srv/app.js', '--port', '80']);
  expect(child.options).toEqual({
    argv0: 'node',
    cwd: '/srv',
    env: { RELEASE: '42', UPGRADE_FD: '3' },
    detached: true,
    stdio: ['inherit', 'inherit', 'inherit', 'pipe', 'ipc', 21, 17],
  });
});

test('Attempt runs the preload before anything that Node’s own options load', () => {
  attempt('/bye/preload.js');
  expect(child.args.slice(0, 4)).toEqual(['--require', '/bye/preload.js', '--enable-source-maps', '/srv/app.js']);
});

test('outcome() resolves at the readiness byte, and not at hello', async () => {
  const outcome = attempt().outcome();
  const resolved = vi.fn();
  void outcome.then(resolved);
  child.say(hello(PROTOCOL_VERSION));
  await settle();
  expect(resolved).not.toHaveBeenCalled();
  child.sayReady();
  expect(await outcome).toMatchObject({ pid: child.pid, node: '24.1.0' });
  expect(host.timers).toBe(0);
  expect(child.ready.destroyed).toBe(true);
  expect(child.signals).toEqual([]);
});

test('outcome() gives the old process a line to the new one', async () => {
  const outcome = attempt().outcome();
  child.sayReady();
  const successor = await outcome;
  const [heard, ended] = [vi.fn(), vi.fn()];
  successor.onMessage(heard);
  successor.onExit(ended);
  child.say({ bye: 'finish', withinMs: 5 });
  child.say({ type: 'an application’s own' });
  expect(heard.mock.calls).toEqual([[{ bye: 'finish', withinMs: 5 }]]);
  successor.send({ bye: 'draining', untilMs: 1, waitingFor: '', idle: false });
  child.disconnect();
  successor.send({ bye: 'draining', untilMs: 2, waitingFor: '', idle: false });
  expect(child.sent).toHaveLength(1);
  child.end(3);
  await settle();
  expect(ended).toHaveBeenCalledWith(3, null);
});

test('Attempt greets a new process that speaks its protocol, and no other', async () => {
  const secret: Message = { bye: 'tls-sessions', servers: [] };
  greeting.mockReturnValueOnce(secret);
  const outcome = attempt().outcome();
  expect(child.sent).toEqual([]);
  child.say(hello(PROTOCOL_VERSION));
  expect(child.sent).toEqual([secret]);
  child.say(hello(PROTOCOL_VERSION + 1));
  await expect(outcome).rejects.toThrow(failed('ERR_BYE_PROTOCOL', expect.anything()));
  expect(child.sent).toEqual([secret]);
});

test('outcome() loses no word that overtook the readiness byte', async () => {
  const outcome = attempt().outcome();
  child.say({ bye: 'finish', withinMs: 4000 });
  child.sayReady();
  const heard = vi.fn();
  (await outcome).onMessage(heard);
  child.say({ bye: 'finish', withinMs: 5 });
  expect(heard.mock.calls).toEqual([[{ bye: 'finish', withinMs: 4000 }], [{ bye: 'finish', withinMs: 5 }]]);
});

test('Attempt says why the new process could not be started at all', () => {
  host.spawn = () => {
    throw Object.assign(new Error('spawn E2BIG'), { code: 'E2BIG' });
  };
  expect(() => attempt()).toThrow(failed('ERR_BYE_UPGRADE_SPAWN', { file: '/usr/bin/node' }));
});

test.each([
  ['without a process', undefined],
  ['without even its pipes, as out of descriptors', 'no pipes'],
])('outcome() says why the new process did not start: %s', async (_title, noPipes) => {
  child.pid = undefined;
  if (noPipes) child.stdio = undefined;
  const outcome = attempt().outcome();
  child.emit('error', Object.assign(new Error('spawn EMFILE'), { code: 'EMFILE' }));
  child.emit('error', new Error('and once more'));
  await expect(outcome).rejects.toMatchObject({
    code: 'ERR_BYE_UPGRADE_SPAWN',
    cause: { code: 'EMFILE' },
  });
  expect(host.timers).toBe(0);
});

test.each([
  [1, null, 'exited with code 1'],
  [0, null, 'exited with code 0'],
  [null, 'SIGSEGV', 'was ended by SIGSEGV'],
] as const)('outcome() says how the new process ended: code %s, signal %s', async (exitCode, signal, how) => {
  const outcome = attempt().outcome();
  child.end(exitCode, signal);
  await expect(outcome).rejects.toThrow(how);
  await expect(outcome).rejects.toEqual(failed('ERR_BYE_UPGRADE_EXITED', { pid: child.pid, exitCode, signal }));
  expect(child.signals).toEqual([]);
});

test('outcome() gives the error that ended the new process as the cause, also if it comes after the exit', async () => {
  const outcome = attempt().outcome();
  const rejected = expect(outcome).rejects.toMatchObject({ cause: { name: 'SyntaxError', message: 'no' } });
  Object.assign(child, { exitCode: 1 });
  child.emit('exit', 1, null);
  await settle();
  child.say({ bye: 'failure', error: { name: 'SyntaxError', message: 'no' } });
  child.disconnect();
  await rejected;
});

test('outcome() does not wait long for such an error', async () => {
  const outcome = attempt().outcome();
  const rejected = vi.fn();
  outcome.catch(rejected);
  Object.assign(child, { exitCode: 1 });
  child.emit('exit', 1, null);
  await host.advance(199);
  expect(rejected).not.toHaveBeenCalled();
  await host.advance(1);
  expect(rejected).toHaveBeenCalled();
});

test('outcome() kills and reaps a new process that does not become ready in time', async () => {
  const outcome = attempt().outcome();
  const rejected = expect(outcome).rejects.toEqual(
    failed('ERR_BYE_UPGRADE_TIMEOUT', { pid: child.pid, timeoutMs: 5000 }),
  );
  await host.advance(4999);
  expect(child.signals).toEqual([]);
  await host.advance(1);
  await rejected;
  expect(child.signals).toEqual(['SIGKILL']);
  expect(child.signalCode).toBe('SIGKILL');
});

test('outcome() kills a new process that closes the pipe and lives on', async () => {
  const outcome = attempt().outcome();
  const rejected = expect(outcome).rejects.toEqual(failed('ERR_BYE_UPGRADE_CHANNEL_LOST', { pid: child.pid }));
  child.ready.end();
  await host.advance(399);
  expect(child.signals).toEqual([]);
  await host.advance(1);
  await rejected;
  expect(child.signals).toEqual(['SIGKILL']);
});

test('outcome() takes more than the one byte for no readiness', async () => {
  const outcome = attempt().outcome();
  child.ready.write('Listening on port 80');
  await expect(outcome).rejects.toEqual(failed('ERR_BYE_UPGRADE_CHANNEL_LOST', { pid: child.pid }));
  expect(child.signals).toEqual(['SIGKILL']);
});

test('outcome() refuses a version that speaks another protocol', async () => {
  const outcome = attempt().outcome();
  child.say(hello(PROTOCOL_VERSION + 1));
  await expect(outcome).rejects.toEqual(
    failed('ERR_BYE_PROTOCOL', { ours: PROTOCOL_VERSION, theirs: PROTOCOL_VERSION + 1 }),
  );
  expect(child.signals).toEqual(['SIGKILL']);
});

test('abort() ends the new process, and outcome() with that error', async () => {
  const running = attempt();
  const outcome = running.outcome();
  const reason = new ByeError('ERR_BYE_UPGRADE_ABORTED', 'stop', { pid: 1, reason: 'stop' });
  running.abort(reason);
  await expect(outcome).rejects.toBe(reason);
  expect(child.signals).toEqual(['SIGTERM']);
  expect(child.connected).toBe(false);
});

test('abort() kills a new process that does not stop when it is told to', async () => {
  child.ignored.add('SIGTERM');
  const running = attempt();
  const outcome = running.outcome();
  const reason = new ByeError('ERR_BYE_UPGRADE_ABORTED', 'stop', { pid: 1, reason: 'stop' });
  const rejected = expect(outcome).rejects.toBe(reason);
  running.abort(reason);
  await settle();
  await host.advance(1999);
  expect(child.signals).toEqual(['SIGTERM']);
  await host.advance(1);
  await rejected;
  expect(child.signals).toEqual(['SIGTERM', 'SIGKILL']);
});

test('outcome() takes a process that says it is ready and ends in one breath for one that failed', async () => {
  const outcome = attempt().outcome();
  child.end(0);
  child.sayReady();
  await expect(outcome).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_EXITED' });
});

test('outcome() waits for the exit of one that the kernel has ended already', async () => {
  const outcome = attempt().outcome();
  states.set(child.pid as number, 'Z');
  child.sayReady();
  await settle();
  child.end(7);
  await expect(outcome).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_EXITED', data: { exitCode: 7 } });
  expect(child.signals).toEqual([]);
});
