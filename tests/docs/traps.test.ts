/** Every trap has its place in the code and a test of its own, and both are where the pages say. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesBelow, headingsOf, ROOT, readPage, sectionOf } from './pages.js';

const PAGES = [
  { file: 'docs/internals/traps.md', letter: 'T', count: 30 },
  { file: 'docs/internals/moving.md', letter: 'M', count: 7 },
] as const;

const LINES = ['Symptom', 'Node', 'Ours', 'Test'];

interface Trap {
  readonly number: string;
  /** What its lines say, by their first word. */
  readonly lines: ReadonlyMap<string, string>;
}

const trapsOf = Object.fromEntries(PAGES.map(({ file, letter }) => [file, readTraps(file, letter)]));
const all = Object.values(trapsOf).flat();

function readTraps(file: string, letter: string): Trap[] {
  const page = readPage(file);
  return headingsOf(page).flatMap((title) => {
    const number = new RegExp(`^${letter}\\d+`).exec(title)?.[0];
    if (number === undefined) return [];
    const text = sectionOf(page, title.replace(/[()']/g, '\\$&')).replace(/\n {2}/g, ' ');
    const lines = [...text.matchAll(/^- \*\*(\w+)\*\*: (.*)$/gm)];
    return { number, lines: new Map(lines.map(({ 1: name = '', 2: said = '' }) => [name, said])) };
  });
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function commentsOf(file: string): string {
  return (read(file).match(/\/\*[\s\S]*?\*\/|\/\/.*$/gm) ?? []).join('\n');
}

/** From the root; a path of the core's sources may leave out where they are. */
function locate(file: string): string {
  return existsSync(join(ROOT, file)) ? file : `packages/bye-core/src/${file}`;
}

test.each(PAGES)('$file has every number once, in four lines', ({ file, letter, count }) => {
  const numbers = (trapsOf[file] as Trap[]).map(({ number }) => number);
  const expected = Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
  expect([...numbers].sort()).toEqual([...expected].sort());
  for (const { number, lines } of trapsOf[file] as Trap[]) expect([...lines.keys()], number).toEqual(LINES);
});

test('every number in a comment of the sources or the tests is on its page', () => {
  const files = ['packages', 'tests', 'testkit'].flatMap((directory) => filesBelow(directory, /\.m?[tj]s$/));
  const known = all.map(({ number }) => number);
  const used = files.flatMap((file) =>
    (commentsOf(file).match(/\b[TM]\d+\b/g) ?? []).map((number) => ({ file, number })),
  );
  expect(used.filter(({ number }) => !known.includes(number))).toEqual([]);
  expect(used.length).toBeGreaterThan(40);
});

describe.each(all)('$number', ({ number, lines }) => {
  const [, testFile, title] = /^`([^`]+)`: (.+)$/.exec(lines.get('Test') ?? '') ?? [];

  test('names what deals with it, whose comments name the trap', () => {
    const files = [...(lines.get('Ours') ?? '').matchAll(/`([\w./-]+\.ts)`/g)].map(({ 1: file = '' }) => locate(file));
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    const [first = ''] = files;
    if (testFile !== undefined) expect(commentsOf(first), first).toMatch(new RegExp(`\\b${number}\\b`));
  });

  test('names a test of its own, or that it is not handled', () => {
    if (testFile === undefined || title === undefined) {
      expect(lines.get('Test')).toMatch(/^Not handled: /);
      return;
    }
    expect(title).toMatch(new RegExp(`\\b${number}\\b`));
    const text = read(testFile);
    const quoted = [`'${title}'`, `"${title}"`, `\`${title}\``];
    expect(
      quoted.some((literal) => text.includes(literal)),
      `${testFile}: ${title}`,
    ).toBe(true);
    expect(all.filter((other) => other.lines.get('Test') === lines.get('Test'))).toHaveLength(1);
  });
});
