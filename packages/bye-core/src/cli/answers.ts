/** Reads what the service answers. What a newer version may say besides is ignored, what is not well-formed as well. */

import type { ControlAnswer, ControlResult, DrainSummary } from '../channel/control-messages.js';
import { isNumber, parseError } from '../channel/messages.js';
import type { StatusReport } from '../types.js';

type Fields = Readonly<Record<string, unknown>>;

export function parseAnswer(value: unknown): ControlAnswer | undefined {
  if (!isRecord(value)) return undefined;
  const { event, pid, message, data, status, result } = value;
  if (typeof event === 'string' && typeof message === 'string' && isNumber(pid)) {
    return { event: event.replace(/^bye:/, ''), pid, message, data: isRecord(data) ? data : {} };
  }
  if (isStatus(status)) return { status };
  const parsed = parseResult(result);
  return parsed && { result: parsed };
}

function parseResult(value: unknown): ControlResult | undefined {
  if (!isRecord(value) || typeof value['request'] !== 'string') return undefined;
  const { ok, request, status, drain } = value;
  if (ok === false) {
    const error = parseError(value['error']);
    return error && { ok, request, error };
  }
  if (ok !== true || (drain !== undefined && !isDrain(drain))) return undefined;
  const isWhole =
    (request === 'upgrade' && ['pid', 'generation', 'durationMs'].every((name) => isNumber(value[name]))) ||
    (request === 'status' && isStatus(status)) ||
    (request === 'stop' && isDrain(drain));
  return isWhole ? (value as unknown as ControlResult) : undefined;
}

function isStatus(value: unknown): value is StatusReport {
  if (!isRecord(value) || typeof value['status'] !== 'string') return false;
  const { listeners, checks, upgrade, predecessor, lastUpgrade, untilMs, script, node, bye } = value;
  return (
    ['generation', 'pid', 'uptimeMs', 'inFlight', 'connections', 'tasks'].every((name) => isNumber(value[name])) &&
    [script, node, bye].every((text) => text === undefined || typeof text === 'string') &&
    Array.isArray(listeners) &&
    listeners.every((key) => typeof key === 'string') &&
    (checks === undefined || isRecord(checks)) &&
    (untilMs === undefined || isNumber(untilMs)) &&
    (upgrade === undefined || (isRecord(upgrade) && isNumber(upgrade['sinceMs']) && isNumber(upgrade['untilMs']))) &&
    (predecessor === undefined || (isRecord(predecessor) && isNumber(predecessor['untilMs']))) &&
    (lastUpgrade === undefined || (isRecord(lastUpgrade) && typeof lastUpgrade['at'] === 'string'))
  );
}

function isDrain(value: unknown): value is DrainSummary {
  if (!isRecord(value)) return false;
  const { cut, hookErrors, durationMs, requestsFinished } = value;
  return (
    isNumber(durationMs) &&
    isNumber(requestsFinished) &&
    Array.isArray(cut) &&
    cut.every((work) => isRecord(work) && isNumber(work['ageMs'])) &&
    Array.isArray(hookErrors) &&
    hookErrors.every((error) => parseError(error) !== undefined)
  );
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
