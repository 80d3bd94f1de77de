import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test, vi } from 'vitest';
import { type ByeEvents, createEmit, EVENT_NAMES } from '../src/diagnostics.js';
import { ByeError } from '../src/errors.js';
import type { DrainReport } from '../src/types.js';

type Line = [level: string, data: object, message: string];

/** One payload for each event, and how the log tells it. */
const TOLD: { [Name in keyof ByeEvents]: readonly [ByeEvents[Name], string, string] } = {
  ready: [{ generation: 2, startedMs: 31 }, 'info', 'ready after 31 ms, generation 2'],
  readiness: [{ green: false }, 'info', 'readiness turned red by the application'],
  stop: [{ reason: 'stop', signal: 'SIGTERM' }, 'info', 'stopping on SIGTERM'],
  phase: [{ phase: 'tasks' }, 'debug', 'draining: tasks'],
  'drain-hurried': [{ withinMs: 40 }, 'info', 'draining: to end within 40 ms'],
  drained: [
    { reason: 'stop', durationMs: 5, requestsFinished: 3, cut: [], hookErrors: [] },
    'info',
    'drained in 5 ms, 3 answered',
  ],
  exit: [{ code: 1, keptAliveBy: ['Timeout', 'TCPSocketWrap'] }, 'info', 'exit 1; still open: Timeout, TCPSocketWrap'],
  signal: [{ signal: 'SIGHUP', action: 'hooks' }, 'debug', 'SIGHUP received: hooks'],
  'signal-ignored': [{ signal: 'SIGTERM', why: 'delivered twice' }, 'info', 'SIGTERM ignored: delivered twice'],
  'task-failed': [{ name: 'mail', error: new TypeError('no') }, 'error', "task 'mail' failed: TypeError: no"],
  'hook-failed': [{ hook: 'onClose', error: 'no' }, 'error', 'onClose hook failed: no'],
  'listener-adopted': [{ key: 'tcp:*:80', fd: 5 }, 'debug', 'listener tcp:*:80 adopted from descriptor 5'],
  'listener-dropped': [{ key: 'tcp:*:80' }, 'warn', 'listener tcp:*:80 closed, as this version does not listen on it'],
  'listener-opened': [{ key: 'tcp:*:80' }, 'debug', 'listener tcp:*:80 open'],
  'listener-closed': [{ key: 'tcp:*:80' }, 'debug', 'listener tcp:*:80 closed'],
  'pid-file-written': [{ path: '/run/a.pid' }, 'debug', 'PID file /run/a.pid written'],
  'pid-file-removed': [{ path: '/run/a.pid' }, 'debug', 'PID file /run/a.pid removed'],
  'upgrade-requested': [{ generation: 1, force: true }, 'debug', 'upgrade to generation 1 begins, by force'],
  'control-request': [{ request: 'stop' }, 'info', 'asked by the control socket: stop'],
  'upgrade-started': [
    { successorPid: 9, generation: 1, script: '/app.js' },
    'info',
    'upgrade to generation 1: /app.js, pid 9',
  ],
  'successor-loaded': [
    { successorPid: 9, node: '24.1.0', protocol: 1 },
    'debug',
    'the new process 9 has loaded bye: node 24.1.0, protocol 1',
  ],
  'connections-moved': [
    { successorPid: 9, moved: 64, left: 2, durationMs: 12, slowestMs: 3 },
    'info',
    '64 connections moved to 9 in 12 ms, the slowest in 3 ms; 2 are here',
  ],
  'tls-sessions': [
    { key: 'tcp:*:443', resume: false, why: 'no' },
    'debug',
    'TLS sessions of tcp:*:443 do not resume: no',
  ],
  'upgrade-finished': [
    { successorPid: 9, generation: 1, durationMs: 80, node: '24.1.0' },
    'info',
    'upgraded to generation 1 in 80 ms: pid 9, node 24.1.0',
  ],
  'upgrade-refused': [
    { error: new ByeError('ERR_BYE_NOT_READY', 'Cannot upgrade', { status: 'starting' }) },
    'error',
    'upgrade refused: Cannot upgrade (ERR_BYE_NOT_READY)',
  ],
  'upgrade-failed': [{ error: new Error('no') }, 'error', 'upgrade failed, this process serves on: Error: no'],
  'successor-lost': [
    { successorPid: 9, exitCode: null, signal: 'SIGKILL' },
    'error',
    'the new process 9 ended after it took over: SIGKILL',
  ],
  'predecessor-draining': [{ predecessorPid: 8, untilMs: 5000 }, 'debug', 'the old process 8 drains'],
  'predecessor-hurried': [{ predecessorPid: 8, withinMs: 40 }, 'info', 'told the old process 8 to end within 40 ms'],
  'state-saved': [
    { name: 'app', stage: 'save', bytes: 10, durationMs: 3 },
    'debug',
    "state 'app' handed on (save): 10 bytes in 3 ms",
  ],
  'state-loaded': [
    { name: 'app', stage: 'merge', bytes: 10, durationMs: 3 },
    'debug',
    "state 'app' taken over (merge): 10 bytes in 3 ms",
  ],
  'state-lost': [{ name: 'app', stage: 'load', error: new Error('no') }, 'error', "state 'app' lost (load): Error: no"],
  'state-failed': [
    { name: 'app', stage: 'merge', error: new Error('no') },
    'error',
    "state 'app': merge failed: Error: no",
  ],
  'predecessor-gone': [{ predecessorPid: 8 }, 'info', 'the old process 8 has ended'],
  'predecessor-killed': [{ predecessorPid: 8 }, 'warn', 'the old process 8 outlived its deadline and was killed'],
  warning: [{ message: 'look here' }, 'warn', 'look here'],
};

