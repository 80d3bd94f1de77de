import { PassThrough } from 'node:stream';
import { beforeEach, expect, test, vi } from 'vitest';
import { Deadline } from '../../src/deadline.js';
import { ByeError } from '../../src/errors.js';
import { Attempt } from '../../src/upgrade/attempt.js';
import { NOTHING_MORE } from '../../src/upgrade/handing-over.js';
import type { RiddenAttempt, Rider } from '../../src/upgrade/rider.js';
import { FakeHost, settle } from '../fake-host.js';
import { FakeChild } from './fake-child.js';

vi.mock('../../src/proc.js', () => ({ readProcess: () => ({ state: 'S' }) }));

class FakeRider implements Rider {
  readonly fact = 'fakeFd';
  readonly board = vi.fn<Rider['board']>();
  readonly fail = vi.fn<Rider['fail']>();
  hear = () => {};
  readonly heardAll = new Promise<void>((resolve) => {
    this.hear = resolve;
  });

  get attempt(): RiddenAttempt {
    return this.board.mock.calls[0]?.[1] as RiddenAttempt;
  }
}

let host: FakeHost;
let child: FakeChild;
let rider: FakeRider;
const pipe = () => child.stdio?.[7] as PassThrough;
beforeEach(() => {
  host = new FakeHost();
  child = new FakeChild();
  child.stdio = [...(child.stdio ?? []), null, null, new PassThrough()];
  host.spawn = child.spawn;
  host.killSession = child.killSession;
  rider = new FakeRider();
});

function attempt(): Attempt {
  return new Attempt({
    host,
    command: { execPath: '/node', argv0: 'node', execArgv: [], script: '/app.js', args: [], cwd: '/', env: {} },
    variables: {},
    listenerFds: [21, 17],
    riders: [rider],
    deadline: new Deadline(host, 5000),
    timeoutMs: 5000,
    preload: undefined,
    onHello: () => {},
    greeting: () => undefined,
    handingOver: NOTHING_MORE,
  });
}

test('Attempt gives each rider a pipe, after the listeners', async () => {
  const outcome = attempt().outcome();
  expect(child.options.stdio).toEqual(['inherit', 'inherit', 'inherit', 'pipe', 'ipc', 21, 17, 'pipe']);
  expect(rider.board).toHaveBeenCalledWith(pipe(), { pid: child.pid, fail: expect.any(Function) });
  child.sayReady();
  await outcome;
  expect(rider.fail).not.toHaveBeenCalled();
  expect(pipe().destroyed).toBe(false);
});

test('Attempt boards nobody when no process could be started', async () => {
  child.pid = undefined;
  const outcome = attempt().outcome();
  child.emit('error', new Error('spawn EMFILE'));
  await expect(outcome).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_SPAWN' });
  expect(rider.board).not.toHaveBeenCalled();
});

test('a rider fails the attempt with its own error, and its pipe is closed when the new process has ended', async () => {
  const outcome = attempt().outcome();
  const error = new ByeError('ERR_BYE_STATE_SAVE', 'no', { name: 'app' });
  rider.fail.mockImplementation(() => expect(pipe().destroyed).toBe(false));
  rider.attempt.fail(error);
  await expect(outcome).rejects.toBe(error);
  expect(rider.fail).toHaveBeenCalledWith(error);
  expect(child.signals).toEqual(['SIGKILL']);
  expect(pipe().destroyed).toBe(true);
});

test('what a rider still hears of a process that has ended counts more than its exit', async () => {
  const outcome = attempt().outcome();
  child.end(1);
  await settle();
  const error = new ByeError('ERR_BYE_STATE_REFUSED', 'no', { name: 'app', version: 1 });
  rider.attempt.fail(error);
  rider.hear();
  await expect(outcome).rejects.toBe(error);
});

test('an attempt does not wait long for a rider that hears no end', async () => {
  const outcome = attempt().outcome();
  const rejected = expect(outcome).rejects.toMatchObject({ code: 'ERR_BYE_UPGRADE_EXITED' });
  child.end(1);
  await host.advance(200);
  await rejected;
});
