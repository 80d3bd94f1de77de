/** The documentation as it stands in the checkout, taken apart. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Page {
  /** From the root of the repository. */
  readonly file: string;
  readonly text: string;
}

export interface Block {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** The comment on the line before it, such as `not run`. */
  readonly remark: string | undefined;
}

export function readPage(file: string): Page {
  return { file, text: readFileSync(join(ROOT, file), 'utf8') };
}

/** README, every page of docs, and the packages' own. */
export function readPages(): Page[] {
  const packages = readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}/README.md`);
  return ['README.md', ...filesBelow('docs', /\.md$/), ...packages].map(readPage);
}

/** Files below a directory, from the root of the repository; without builds and dependencies. */
export function filesBelow(directory: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(node_modules|dist)\//.test(file))
    .sort();
}

export function blocksOf({ file, text }: Page): Block[] {
  const found = text.matchAll(/(?:^<!-- (.*) -->\n)?^```(\S*)\n([\s\S]*?)^```$/gm);
  return [...found].map(({ 1: remark, 2: language = '', 3: code = '', index }) => ({
    file,
    line: text.slice(0, index).split('\n').length,
    language,
    code,
    remark,
  }));
}

/** The text without code blocks, where `#` and `|` mean something. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '');
}

export function headingsOf({ text }: Page): string[] {
  return [...prose(text).matchAll(/^#{1,6} (.*)$/gm)].map(({ 1: title = '' }) => title);
}

/** As GitHub makes them of headings. */
export function anchorsOf(page: Page): string[] {
  return headingsOf(page).map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  );
}

export function linksOf({ text }: Page): string[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(({ 1: target = '' }) => target);
}

/** The text below a heading, up to the next of its level or above. */
export function sectionOf({ file, text }: Page, heading: string): string {
  const [, below] = text.split(new RegExp(`^#+ ${heading}$`, 'm'));
  if (below === undefined) throw new Error(`${file} has no heading "${heading}"`);
  return below.split(/^#/m)[0] ?? '';
}

/** The cells of every row of every table, without the heads. */
export function rowsOf(text: string): string[][] {
  const lines = prose(text).split('\n');
  return lines
    .filter((line, index) => {
      if (!line.startsWith('|') || isRule(line)) return false;
      return !isRule(lines[index + 1] ?? '');
    })
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split('|')
        .map((cell) => cell.trim()),
    );
}

function isRule(line: string): boolean {
  return /^\|[\s|:-]+\|$/.test(line) && line.includes('-');
}

/** What stands in backticks. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(({ 1: code = '' }) => code);
}
