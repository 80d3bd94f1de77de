/** Every event of bye, in one table: a `diagnostics_channel` named `bye:<event>` each, and how the log tells it. */

import { channel } from 'node:diagnostics_channel';
import { describeError } from './errors.js';
import type { Phase, Reason } from './status.js';
import type { CutWork, DrainReport, Logger } from './types.js';

/**
 * What each event carries. On its channel every payload also has the `pid` of the process that tells it; another
 * process's is `successorPid` or `predecessorPid`.
 */
export interface ByeEvents {
  ready: { generation: number; startedMs: number };
  readiness: { green: boolean };
  stop: { reason: Reason; signal: string | undefined };
  phase: { phase: Phase };
  'drain-hurried': { withinMs: number };
  drained: DrainReport;
  exit: { code: number; keptAliveBy: readonly string[] };
  signal: { signal: string; action: 'stop' | 'upgrade' | 'exit' | 'hooks' };
  'signal-ignored': { signal: string; why: string };
  'task-failed': { name: string; error: unknown };
  'hook-failed': { hook: string; error: unknown };
  'listener-adopted': { key: string; fd: number };
  'listener-dropped': { key: string };
  'listener-opened': { key: string };
  'listener-closed': { key: string };
  'pid-file-written': { path: string };
  'pid-file-removed': { path: string };
  'upgrade-requested': { generation: number; force: boolean };
  'control-request': { request: string };
  'upgrade-started': { successorPid: number; generation: number; script: string };
  'successor-loaded': { successorPid: number; node: string; protocol: number };
  'connections-moved': { successorPid: number; moved: number; left: number; durationMs: number; slowestMs: number };
  'tls-sessions': { key: string; resume: boolean; why: string | undefined };
  'upgrade-finished': { successorPid: number; generation: number; durationMs: number; node: string | undefined };
  'upgrade-refused': { error: unknown };
  'upgrade-failed': { error: unknown };
  'successor-lost': { successorPid: number; exitCode: number | null; signal: string | null };
  'predecessor-draining': { predecessorPid: number; untilMs: number };
  'predecessor-hurried': { predecessorPid: number; withinMs: number };
  'state-saved': { name: string; stage: 'save' | 'finish'; bytes: number; durationMs: number };
  'state-loaded': { name: string; stage: 'load' | 'merge'; bytes: number; durationMs: number };
  'state-lost': { name: string; stage: 'load' | 'finish' | 'merge'; error: unknown };
  'state-failed': { name: string; stage: 'load' | 'finish' | 'merge' | 'rollback'; error: unknown };
  'predecessor-gone': { predecessorPid: number };
  'predecessor-killed': { predecessorPid: number };
  warning: { message: string };
}

type Level = 'debug' | 'info' | 'warn' | 'error';

type Table = {
  readonly [Name in keyof ByeEvents]: readonly [
    Level | ((payload: ByeEvents[Name]) => Level),
    (payload: ByeEvents[Name]) => string,
  ];
};

