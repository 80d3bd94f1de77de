/** The command is what its page says. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ADVISED_CODES } from '../../packages/bye-core/src/cli/advice.js';
import { EXIT_CODES } from '../../packages/bye-core/src/cli/exit-codes.js';
import { EXIT_MEANINGS } from '../../packages/bye-core/src/cli/help.js';
import { COMMANDS, OPTIONS } from '../../packages/bye-core/src/cli/options.js';
import { codesIn, filesBelow, ROOT, readPage, rowsOf, sectionOf } from './pages.js';
import { readSource } from './source.js';

const page = readPage('docs/command.md');
const firstCodes = (section: string) => rowsOf(sectionOf(page, section)).flatMap(([cell = '']) => codesIn(cell));

test('docs/command.md has every exit code, with what the help says', () => {
  const rows = rowsOf(sectionOf(page, 'Exit codes')).map(([code, meaning]) => [Number(code), meaning]);
  const known = Object.entries(EXIT_CODES).map(([kind, code]) => [
    code,
    EXIT_MEANINGS[kind as keyof typeof EXIT_CODES],
  ]);
  expect(rows).toEqual(known);
});

test('docs/command.md has every command and option, and the variables that stand for them', () => {
  expect(new Set(firstCodes('Commands').map((line) => line.split(' ')[1]))).toEqual(new Set(Object.keys(COMMANDS)));
  expect(firstCodes('Options')).toEqual(Object.keys(OPTIONS).map((name) => `--${name}`));
  for (const [option, rule] of Object.entries(OPTIONS)) {
    const [, variable] = /\[([A-Z_]{7,})\]/.exec(rule.help) ?? [];
    const row =
      rowsOf(sectionOf(page, 'Options'))
        .find(([cell = '']) => cell.includes(`--${option}\``))
        ?.join(' ') ?? '';
    if (variable !== undefined) expect(codesIn(row), option).toContain(variable);
  }
});

test('docs/command.md has the fields of results that programs read', () => {
  const union =
    /export type CommandResult =\n([\s\S]*?);\n\n?(?=\/\*|export|$)/.exec(`${readSource('cli/result.ts')}\n`)?.[1] ??
    '';
  const fields = new Set([...union.matchAll(/readonly (\w+)\??:/g)].map(({ 1: name = '' }) => name));
  const documented = codesIn(sectionOf(page, 'JSON').replace(/^```[\s\S]*?^```$/gm, ''));
  expect([...fields].filter((name) => !documented.includes(name))).toEqual([]);
  expect(fields.size).toBeGreaterThan(7);
  const [, report = ''] =
    /^export interface StatusReport extends HealthReport \{\n([\s\S]*?)^\}/m.exec(readSource('types.ts')) ?? [];
  const members = [...report.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(({ 1: name = '' }) => name);
  expect(members.filter((name) => !documented.includes(name))).toEqual([]);
  expect(members.length).toBeGreaterThan(6);
});

test('every error that the command gives advice on is provoked with real processes', () => {
  const tests = filesBelow('tests/process', /^command-.*\.test\.ts$/).map((file) =>
    readFileSync(join(ROOT, file), 'utf8'),
  );
  expect(ADVISED_CODES.filter((code) => !tests.some((text) => text.includes(code)))).toEqual([]);
  expect(ADVISED_CODES.length).toBeGreaterThan(15);
});
