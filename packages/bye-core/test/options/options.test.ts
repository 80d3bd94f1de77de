import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { optionVariable } from '../../src/env.js';
import { OPTION_NAMES, resolveOptions } from '../../src/options/options.js';
import type { ByeOptions, Settings } from '../../src/options/types.js';

const RUNNERS = ['NODE_TEST_CONTEXT', 'VITEST', 'JEST_WORKER_ID'];

/** A process as a user starts it: no test runner, no Kubernetes. */
beforeEach(() => {
  for (const name of [...RUNNERS, 'KUBERNETES_SERVICE_HOST', 'PIDFILE', 'BYE_LOG']) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

const resolve = (options: object = {}) => resolveOptions(options as ByeOptions, 'process', 1);
const setVariable = (option: string, text: string) => vi.stubEnv(optionVariable(option), text);

interface Case {
  readonly standard: unknown;
  /** In code, and what becomes of it. */
  readonly given: readonly [unknown, unknown];
  /** In the environment, and what becomes of it. */
  readonly variable?: readonly [string, unknown];
  readonly badTypes: readonly unknown[];
  readonly badRanges?: readonly unknown[];
  readonly garbage?: readonly string[];
}

const duration = (standard: number): Case => ({
  standard,
  given: [1234, 1234],
  variable: ['2345', 2345],
  badTypes: ['1000', true, [], null, 5n],
  badRanges: [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31],
  garbage: ['-1', '1.5', '1e3', '2147483648', 'soon', '1000ms', ' 1000'],
});
const signals = (standard: readonly string[]): Case => ({
  standard,
  given: [
    ['SIGHUP', 'SIGHUP', 'SIGWINCH'],
    ['SIGHUP', 'SIGWINCH'],
  ],
  variable: ['SIGHUP, SIGWINCH', ['SIGHUP', 'SIGWINCH']],
  badTypes: ['SIGTERM', 15, {}],
  badRanges: [['SIGKILL'], ['SIGSTOP'], ['SIGTREM'], ['TERM'], ['sigterm'], [15], ['']],
  garbage: ['SIGKILL', 'TERM', 'SIGTERM;SIGINT', ','],
});
const flag = (standard: boolean): Case => ({
  standard,
  given: [!standard, !standard],
  variable: [String(!standard), !standard],
  badTypes: ['true', 1, null],
  garbage: ['yes', '1', 'TRUE'],
});

const STATE = { save() {} };

const CASES: { readonly [Option in keyof ByeOptions]-?: Case } = {
  stopSignals: signals(['SIGTERM', 'SIGINT', 'SIGQUIT']),
  upgradeSignals: signals(['SIGUSR1']),
  shutdownDelayMs: { ...duration(0), badTypes: ['1000', 'Auto', true, []] },
  keepAliveGraceMs: duration(1000),
  shutdownTimeoutMs: { ...duration(25_000), given: [40_000, 40_000], variable: ['50000', 50_000] },
  closeReserveMs: duration(3000),
  upgradeTimeoutMs: duration(60_000),
  minReadyMs: duration(1000),
  upgradeDrainTimeoutMs: duration(300_000),
  closeSpreadMs: duration(1000),
  readiness: {
    standard: 'auto',
    given: ['manual', 'manual'],
    variable: ['manual', 'manual'],
    badTypes: [],
    badRanges: ['AUTO', true, 5],
    garbage: ['AUTO', 'yes'],
  },
  successor: { standard: undefined, given: [{ cwd: '/' }, { cwd: '/' }], badTypes: ['app.js', 5, false, null] },
  controlSocket: {
    standard: undefined,
    given: ['/run/app/control.sock', '/run/app/control.sock'],
    variable: ['/run/app/other.sock', '/run/app/other.sock'],
    badTypes: [5, '', true],
    badRanges: ['\0abstract'],
  },
  pidFile: {
    standard: undefined,
    given: ['/run/a.pid', '/run/a.pid'],
    variable: ['/run/b.pid', '/run/b.pid'],
    badTypes: ['', 5, true, null],
  },
  state: {
    standard: undefined,
    given: [STATE, STATE],
    badTypes: ['app', 5, false, null, {}, { save: 1 }, { load() {}, send() {} }],
  },
  health: {
    standard: expect.objectContaining({ path: '/health' }),
    given: [false, undefined],
    variable: ['/up', expect.objectContaining({ readinessPath: '/up/readyz' })],
    badTypes: [5, Symbol('s')],
    badRanges: ['up', ''],
    garbage: ['up', 'yes', '/a?b'],
  },
  logger: { standard: expect.anything(), given: [console, console], badTypes: [{}, true, 'info', null, { info() {} }] },
  signals: flag(true),
  exit: flag(true),
  allowUnsafeUpgrade: flag(false),
  moveConnections: {
    standard: 'auto',
    given: [false, false],
    variable: ['false', false],
    badTypes: [],
    badRanges: [true, 'yes', 5],
    garbage: ['true', 'maybe'],
  },
};

const each = Object.entries(CASES);
const settingOf = (option: string, settings: Settings) => Reflect.get(settings, option) as unknown;

test('OPTION_NAMES is every option', () => {
  expect([...OPTION_NAMES].sort()).toEqual(Object.keys(CASES).sort());
});

test.each(each)('%s has its default, also where it is undefined', (option, { standard }) => {
  expect(settingOf(option, resolve())).toEqual(standard);
  expect(settingOf(option, resolve({ [option]: undefined }))).toEqual(standard);
});

test.each(each)('%s is taken from the code', (option, { given: [value, becomes] }) => {
  expect(settingOf(option, resolve({ [option]: value }))).toEqual(becomes);
});

test.each(each.filter(([, { variable }]) => variable))(
  '%s is taken from the environment, which wins',
  (option, each) => {
    const [text, becomes] = each.variable as readonly [string, unknown];
    setVariable(option, text);
    expect(settingOf(option, resolve({ [option]: each.given[0] }))).toEqual(becomes);
    setVariable(option, '');
    expect(settingOf(option, resolve({ [option]: each.given[0] }))).toEqual(each.given[1]);
  },
);

test.each(each.flatMap(([option, { badTypes }]) => badTypes.map((value) => [option, value])))(
  '%s of the wrong type is a TypeError that names it: %o',
  (option, value) => {
    const refused = expect.objectContaining({ message: expect.stringContaining(`'${String(option)}'`) });
    expect(() => resolve({ [String(option)]: value })).toThrow(refused);
    expect(() => resolve({ [String(option)]: value })).toThrow(TypeError);
  },
);

test.each(each.flatMap(([option, { badRanges = [] }]) => badRanges.map((value) => [option, value])))(
  '%s out of range is a RangeError that names it: %o',
  (option, value) => {
    const refused = expect.objectContaining({ message: expect.stringContaining(`'${String(option)}'`) });
    expect(() => resolve({ [String(option)]: value })).toThrow(refused);
    expect(() => resolve({ [String(option)]: value })).toThrow(RangeError);
  },
);

test.each(each.flatMap(([option, { garbage = [] }]) => garbage.map((text) => [option, text] as const)))(
  '%s of %j in the environment is ERR_BYE_ENVIRONMENT',
  (option, text) => {
    setVariable(option, text);
    const variable = optionVariable(option);
    expect(() => resolve()).toThrow(
      expect.objectContaining({
        code: 'ERR_BYE_ENVIRONMENT',
        data: { variable, value: text },
        message: expect.stringContaining(variable),
      }),
    );
  },
);

test.each(['timeout', 'shutdownDelay', 'toString', ''])(
  'the unknown option %j is refused, and the known are listed',
  (name) => {
    expect(() => resolve({ [name]: 1 })).toThrow(new RegExp(`^Unknown option '${name}': bye knows stopSignals, `));
  },
);

test('closeReserveMs is at most a quarter of a short shutdownTimeoutMs', () => {
  expect(resolve({ shutdownTimeoutMs: 4001 }).closeReserveMs).toBe(1000);
  expect(resolve({ shutdownTimeoutMs: 4000, closeReserveMs: 4000 }).closeReserveMs).toBe(4000);
  expect(() => resolve({ shutdownTimeoutMs: 4000, closeReserveMs: 4001 })).toThrow('4001 > 4000');
});

test('shutdownDelayMs leaves time for requests', () => {
  expect(resolve({ shutdownTimeoutMs: 8000, shutdownDelayMs: 6000 }).shutdownDelayMs).toBe(6000);
  expect(() => resolve({ shutdownTimeoutMs: 8000, shutdownDelayMs: 6001 })).toThrow('6001 > 6000');
});

test('shutdownDelayMs is 5000 on Kubernetes where it is auto, and at most half of the time for requests', () => {
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1');
  expect(resolve().shutdownDelayMs).toBe(5000);
  expect(resolve({ shutdownDelayMs: 'auto' }).shutdownDelayMs).toBe(5000);
  expect(resolve({ shutdownDelayMs: 100 }).shutdownDelayMs).toBe(100);
  expect(resolve({ shutdownTimeoutMs: 4000 }).shutdownDelayMs).toBe(1500);
  setVariable('shutdownDelayMs', 'auto');
  expect(resolve({ shutdownDelayMs: 100 }).shutdownDelayMs).toBe(5000);
});

test('a signal in both lists is refused', () => {
  expect(() => resolve({ stopSignals: ['SIGTERM', 'SIGHUP'], upgradeSignals: ['SIGHUP'] })).toThrow('Signal SIGHUP');
});

test('signals of another platform are taken', () => {
  expect(resolve({ stopSignals: ['SIGBREAK'] }).stopSignals).toEqual(['SIGBREAK']);
});

test('pidFile is absolute from the start, and PIDFILE wins over code and environment', () => {
  expect(resolve({ pidFile: 'app.pid' }).pidFile).toBe(`${process.cwd()}/app.pid`);
  setVariable('pidFile', '/run/ours.pid');
  vi.stubEnv('PIDFILE', '/run/theirs.pid');
  expect(resolve({ pidFile: 'app.pid' }).pidFile).toBe('/run/theirs.pid');
});

test('hasOwnLogger tells a logger of the application, and its silence', () => {
  expect(resolve().hasOwnLogger).toBe(false);
  expect(resolve({ logger: console }).hasOwnLogger).toBe(true);
  expect(resolve({ logger: false }).hasOwnLogger).toBe(true);
});

test('BYE_LOG of another word is ERR_BYE_ENVIRONMENT', () => {
  vi.stubEnv('BYE_LOG', 'loud');
  expect(() => resolve()).toThrow(expect.objectContaining({ data: { variable: 'BYE_LOG', value: 'loud' } }));
  expect(resolve({ logger: false }).logger).toBeDefined();
});

test.each(RUNNERS)('nothing is process-wide under a test runner (%s) unless asked', (runner) => {
  vi.stubEnv(runner, '1');
  expect(resolve()).toMatchObject({ signals: false, exit: false, ownsProcess: false });
  expect(resolve({ signals: true })).toMatchObject({ signals: true, exit: false, ownsProcess: true });
  expect(resolve({ exit: true })).toMatchObject({ signals: false, exit: true, ownsProcess: true });
});

test('nothing is process-wide for an instance that is not the process’s', () => {
  expect(resolveOptions({}, 'plain', 1)).toMatchObject({ signals: false, exit: false, ownsProcess: false });
  expect(resolve()).toMatchObject({ signals: true, exit: true, ownsProcess: true });
});

test('nothing is process-wide in a worker thread, and its listeners are nobody’s', async () => {
  const worker = new Worker(new URL('fixtures/worker-options.mjs', import.meta.url), { env: { ...process.env } });
  const seen = await new Promise((done, fail) => worker.once('message', done).once('error', fail));
  await worker.terminate();
  expect(seen).toEqual([
    { signals: false, exit: false, ownsProcess: false },
    { signals: true, exit: false, ownsProcess: false },
  ]);
});

test('minReadyMs stays below upgradeTimeoutMs, and is less by itself where that is short', () => {
  expect(resolveOptions({ upgradeTimeoutMs: 2000 }, 'plain', 1).minReadyMs).toBe(500);
  expect(resolveOptions({ upgradeTimeoutMs: 2000, minReadyMs: 1999 }, 'plain', 1).minReadyMs).toBe(1999);
  expect(() => resolveOptions({ upgradeTimeoutMs: 2000, minReadyMs: 2000 }, 'plain', 1)).toThrow(/minReadyMs/);
});
