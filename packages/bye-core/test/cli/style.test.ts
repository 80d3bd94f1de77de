import { expect, test } from 'vitest';
import { LiveLine } from '../../src/cli/live-line.js';
import { allPrintable, createStyle, fit, printable, wantsColour } from '../../src/cli/style.js';

test.each([
  [{ isTerminal: true }, true],
  [{ isTerminal: false }, false],
  [{ isTerminal: true, noColor: '1' }, false],
  [{ isTerminal: true, noColor: '' }, true],
  [{ isTerminal: true, term: 'dumb' }, false],
  [{ isTerminal: false, forceColor: '1' }, true],
  [{ isTerminal: false, forceColor: '', noColor: '1' }, true],
  [{ isTerminal: true, forceColor: '0' }, false],
])('wantsColour(%o) is %s', (request, wanted) => {
  const all = { noColor: undefined, forceColor: undefined, term: 'xterm', ...request };
  expect(wantsColour(all)).toBe(wanted);
});

test('createStyle() leaves text as it is without colours', () => {
  expect(createStyle(false).bad('x')).toBe('x');
  expect(createStyle(true).bad('x')).toBe('\x1b[31mx\x1b[39m');
});

test('printable() shows what a terminal would obey', () => {
  expect(printable('a\x1b[2Jb\x07\r\x9b\u202ec')).toBe('a\\x1b[2Jb\\x07\\x0d\\x9b\\x202ec');
  expect(printable('two\nlines\tand a tab, ünïcödé')).toBe('two\nlines\tand a tab, ünïcödé');
  expect(allPrintable({ a: ['\x1b'], b: { c: '\x1b', d: 1, e: null } })).toEqual({
    a: ['\\x1b'],
    b: { c: '\\x1b', d: 1, e: null },
  });
});

test.each([
  ['hello', 5, 'hello'],
  ['hello', 4, 'hel…'],
  ['hello', 1, '…'],
  ['hello', 0, ''],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
  ['e\u0301e\u0301', 2, 'e\u0301e\u0301'],
])("fit('%s', %d) is '%s'", (text, columns, fitting) => {
  expect(fit(text, columns)).toBe(fitting);
});

test('LiveLine writes over itself in one go, only what is new, and stays below other lines', () => {
  const written: string[] = [];
  const screen = { columns: 10, write: (text: string) => void written.push(text) };
  const line = new LiveLine(screen, (text) => `<${text}>`);
  line.clear();
  line.show('one');
  line.show('one');
  line.show('a longer one');
  line.print('stays');
  screen.columns = 6;
  line.show('a longer one');
  line.clear();
  line.print('alone');
  expect(written).toEqual([
    '\r<one>\x1b[K',
    '\r<a longer…>\x1b[K',
    '\r\x1b[Kstays\n<a longer…>',
    '\r<a lo…>\x1b[K',
    '\r\x1b[K',
    'alone\n',
  ]);
});
