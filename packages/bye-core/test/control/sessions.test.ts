import { beforeEach, expect, test, vi } from 'vitest';
import { type ControlAnswer, type ControlRequest, MOST_ANSWER_BYTES } from '../../src/channel/control-messages.js';
import { FrameReader } from '../../src/channel/frames.js';
import type { Client } from '../../src/control/client.js';
import { Sessions } from '../../src/control/sessions.js';
import { ByeError } from '../../src/errors.js';
import type { DrainReport, StatusReport } from '../../src/types.js';
import { FakeHost, settle } from '../fake-host.js';

const DRAINED: DrainReport = { reason: 'stop', durationMs: 1, requestsFinished: 2, cut: [], hookErrors: [] };
const UPGRADED = { pid: 9, generation: 1, durationMs: 5 };
const WATCH: ControlRequest = { request: 'status', watch: true };
const UPGRADE: ControlRequest = { request: 'upgrade', force: false, wait: false };

let host: FakeHost;
let status: StatusReport;
let sessions: Sessions;
const upgrade = vi.fn<(force: boolean) => Promise<typeof UPGRADED>>();
const stop = vi.fn();
const onFinished = vi.fn();
beforeEach(() => {
  host = new FakeHost();
  for (const mock of [stop, onFinished]) mock.mockReset();
  upgrade.mockReset().mockResolvedValue(UPGRADED);
  status = {
    ...{ status: 'ready', generation: 0, pid: host.pid, uptimeMs: 5, inFlight: 0, connections: 0, tasks: 0 },
    ...{ node: '24.0.0', bye: '1.0.0', listeners: [] },
  };
  const emit = (name: string, payload: object) => sessions.witness.info({ event: `bye:${name}`, ...payload }, name);
  sessions = new Sessions({
    host,
    emit,
    report: () => ({ ...status, uptimeMs: host.now() }),
    upgrade,
    stop,
    onFinished,
  });
});

class FakeClient {
  isGone = false;
  isBehind = false;
  closesAtExit: boolean | undefined;
  readonly answers: ControlAnswer[] = [];

  send(frame: Buffer): void {
    this.answers.push(new FrameReader(MOST_ANSWER_BYTES).push(frame)[0] as ControlAnswer);
  }

  finish(frame: Buffer, closesAtExit: boolean): Promise<void> {
    this.send(frame);
    this.closesAtExit = closesAtExit;
    return Promise.resolve();
  }

  get kinds(): string[] {
    return this.answers.map((answer) => Object.keys(answer)[0] ?? '');
  }
}

function ask(request: ControlRequest): FakeClient {
  const client = new FakeClient();
  sessions.start(client as unknown as Client, { dialect: 'bye', request });
  return client;
}

test('a watch is told at every change, and while something runs every 500 ms, but never what is the same', async () => {
  const client = ask(WATCH);
  await host.advance(5000);
  expect(client.kinds).toEqual(['status']);
  status = { ...status, inFlight: 1 };
  await host.advance(500);
  expect(client.kinds).toHaveLength(2);
  await host.advance(5000);
  expect(client.kinds).toHaveLength(2);
  status = { ...status, upgrade: { generation: 1, sinceMs: 1, untilMs: 2 } };
  await host.advance(1500);
  expect(client.kinds).toHaveLength(5);
});

test('events go to everybody who waits, and one status after all of a turn', async () => {
  const client = ask(WATCH);
  sessions.witness.warn({ event: 'bye:warning', message: 'one' }, 'one');
  sessions.witness.debug({ event: 'bye:warning', message: 'two' }, 'two');
  sessions.witness.error({ kind: 'request', name: 'no event' }, 'cut');
  await settle();
  expect(client.kinds).toEqual(['status', 'event', 'event', 'status']);
  expect(client.answers[1]).toEqual({ event: 'bye:warning', pid: host.pid, message: 'one', data: { message: 'one' } });
});

