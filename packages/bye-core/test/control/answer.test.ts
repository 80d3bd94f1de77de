import { describe, expect, test } from 'vitest';
import { MOST_ANSWER_BYTES } from '../../src/channel/control-messages.js';
import { FrameReader } from '../../src/channel/frames.js';
import {
  encodeFailure,
  encodeProgress,
  encodeSuccess,
  toDrainSummary,
  toPlainPayload,
} from '../../src/control/answer.js';
import { ByeError } from '../../src/errors.js';

const decode = (frame: Buffer | undefined) => frame && new FrameReader(MOST_ANSWER_BYTES).push(frame)[0];
const refusal = new ByeError('ERR_BYE_NOT_READY', 'Cannot upgrade', { status: 'starting' }, new TypeError('why'));
const circle: { self?: unknown } = {};
circle.self = circle;

test('toPlainPayload() makes messages of errors, and leaves the rest', () => {
  expect(toPlainPayload({ hook: 'onClose', error: refusal })).toMatchObject({
    hook: 'onClose',
    error: { code: 'ERR_BYE_NOT_READY', data: { status: 'starting' }, cause: { name: 'TypeError', message: 'why' } },
  });
  expect(toPlainPayload({ error: 5n })).toEqual({ error: { name: 'Error', message: '5' } });
});

test('toDrainSummary() has the errors of hooks as messages', () => {
  const report = {
    reason: 'stop',
    durationMs: 1,
    requestsFinished: 2,
    cut: [],
    hookErrors: [refusal, 'text'],
  } as const;
  const summary = toDrainSummary(report);
  expect(summary).toMatchObject({ durationMs: 1, hookErrors: [{ code: 'ERR_BYE_NOT_READY' }, { message: 'text' }] });
  expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
});

describe('encodeProgress()', () => {
  test('leaves out what JSON cannot carry, and what is too long', () => {
    const event = (data: Record<string, unknown>) =>
      encodeProgress({ event: 'bye:warning', pid: 1, message: '', data });
    expect(decode(event({ fine: true }))).toMatchObject({ data: { fine: true } });
    expect(event({ circle })).toBeUndefined();
    expect(event({ big: 1n })).toBeUndefined();
    expect(event({ long: 'x'.repeat(MOST_ANSWER_BYTES) })).toBeUndefined();
  });
});

describe('encodeFailure()', () => {
  test('has the whole error in the dialect of bye, and one text in that of shellflip', () => {
    expect(decode(encodeFailure('bye', 'upgrade', refusal))).toMatchObject({
      result: { ok: false, request: 'upgrade', error: { code: 'ERR_BYE_NOT_READY', cause: { message: 'why' } } },
    });
    expect(decode(encodeFailure('shellflip', 'upgrade', refusal))).toEqual({
      Response: { RestartFailed: 'Cannot upgrade (ERR_BYE_NOT_READY): TypeError: why' },
    });
  });

  test.each([
    ['data in a circle', Object.assign(new Error('odd'), { code: 'ERR_BYE_X', data: circle }), /odd/],
    ['a message of 8 MiB', new Error('long'.repeat(2 * MOST_ANSWER_BYTES)), /long/],
    ['a getter that throws', Object.defineProperty(new Error(), 'name', { get: () => Object.create(null) }), /./],
    ['nothing', undefined, /undefined/],
  ])('tells of an error with %s none the less', (_title, error, message) => {
    for (const dialect of ['bye', 'shellflip'] as const) {
      const frame = encodeFailure(dialect, 'upgrade', error);
      expect(frame.length).toBeLessThan(MOST_ANSWER_BYTES);
      expect(JSON.stringify(decode(frame))).toMatch(message);
    }
  });
});

test('encodeSuccess() has the one answer that each dialect knows', () => {
  const result = { ok: true, request: 'upgrade', pid: 4711, generation: 1, durationMs: 5 } as const;
  expect(decode(encodeSuccess('bye', result))).toEqual({ result });
  expect(encodeSuccess('shellflip', result)).toEqual(
    Buffer.concat([Buffer.of(0, 0, 0, 0x25), Buffer.from('{"Response":{"RestartComplete":4711}}')]),
  );
});

test('encodeSuccess() has the beginning of a drain that is too long, or cannot be told as it is', () => {
  const cut = Array.from(
    { length: 100_000 },
    (_, index) => ({ kind: 'task', name: `copy ${index}`, ageMs: 1 }) as const,
  );
  const drain = { reason: 'stop', durationMs: 1, requestsFinished: 2, cut, hookErrors: [] } as const;
  const tell = (what: typeof drain | object) =>
    decode(encodeSuccess('bye', { ok: true, request: 'stop', drain: { ...drain, ...what } }));
  expect(tell({ cut: cut.slice(0, 1000) })).toMatchObject({ result: { drain: { cut: cut.slice(0, 1000) } } });
  expect(tell({})).toEqual({
    result: { ok: true, request: 'stop', drain: { ...drain, cut: cut.slice(0, 100), leftOut: 99_900 } },
  });
  const name = 'x'.repeat(MOST_ANSWER_BYTES);
  expect(tell({ cut: [{ kind: 'task', name, ageMs: 1 }] })).toMatchObject({ result: { drain: { leftOut: 0 } } });
  const hookErrors = [{ name: 'Error', message: 'odd', data: circle }];
  expect(tell({ cut: [], hookErrors })).toMatchObject({
    result: { drain: { hookErrors: [{ name: 'Error', message: 'odd' }] } },
  });
});
