import { expect, test } from 'vitest';
import {
  fromErrorMessage,
  type Message,
  PROTOCOL_VERSION,
  parseError,
  parseMessage,
  toErrorMessage,
} from '../../src/channel/messages.js';
import { ByeError } from '../../src/errors.js';

const SESSIONS = { key: 'tcp:*:443', ticketKeys: 'AA==', sessionIdContext: 'of argv', trust: 'hash', untilMs: 9 };

const MESSAGES: readonly Message[] = [
  { bye: 'hello', protocol: PROTOCOL_VERSION, pid: 7, node: '24.1.0' },
  { bye: 'failure', error: { name: 'TypeError', message: 'no', code: 'E', stack: 'at' } },
  { bye: 'draining', untilMs: 5, waitingFor: '2 requests', idle: false },
  { bye: 'finish', withinMs: 0 },
  { bye: 'takes-connections', keys: ['tcp:*:80', 'unix:/run/app.sock'] },
  { bye: 'connection', id: 1, key: 'tcp:*:80', hasAsked: false },
  { bye: 'connection-taken', id: 1 },
  { bye: 'connection-refused', id: 2 },
  { bye: 'tls-sessions', servers: [SESSIONS] },
  { bye: 'taken-over' },
  { bye: 'not-taken-over' },
];

test.each(MESSAGES)('parseMessage() reads $bye', (message) => {
  expect(parseMessage(JSON.parse(JSON.stringify(message)))).toStrictEqual(message);
});

test.each(MESSAGES)('parseMessage() drops what it does not know of $bye', (message) => {
  expect(parseMessage({ ...message, later: 'version' })).toStrictEqual(message);
});

const WRONG = [undefined, null, 'text', {}, [], true, Number.NaN, Number.POSITIVE_INFINITY];
const isGood = (wrong: unknown, value: unknown) =>
  (typeof wrong === 'string' && typeof value === 'string') ||
  (typeof wrong === 'boolean' && typeof value === 'boolean') ||
  (Array.isArray(wrong) && Array.isArray(value));
const fields = MESSAGES.flatMap((message) => Object.keys(message).map((name) => [message.bye, name, message] as const));

test.each(fields)('parseMessage() refuses %s without a good %s', (_bye, name, message) => {
  const { [name as 'bye']: value, ...rest } = message;
  expect(parseMessage(rest)).toBeUndefined();
  for (const wrong of WRONG.filter((each) => !isGood(each, value))) {
    expect(parseMessage({ ...message, [name]: wrong })).toBeUndefined();
  }
});

test.each<readonly [string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['text', 'hello'],
  ['a number', 5],
  ['a list', ['hello']],
  ['an application’s message', { type: 'ready' }],
  ['a message of a later version', { bye: 'state', data: {} }],
  ['the name of something every object has', { bye: 'toString' }],
  ['a key that is no text', { bye: 'takes-connections', keys: ['tcp:*:80', 5] }],
  ['an error without a message', { bye: 'failure', error: { name: 'Error' } }],
  ['an error without a name', { bye: 'failure', error: { message: 'no' } }],
  ...Object.keys(SESSIONS).map(
    (name) =>
      [
        `a server without a good ${name}`,
        { bye: 'tls-sessions', servers: [SESSIONS, { ...SESSIONS, [name]: null }] },
      ] as const,
  ),
  ['a server that is none', { bye: 'tls-sessions', servers: [null] }],
])('parseMessage() takes %s for none of ours', (_title, value) => {
  expect(parseMessage(value)).toBeUndefined();
});

test('parseMessage() leaves out what is no text of an error', () => {
  const error = { name: 'Error', message: 'no', code: 5, stack: {} };
  expect(parseMessage({ bye: 'failure', error })).toStrictEqual({
    bye: 'failure',
    error: { name: 'Error', message: 'no' },
  });
});