function recorder() {
  const lines: Line[] = [];
  const at = (level: string) => (data: object, message: string) => void lines.push([level, data, message]);
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

function emitOne<Name extends keyof ByeEvents>(
  name: Name,
  payload: ByeEvents[Name],
): { heard: unknown[]; lines: Line[] } {
  const { lines, logger } = recorder();
  const heard: unknown[] = [];
  const onEvent = (message: unknown) => heard.push(message);
  subscribe(`bye:${name}`, onEvent);
  createEmit(() => [logger], 77)(name, payload);
  unsubscribe(`bye:${name}`, onEvent);
  return { heard, lines };
}

test('EVENT_NAMES is every event', () => {
  expect([...EVENT_NAMES].sort()).toEqual(Object.keys(TOLD).sort());
});

test.each(EVENT_NAMES)('%s is published with its payload and the pid of this process', (name) => {
  const [payload] = TOLD[name];
  expect(payload).not.toHaveProperty('pid');
  expect(emitOne(name, payload).heard).toEqual([{ ...payload, pid: 77 }]);
});

test.each(EVENT_NAMES)('%s is logged as one line at its level', (name) => {
  const [payload, level, message] = TOLD[name];
  expect(emitOne(name, payload).lines).toEqual([[level, { event: `bye:${name}`, ...payload }, message]]);
});

test.each([
  ['stop', { reason: 'stop', signal: undefined }, 'stopping'],
  ['readiness', { green: true }, 'readiness is green again'],
  ['upgrade-requested', { generation: 1, force: false }, 'upgrade to generation 1 begins'],
  ['stop', { reason: 'upgrade', signal: undefined }, 'draining: replaced'],
  ['exit', { code: 0, keptAliveBy: [] }, 'exit 0'],
  [
    'upgrade-finished',
    { successorPid: 9, generation: 1, durationMs: 80, node: undefined },
    'upgraded to generation 1 in 80 ms: pid 9',
  ],
  [
    'successor-lost',
    { successorPid: 9, exitCode: 3, signal: null },
    'the new process 9 ended after it took over: exit code 3',
  ],
] as const)('%s of %j is told as "%s"', (name, payload, message) => {
  expect(emitOne(name, payload).lines.map(([, , line]) => line)).toEqual([message]);
});

test('drained names each answer and task that was cut, as an error', () => {
  const report: DrainReport = {
    reason: 'stop',
    durationMs: 5,
    requestsFinished: 0,
    cut: [
      { kind: 'request', name: 'GET /slow', ageMs: 900 },
      { kind: 'task', name: 'mail', ageMs: 12 },
    ],
    hookErrors: [],
  };
  expect(emitOne('drained', report).lines.slice(1)).toEqual([
    ['error', report.cut[0], 'request cut at the deadline after 900 ms: GET /slow'],
    ['error', report.cut[1], 'task cut at the deadline after 12 ms: mail'],
  ]);
});

test('createEmit() asks for the loggers at each event', () => {
  const [first, second] = [recorder(), recorder()];
  let loggers = [first.logger];
  const emit = createEmit(() => loggers, 1);
  emit('warning', { message: 'one' });
  loggers = [first.logger, second.logger];
  emit('warning', { message: 'two' });
  expect([first.lines.length, second.lines.length]).toEqual([2, 1]);
});

test('createEmit() goes on after a subscriber that throws; Node makes that an uncaught exception later', async () => {
  const { lines, logger } = recorder();
  const uncaught = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
  const broken = () => {
    throw new Error('metrics are down');
  };
  const heard = vi.fn();
  subscribe('bye:warning', broken);
  subscribe('bye:warning', heard);
  try {
    createEmit(() => [logger], 1)('warning', { message: 'one' });
    expect([heard.mock.calls.length, lines.length]).toEqual([1, 1]);
    expect(await thrown).toMatchObject({ message: 'metrics are down' });
  } finally {
    unsubscribe('bye:warning', broken);
    unsubscribe('bye:warning', heard);
    for (const listener of uncaught) process.on('uncaughtException', listener);
  }
});

test('createEmit() passes over a logger that throws', () => {
  const { lines, logger } = recorder();
  const broken = {
    ...logger,
    warn: vi.fn(() => {
      throw new Error('disk full');
    }),
  };
  createEmit(() => [broken, logger], 1)('warning', { message: 'one' });
  expect(broken.warn).toHaveBeenCalled();
  expect(lines).toHaveLength(1);
});
