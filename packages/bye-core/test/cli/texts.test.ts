import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ErrorMessage } from '../../src/channel/messages.js';
import { renderFailure } from '../../src/cli/failure-text.js';
import { describeProgress, describeUntil, stageOf } from '../../src/cli/progress.js';
import { renderStatus } from '../../src/cli/status-text.js';
import { createStyle } from '../../src/cli/style.js';
import type { StatusReport } from '../../src/types.js';
import { STATUS } from './scripted-server.js';

const NOW = Date.UTC(2026, 0, 1, 12);
const plain = createStyle(false);
const at = (more: Partial<StatusReport> = {}): StatusReport => ({ ...STATUS, ...more });
const upgrade = { generation: 4, sinceMs: NOW - 3000, untilMs: NOW + 57_000 };
const predecessor = { pid: 41, untilMs: NOW + 290_000, waitingFor: '1 requests, 2 connections, 0 tasks' };

beforeAll(() => void vi.stubEnv('TZ', 'UTC'));
afterAll(() => void vi.unstubAllEnvs());

test.each([
  [at({ upgrade }), 'upgrade to generation 4, 57 s left: prepares'],
  [at({ upgrade: { ...upgrade, pid: 42 } }), 'upgrade to generation 4, 57 s left: waits for process 42 to be ready'],
  [at({ predecessor }), 'old process 41 drains, 4 min 50 s left: 1 requests, 2 connections, 0 tasks'],
  [at({ upgrade, predecessor }), 'upgrade to generation 4, 57 s left: prepares'],
  [at(), 'process 2000000001: ready, 1 request, 14 connections, 0 tasks'],
  [
    at({ status: 'draining', reason: 'upgrade', phase: 'requests', untilMs: NOW + 1 }),
    'old process 2000000001 drains, 1 s left: answers what it has, 1 request, 14 connections, 0 tasks',
  ],
  [
    at({ status: 'draining', reason: 'stop', phase: 'hooks', inFlight: 0, tasks: 2 }),
    'process 2000000001 stops: runs its close hooks, 0 requests, 14 connections, 2 tasks',
  ],
])('describeProgress() of %o', (status, text) => {
  expect(describeProgress(status, NOW)).toBe(text);
});

test('stageOf() changes with what happens, not with numbers', () => {
  const stages = [
    at(),
    at({ inFlight: 7 }),
    at({ upgrade }),
    at({ upgrade: { ...upgrade, pid: 42 } }),
    at({ predecessor }),
  ];
  expect(new Set(stages.map(stageOf)).size).toBe(4);
});

test('describeUntil() has the local time, and the day of another one', () => {
  expect(describeUntil(NOW + 61_000, NOW)).toBe('until 12:01:01 (in 1 min 1 s)');
  expect(describeUntil(NOW + 86_400_000, NOW)).toBe('until Fri Jan 02 2026 12:00:00 (in 1 d)');
});

test('renderStatus() shows what there is', () => {
  const failed = { ok: false, at: new Date(NOW - 180_000).toISOString(), durationMs: 5, error: 'it broke' };
  expect(renderStatus(at({ upgrade, predecessor, checks: { db: 'ok' }, lastUpgrade: failed }), NOW, plain)).toEqual([
    'ready     process 2000000001, generation 3, up 2 h 5 min',
    'runs      /srv/app.js (node 20.0.0, bye 0.0.0)',
    'listens   tcp:*:8080',
    'now       1 request, 14 connections, 0 tasks',
    'checks    db ok',
    'upgrade   to generation 4 runs: no process yet, 57 s left',
    'old       process 41 drains, until 12:04:50 (in 4 min 50 s) at the latest: 1 requests, 2 connections, 0 tasks',
    'upgraded  3 min ago, failed: it broke',
  ]);
  const { script: _, ...bare } = at({ status: 'draining', phase: 'tasks', untilMs: NOW + 5000, listeners: [] });
  expect(renderStatus(bare, NOW, plain)).toEqual([
    'draining  process 2000000001, generation 3, up 2 h 5 min',
    'runs      no script (node 20.0.0, bye 0.0.0)',
    'listens   nowhere',
    'now       1 request, 14 connections, 0 tasks',
    'draining  tasks, until 12:00:05 (in 5 s) at the latest',
  ]);
  expect(renderStatus({ status: 'ready', pid: 7 }, NOW, plain)).toEqual(['ready     process 7']);
});

const EXITED: ErrorMessage = {
  name: 'ByeError',
  code: 'ERR_BYE_UPGRADE_EXITED',
  message: 'Cannot upgrade as the new process 42 exited with code 1 before it was ready',
  stack: 'never shown',
  cause: {
    name: 'SyntaxError',
    message: "Unexpected token '}'",
    stack:
      "file:///srv/app.js:1\nlet a = };\n        ^\n\nSyntaxError: Unexpected token '}'\n    at async node:internal/main:1\n    at one\n    at two\n    at three\n    at four\n    at five\n    at six\n    at run (node:internal/x:1:2)",
    cause: { name: 'Error', message: 'deeper', code: 'ENOENT', stack: 'Error: deeper\n    at nowhere' },
  },
};

test('renderFailure() has the causes, the beginning of their stacks, and what to do', () => {
  expect(renderFailure('upgrade', EXITED, NOW, plain)).toEqual([
    'bye upgrade: Cannot upgrade as the new process 42 exited with code 1 before it was ready (ERR_BYE_UPGRADE_EXITED)',
    "  because: SyntaxError: Unexpected token '}'",
    '    file:///srv/app.js:1',
    '    let a = };',
    '            ^',
    ...['one', 'two', 'three', 'four', 'five'].map((place) => `    at ${place}`),
    '  because: deeper (ENOENT)',
    '  The old process serves on.',
    "  Do: look at the cause, and at what the new process printed to the service's log",
  ]);
});

test('renderFailure() says until when an old process drains, and what ends that', () => {
  const refused = {
    name: 'ByeError',
    code: 'ERR_BYE_PREDECESSOR_DRAINING',
    message: 'm',
    data: { pid: 41, untilMs: NOW + 60_000 },
  };
  expect(renderFailure('upgrade', refused, NOW, plain)).toEqual([
    'bye upgrade: m (ERR_BYE_PREDECESSOR_DRAINING)',
    '  It has until 12:01:00 (in 1 min) at the latest.',
    '  Do: wait for it, or end it now: bye upgrade --force',
  ]);
  const unsafe = {
    name: 'ByeError',
    code: 'ERR_BYE_UPGRADE_UNSAFE',
    message: 'not here. Do that',
    data: { reason: 'pm2', remedy: 'Do that' },
  };
  expect(renderFailure('upgrade', unsafe, NOW, plain)).toHaveLength(1);
});

test('renderFailure() paints only what is to be seen first', () => {
  const [first, cause] = renderFailure('upgrade', EXITED, NOW, createStyle(true));
  expect(first).toBe(`\x1b[31mbye upgrade:\x1b[39m ${EXITED.message}\x1b[2m (ERR_BYE_UPGRADE_EXITED)\x1b[22m`);
  expect(cause).not.toContain('\x1b');
});