/** A small generator of numbers, the same in every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('parseMessage() never throws, and returns a message or nothing, whatever comes', () => {
  const random = createRandom(1);
  const names = [
    'bye',
    'protocol',
    'pid',
    'node',
    'error',
    'untilMs',
    'waitingFor',
    'idle',
    'withinMs',
    'name',
    'message',
    '__proto__',
  ];
  const leaves = [
    'hello',
    'failure',
    'draining',
    'finish',
    '',
    0,
    -1,
    1e308,
    Number.NaN,
    true,
    null,
    undefined,
    [],
    5n,
    Symbol('s'),
    () => {},
  ];
  const make = (depth: number): unknown => {
    if (depth === 0 || random(3) === 0) return leaves[random(leaves.length)];
    // Half of the time something that was a message once.
    const made: object = random(2) === 0 ? structuredClone(MESSAGES[random(MESSAGES.length)] as Message) : {};
    for (let count = random(3); count > 0; count--) {
      const name = names[random(names.length)] as string;
      Object.defineProperty(made, name, { value: make(depth - 1), configurable: true, enumerable: true });
    }
    return made;
  };
  let parsed = 0;
  for (let run = 0; run < 20_000; run++) {
    const value = make(3);
    const message = parseMessage(value);
    if (message === undefined) continue;
    parsed += 1;
    expect(parseMessage(JSON.parse(JSON.stringify(message)))).toStrictEqual(message);
  }
  expect(parsed).toBeGreaterThan(100);
});

test('an error crosses with name, message, code and stack', () => {
  const error = new ByeError('ERR_BYE_PID_FILE', 'Cannot write', { path: '/a' });
  const message = parseMessage(JSON.parse(JSON.stringify({ bye: 'failure', error: toErrorMessage(error) })));
  const {
    name,
    stack,
    code,
    message: text,
  } = fromErrorMessage((message as Message & { bye: 'failure' }).error) as ByeError;
  expect({ name, stack, code, text }).toEqual({
    name: 'ByeError',
    stack: error.stack,
    code: 'ERR_BYE_PID_FILE',
    text: 'Cannot write',
  });
});

test.each([
  ['text', 'no', 'no'],
  ['undefined', undefined, 'undefined'],
  ['an object without a prototype', Object.create(null), '[object Object]'],
])('toErrorMessage() makes an error of %s', (_title, value, message) => {
  expect(toErrorMessage(value)).toStrictEqual({ name: 'Error', message });
});

test('toErrorMessage() leaves out a code that is a number, and a stack that is none', () => {
  const error = Object.assign(new Error('no'), { code: 5 });
  Reflect.deleteProperty(error, 'stack');
  Object.defineProperty(error, 'stack', { value: undefined });
  expect(toErrorMessage(error)).toStrictEqual({ name: 'Error', message: 'no' });
  expect(fromErrorMessage({ name: 'Error', message: 'no' })).not.toHaveProperty('code');
});

test('an error keeps causes and data on its way through two processes', () => {
  const cause = new ByeError('ERR_BYE_PID_FILE', 'Cannot write', { path: '/a' }, new TypeError('root of it'));
  const pass = (error: unknown) => {
    const crossed = parseError(JSON.parse(JSON.stringify(toErrorMessage(error))));
    return fromErrorMessage(crossed as NonNullable<typeof crossed>);
  };
  const error = pass(new ByeError('ERR_BYE_UPGRADE_HOOK', 'Cannot upgrade', {}, pass(cause)));
  expect(error.cause).toMatchObject({ code: 'ERR_BYE_PID_FILE', data: { path: '/a' } });
  expect((error.cause as Error).cause).toMatchObject({ name: 'TypeError', message: 'root of it' });
});

test('toErrorMessage() leaves out data of other errors, and ends a circle of causes', () => {
  expect(toErrorMessage(Object.assign(new Error('no'), { data: { secret: 1 } }))).not.toHaveProperty('data');
  const circle = new Error('round');
  circle.cause = circle;
  expect(JSON.stringify(toErrorMessage(circle)).match(/"round"/g)).toHaveLength(9);
  expect(parseError({ name: 'Error', message: 'no', cause: { name: 5 } })).toStrictEqual({
    name: 'Error',
    message: 'no',
  });
});
