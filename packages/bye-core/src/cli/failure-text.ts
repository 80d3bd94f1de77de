/** How an error is told to people: what, why, and what to do. */

import type { ErrorMessage } from '../channel/messages.js';
import { adviseOn } from './advice.js';
import { kindOfError } from './exit-codes.js';
import { describeUntil } from './progress.js';
import type { Style } from './style.js';

/** More of a stack helps nobody who reads it in a deploy log; the service's log has it all. */
const MOST_STACK_LINES = 8;

const NODE_FRAME = /^\s+at .*\bnode:|^\s+at .*<anonymous>\)?$/;

/** @param nowMs epoch milliseconds */
export function renderFailure(request: string, error: ErrorMessage, nowMs: number, style: Style): string[] {
  // Who stopped looking knows it.
  if (request === 'status' && error.code === 'ERR_BYE_INTERRUPTED') return [];
  const { message, code, data, cause } = error;
  const lines = [
    `${style.bad(`bye${request && ` ${request}`}:`)} ${message}${code === undefined ? '' : style.faint(` (${code})`)}`,
  ];
  for (let next = cause; next !== undefined; next = next.cause) lines.push(...renderCause(next, style));
  const untilMs = data?.['untilMs'];
  if (typeof untilMs === 'number') lines.push(`  It has ${describeUntil(untilMs, nowMs)} at the latest.`);
  if (servesOn(request, error)) lines.push('  The old process serves on.');
  const advice = adviseOnChain(error);
  if (advice !== undefined) lines.push(`  Do: ${advice}`);
  return lines;
}

/** What bye says at the bottom of it, if it has a word for that: the new process may have found out what is wrong. */
function adviseOnChain({ name, code, data, cause }: ErrorMessage): string | undefined {
  const deeper = cause && adviseOnChain(cause);
  return deeper ?? (name === 'ByeError' ? adviseOn(code, data) : undefined);
}

function renderCause({ name, message, code, stack }: ErrorMessage, style: Style): string[] {
  const shown = code === undefined || message.includes(code) ? message : `${message} (${code})`;
  const lines = [`  because: ${name === 'Error' || name === 'ByeError' ? '' : `${name}: `}${shown}`];
  // An error of the system has no frames worth reading, and one of bye says all in its message.
  if (stack === undefined || name === 'ByeError' || /^E[A-Z]+$/.test(code ?? '')) return lines;
  const frames = stackOnly(stack, message).slice(0, MOST_STACK_LINES);
  return [...lines, ...frames.map((line) => style.faint(`    ${line}`))];
}

/** Without the line that repeats the message, and Node's own frames; what Node shows of the source before it stays. */
function stackOnly(stack: string, message: string): string[] {
  const [head = ''] = message.split('\n');
  return stack
    .split('\n')
    .filter((line) => line.trim() !== '' && (head === '' || !line.includes(head)) && !NODE_FRAME.test(line))
    .map((line) => line.trimEnd().replace(/^ {4}(?=at )/, ''));
}

function servesOn(request: string, error: ErrorMessage): boolean {
  const hasEnded = error.code === 'ERR_BYE_UPGRADE_ABORTED' || error.code === 'ERR_BYE_SERVICE_ENDED';
  return request === 'upgrade' && kindOfError(error) === 'failed' && error.code !== 'ERR_BYE_INTERRUPTED' && !hasEnded;
}