const EVENTS: Table = {
  ready: ['info', ({ generation, startedMs }) => `ready after ${startedMs} ms, generation ${generation}`],
  readiness: ['info', ({ green }) => (green ? 'readiness is green again' : 'readiness turned red by the application')],
  stop: [
    'info',
    ({ reason, signal }) => (reason === 'upgrade' ? 'draining: replaced' : `stopping${signal ? ` on ${signal}` : ''}`),
  ],
  phase: ['debug', ({ phase }) => `draining: ${phase}`],
  'drain-hurried': ['info', ({ withinMs }) => `draining: to end within ${withinMs} ms`],
  drained: ['info', ({ durationMs, requestsFinished }) => `drained in ${durationMs} ms, ${requestsFinished} answered`],
  exit: [
    'info',
    ({ code, keptAliveBy }) => `exit ${code}${keptAliveBy.length > 0 ? `; still open: ${keptAliveBy.join(', ')}` : ''}`,
  ],
  signal: ['debug', ({ signal, action }) => `${signal} received: ${action}`],
  'signal-ignored': ['info', ({ signal, why }) => `${signal} ignored: ${why}`],
  'task-failed': ['error', ({ name, error }) => `task '${name}' failed: ${describeError(error)}`],
  'hook-failed': ['error', ({ hook, error }) => `${hook} hook failed: ${describeError(error)}`],
  'listener-adopted': ['debug', ({ key, fd }) => `listener ${key} adopted from descriptor ${fd}`],
  'listener-dropped': ['warn', ({ key }) => `listener ${key} closed, as this version does not listen on it`],
  'listener-opened': ['debug', ({ key }) => `listener ${key} open`],
  'listener-closed': ['debug', ({ key }) => `listener ${key} closed`],
  'pid-file-written': ['debug', ({ path }) => `PID file ${path} written`],
  'pid-file-removed': ['debug', ({ path }) => `PID file ${path} removed`],
  'upgrade-requested': [
    'debug',
    ({ generation, force }) => `upgrade to generation ${generation} begins${force ? ', by force' : ''}`,
  ],
  'control-request': ['info', ({ request }) => `asked by the control socket: ${request}`],
  'upgrade-started': [
    'info',
    ({ successorPid, generation, script }) => `upgrade to generation ${generation}: ${script}, pid ${successorPid}`,
  ],
  'successor-loaded': [
    'debug',
    ({ successorPid, node, protocol }) =>
      `the new process ${successorPid} has loaded bye: node ${node}, protocol ${protocol}`,
  ],
  'connections-moved': [
    'info',
    ({ successorPid, moved, left, durationMs, slowestMs }) =>
      `${moved} connections moved to ${successorPid} in ${durationMs} ms, the slowest in ${slowestMs} ms; ${left} are here`,
  ],
  'tls-sessions': [
    'debug',
    ({ key, resume, why }) => `TLS sessions of ${key} ${resume ? 'resume' : `do not resume: ${why}`}`,
  ],
  'upgrade-finished': [
    'info',
    ({ successorPid, generation, durationMs, node }) =>
      `upgraded to generation ${generation} in ${durationMs} ms: pid ${successorPid}${node ? `, node ${node}` : ''}`,
  ],
  'upgrade-refused': ['error', ({ error }) => `upgrade refused: ${describeError(error)}`],
  'upgrade-failed': ['error', ({ error }) => `upgrade failed, this process serves on: ${describeError(error)}`],
  'successor-lost': [
    // It may have been stopped while this process still drains; that is as it should be.
    ({ exitCode }) => (exitCode === 0 ? 'info' : 'error'),
    ({ successorPid, exitCode, signal }) =>
      `the new process ${successorPid} ended after it took over: ${signal ?? `exit code ${exitCode}`}`,
  ],
  'predecessor-draining': ['debug', ({ predecessorPid }) => `the old process ${predecessorPid} drains`],
  'predecessor-hurried': [
    'info',
    ({ predecessorPid, withinMs }) => `told the old process ${predecessorPid} to end within ${withinMs} ms`,
  ],
  'state-saved': [
    'debug',
    ({ name, stage, bytes, durationMs }) => `state '${name}' handed on (${stage}): ${bytes} bytes in ${durationMs} ms`,
  ],
  'state-loaded': [
    'debug',
    ({ name, stage, bytes, durationMs }) => `state '${name}' taken over (${stage}): ${bytes} bytes in ${durationMs} ms`,
  ],
  'state-lost': ['error', ({ name, stage, error }) => `state '${name}' lost (${stage}): ${describeError(error)}`],
  'state-failed': ['error', ({ name, stage, error }) => `state '${name}': ${stage} failed: ${describeError(error)}`],
  'predecessor-gone': ['info', ({ predecessorPid }) => `the old process ${predecessorPid} has ended`],
  'predecessor-killed': [
    'warn',
    ({ predecessorPid }) => `the old process ${predecessorPid} outlived its deadline and was killed`,
  ],
  warning: ['warn', ({ message }) => message],
};

/** Tells an event to whoever subscribed to `bye:<event>`, and to the log. */
export type Emit = <Name extends keyof ByeEvents>(name: Name, payload: ByeEvents[Name]) => void;

/** Every channel, by name; for a subscriber that wants all. */
export const EVENT_NAMES = Object.keys(EVENTS) as (keyof ByeEvents)[];

/**
 * A logger that throws is passed over: it must not end a drain in the middle.
 *
 * @param loggers asked at each event, as `register` starts before the application has given its own
 */
export function createEmit(loggers: () => readonly Logger[], pid: number): Emit {
  return (name, payload) => {
    const subscribers = channel(`bye:${name}`);
    if (subscribers.hasSubscribers) subscribers.publish({ ...payload, pid });
    const [rank, tell] = EVENTS[name] as Table[typeof name];
    const level = typeof rank === 'function' ? rank(payload) : rank;
    for (const logger of loggers()) {
      try {
        logger[level]({ event: `bye:${name}`, ...payload }, tell(payload));
        if (name === 'drained') for (const cut of (payload as DrainReport).cut) logger.error(cut, tellCut(cut));
      } catch {
        // There is nowhere left to say so.
      }
    }
  };
}

function tellCut({ kind, name, ageMs }: CutWork): string {
  return `${kind} cut at the deadline after ${ageMs} ms: ${name}`;
}