test('who has not read the last status is not sent another', async () => {
  const client = ask(WATCH);
  client.isBehind = true;
  status = { ...status, inFlight: 1 };
  const other = ask(WATCH);
  await host.advance(2000);
  expect([client.kinds, other.kinds]).toEqual([['status'], ['status']]);
  // But it is not forgotten, though nothing has changed since.
  client.isBehind = false;
  await host.advance(2000);
  expect([client.kinds, other.kinds]).toEqual([['status', 'status'], ['status']]);
  expect(client.answers.at(-1)).toMatchObject({ status: { inFlight: 1 } });
});

test('nothing is timed when nobody waits', async () => {
  const client = ask(WATCH);
  sessions.clientEnded(client as unknown as Client);
  await host.advance(1000);
  expect(client.kinds).toEqual(['status', 'result']);
  expect(host.timers).toBe(0);
  const gone = ask(WATCH);
  sessions.clientGone(gone as unknown as Client);
  expect(host.timers).toBe(0);
});

test('of very many watches the last are refused, other requests are not', () => {
  const clients = Array.from({ length: 257 }, () => ask(WATCH));
  expect(clients.at(-2)?.kinds).toEqual(['status']);
  expect(clients.at(-1)?.answers).toMatchObject([{ result: { ok: false, error: { data: { reason: 'too-many' } } } }]);
  expect(ask({ request: 'status', watch: false }).answers).toMatchObject([{ result: { ok: true } }]);
});

test('a failure that nobody can read is still a result', async () => {
  const odd = Object.assign(new Error('odd'), { code: 'ERR_BYE_ODD', data: { big: 1n } });
  upgrade.mockRejectedValue(odd);
  const client = ask(UPGRADE);
  await settle();
  expect(client.answers.at(-1)).toMatchObject({
    result: { ok: false, request: 'upgrade', error: { message: 'odd (ERR_BYE_ODD)' } },
  });
});

test('a stop that is refused has its result, and runs no more', async () => {
  stop.mockImplementation(() => {
    throw new ByeError('ERR_BYE_SHUTTING_DOWN', 'replaced', { reason: 'upgrade' });
  });
  const client = ask({ request: 'stop' });
  expect(client.answers.at(-1)).toMatchObject({
    result: { ok: false, request: 'stop', error: { message: 'replaced' } },
  });
  await sessions.end(DRAINED, true);
  expect(client.kinds.filter((kind) => kind === 'result')).toHaveLength(1);
});

test('a client that has gone gets nothing, and nobody counts it again', async () => {
  const client = ask(UPGRADE);
  client.isGone = true;
  sessions.clientGone(client as unknown as Client);
  await settle();
  expect(client.kinds).not.toContain('result');
  expect(onFinished).not.toHaveBeenCalled();
});

test('end() gives everybody a result, and later requests theirs', async () => {
  const waiting = ask({ ...UPGRADE, wait: true });
  const hanging = ask(WATCH);
  const stopping = ask({ request: 'stop' });
  upgrade.mockReturnValue(new Promise(() => {}));
  const unfinished = ask(UPGRADE);
  await settle();
  await sessions.end(DRAINED, true);
  expect(waiting.answers.at(-1)).toEqual({ result: { ok: true, request: 'upgrade', ...UPGRADED, drain: DRAINED } });
  expect(hanging.answers.at(-1)).toMatchObject({ result: { ok: true, request: 'status' } });
  expect(stopping.answers.at(-1)).toEqual({ result: { ok: true, request: 'stop', drain: DRAINED } });
  expect(unfinished.answers.at(-1)).toMatchObject({ result: { error: { code: 'ERR_BYE_UPGRADE_ABORTED' } } });
  for (const { closesAtExit } of [waiting, hanging, stopping]) expect(closesAtExit).toBe(true);

  expect(ask({ request: 'stop' }).answers.at(-1)).toMatchObject({ result: { ok: true, drain: DRAINED } });
  expect(stop).toHaveBeenCalledTimes(2);
});
