import { expect, test } from 'vitest';
import { parseCommand } from '../../src/cli/arguments.js';
import { findNearest } from '../../src/cli/nearest.js';
import { ByeError } from '../../src/errors.js';

const NOTHING = { socket: undefined, pidFile: undefined };
const BOTH = { socket: '/run/e.sock', pidFile: '/run/e.pid' };
const parse = (line: string, surroundings = NOTHING as { socket: string | undefined; pidFile: string | undefined }) =>
  parseCommand(line.split(' ').filter(Boolean), surroundings);

test('parseCommand() reads a command with its options, wherever they stand', () => {
  const command = {
    request: 'upgrade',
    target: { kind: 'socket', path: 'a', pidFile: undefined },
    wait: true,
    force: true,
    watch: false,
    signal: 'SIGUSR1',
    timeoutMs: 2000,
  };
  expect(parse('--wait upgrade --socket a --force --timeout 2 --json')).toEqual({ kind: 'run', command });
  expect(parse('upgrade --wait --socket=a --force --timeout=2s')).toEqual({ kind: 'run', command });
});

test.each([
  ['', BOTH, { kind: 'socket', path: '/run/e.sock', pidFile: '/run/e.pid' }],
  ['', { ...BOTH, socket: '' }, { kind: 'pid-file', path: '/run/e.pid' }],
  ['', { ...BOTH, pidFile: '' }, { kind: 'socket', path: '/run/e.sock', pidFile: undefined }],
  ['--pid-file p', BOTH, { kind: 'pid-file', path: 'p' }],
  ['--pid-file p --socket s', BOTH, { kind: 'socket', path: 's', pidFile: 'p' }],
  ['--socket s', BOTH, { kind: 'socket', path: 's', pidFile: '/run/e.pid' }],
])("parseCommand('status %s') finds the service", (options, surroundings, target) => {
  expect(parse(`status ${options}`, surroundings)).toMatchObject({ command: { target } });
});

test.each([
  ['--help', undefined],
  ['-h', undefined],
  ['help', undefined],
  ['help upgrade', 'upgrade'],
  ['upgrade --help', 'upgrade'],
  ['status -h --watch', 'status'],
])("parseCommand('%s') is for help", (line, topic) => {
  expect(parse(line)).toEqual({ kind: 'help', topic });
});

test('parseCommand() knows --version before everything', () => {
  expect(parse('upgrade --help --version')).toEqual({ kind: 'version' });
});

test.each([
  ['', 'one of upgrade, status, stop'],
  ['upgrad', "'upgrad': did you mean bye upgrade?"],
  ['sttaus', 'did you mean bye status?'],
  ['restart', "'restart': there is none of that name"],
  ['help stpo', 'did you mean bye stop?'],
  ['upgrade now', "'now': upgrade takes no more words"],
  ['upgrade --wiat', '--wiat: did you mean --wait?'],
  ['upgrade --sock x', '--sock: did you mean --socket?'],
  ['upgrade --zzz', '--zzz: there is none of that name'],
  ['upgrade -x', '-x: there is none of that name'],
  ['upgrade --socket', '--socket: it needs a value: --socket PATH'],
  ['upgrade --socket --json', '--socket: it needs a value'],
  ['upgrade --socket=', '--socket: it needs a value'],
  ['upgrade --wait=yes', '--wait: it takes no value'],
  ['upgrade --timeout soon', "'soon' as --timeout: write 30s"],
  ['upgrade --timeout 0', "'0' as --timeout"],
  ['upgrade --watch', "--watch: it belongs to 'bye status'"],
  ['status --force', "--force: it belongs to 'bye upgrade'"],
  ['stop --wait', "--wait: it belongs to 'bye upgrade'"],
])("parseCommand('%s') says what is wrong", (line, message) => {
  const parsing = () => parse(line, { socket: 's', pidFile: undefined });
  expect(parsing).toThrow(ByeError);
  expect(parsing).toThrow(
    expect.objectContaining({ code: 'ERR_BYE_USAGE', message: expect.stringContaining(message) }),
  );
});

test.each([
  ['status', 'Cannot tell which service is meant: give --socket PATH or --pid-file PATH'],
  ['upgrade --force --pid-file p', '--force: it needs the control socket'],
  ['status --watch --pid-file p', '--watch: it needs the control socket'],
  ['upgrade --signal USR2 --socket s', '--signal: it is for a service that is known by its PID file'],
  ['upgrade --signal USR9 --pid-file p', "'USR9' as --signal: did you mean SIGUSR"],
])("parseCommand('%s') says what is missing", (line, message) => {
  expect(() => parse(line)).toThrow(expect.objectContaining({ code: 'ERR_BYE_USAGE' }));
  expect(() => parse(line)).toThrow(message);
});

test.each(['SIGUSR2', 'USR2', 'usr2', 'sigusr2'])('parseCommand() takes %s for SIGUSR2', (name) => {
  expect(parse(`upgrade --pid-file p --signal ${name}`)).toMatchObject({ command: { signal: 'SIGUSR2' } });
});

test('findNearest() prefers the fewest slips, and knows beginnings', () => {
  expect(findNearest('stp', ['status', 'stop'])).toBe('stop');
  expect(findNearest('pid', ['socket', 'pid-file'])).toBe('pid-file');
  expect(findNearest('x', ['y', 'status'])).toBeUndefined();
});
