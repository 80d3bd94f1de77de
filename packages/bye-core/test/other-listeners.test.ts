import { beforeEach, expect, test } from 'vitest';
import type { ByeEvents } from '../src/diagnostics.js';
import type { SignalListener } from '../src/host.js';
import { OtherListeners } from '../src/other-listeners.js';
import { FakeHost } from './fake-host.js';

let host: FakeHost;
let warnings: string[];
let others: OtherListeners;
beforeEach(() => {
  host = new FakeHost();
  warnings = [];
  others = new OtherListeners({
    host,
    emit: (_name, payload) => void warnings.push((payload as ByeEvents['warning']).message),
    signals: () => ['SIGTERM', 'SIGINT', 'SIGUSR1'],
  });
});

const listen = (signal: NodeJS.Signals, ...listeners: SignalListener[]) => host.others.set(signal, listeners);

test('nobody else: no word', () => {
  listen('SIGHUP', () => {});
  others.look();
  expect(warnings).toEqual([]);
});

test('one warning names every function with its signals, by its code if it has no name', () => {
  const flushLogs = () => {};
  listen('SIGTERM', flushLogs, () => warnings.push('a'.repeat(1000)));
  listen('SIGUSR1', flushLogs);
  others.look();
  others.look();
  const [warning, ...more] = warnings;
  expect(more).toEqual([]);
  const [start, named, unnamed] = warning?.split('. ') ?? [];
  expect(start).toBe('bye is not the only one to answer its signals');
  expect(named).toMatch(/^SIGTERM, SIGUSR1: the function "flushLogs": what it does belongs into bye\.onShutdown\(\)/);
  expect(unnamed).toMatch(/^SIGTERM: the function "\(\) ?=> ?warnings\.push.*": what it does belongs into/);
  expect(unnamed?.length).toBeLessThan(160);
});

test.each([
  ['close-with-grace', 'function onSignal (signal) { run({ signal }) }', '--close-grace-delay=30000'],
  ['NestJS', 'async (signal) => { if (this.receivedSignal) return; }', 'bye.onClose(() => app.close())'],
  ['Next.js', '(signal) => { nextServer?.close() }', 'NEXT_MANUAL_SIG_HANDLE=1'],
  ['OpenTelemetry', 'async function shutdown() { await sdk.shutdown(); }', 'bye.onClose(() => sdk.shutdown())'],
])('%s is known by its code, and the warning says what to do', (name, code, cure) => {
  listen(
    'SIGINT',
    Object.assign(() => {}, { toString: () => code }),
  );
  others.look();
  expect(warnings).toEqual([expect.stringContaining(`SIGINT: ${name}`)]);
  expect(warnings).toEqual([expect.stringContaining(cure)]);
});

test('signal-exit, which stands back, is no reason to warn', () => {
  const process = { __signal_exit_emitter__: {} };
  listen('SIGTERM', () => process.__signal_exit_emitter__);
  others.look();
  expect(warnings).toEqual([]);
  listen('SIGINT', () => {});
  others.look();
  expect(warnings).toHaveLength(1);
});
