import { expect, test } from 'vitest';
import { evaluatesCode, findScript, stripExecArgv, stripNodeOptions } from '../../src/upgrade/exec-argv.js';

test.each([
  [['--inspect'], []],
  [['--inspect=0.0.0.0:9229', '--enable-source-maps'], ['--enable-source-maps']],
  [['--inspect-brk', '--inspect-wait=1', '--inspect-port', '9230'], []],
  [['--watch', '--watch-path', './src', '--watch-path=./lib', '--watch-preserve-output'], []],
  [['--prof', '--cpu-prof', '--cpu_prof_dir', '/tmp', '--heap-prof-interval', '1', '--heap-prof'], []],
  [['--heapsnapshot-signal', 'SIGUSR2', '--heapsnapshot-near-heap-limit=3', '--no-warnings'], ['--no-warnings']],
  [
    ['-r', '--inspect', '--import', 'x'],
    ['-r', '--inspect', '--import', 'x'],
  ],
  [
    ['--max-old-space-size=100', '--title', 'a b'],
    ['--max-old-space-size=100', '--title', 'a b'],
  ],
])('stripExecArgv(%j) leaves %j', (given, kept) => {
  expect(stripExecArgv(given)).toEqual(kept);
});

test.each([
  ['--inspect --max-old-space-size=100', '--max-old-space-size=100'],
  ['  --cpu-prof-dir "/a b" -r "/my app/x.js" --prof ', '-r "/my app/x.js"'],
  ['--require "a\\"b c" "--inspect=1"', '--require "a\\"b c"'],
  ['--inspect-port 1', ''],
  ['', ''],
])('stripNodeOptions(%j) is %j', (given, kept) => {
  expect(stripNodeOptions(given)).toBe(kept);
});

test.each([
  [['-e', 'x'], true],
  [['-pe', 'x'], true],
  [['--eval=a\nb'], true],
  [['-'], true],
  [['--print_bytecode'], false],
  [['--enable-source-maps'], false],
])('evaluatesCode(%j) is %j', (execArgv, expected) => {
  expect(evaluatesCode(execArgv)).toBe(expected);
});

test.each([
  [['a.js', 'b.js'], 'a.js'],
  [['--no-warnings', '-r', 'x', '--import=y', 'a.js'], 'a.js'],
  [['--inspect', '--', '-a.js'], '-a.js'],
  [['--version'], undefined],
])('findScript(%j) is %j', (args, expected) => {
  expect(findScript(args)).toBe(expected);
});
