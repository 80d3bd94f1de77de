/** Owns the tables in the pages: what stands between two markers is written by a measurement. */
import { readFileSync, writeFileSync } from 'node:fs';

/** @returns a table of GitHub's Markdown; all columns but the first are figures */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/**
 * Puts text between `<!-- name -->` and `<!-- /name -->`.
 * @throws {Error} If the page does not have both markers, in that order.
 */
export function replaceBetween(page: string, name: string, text: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = page.indexOf(open);
  const to = page.indexOf(close);
  if (from < 0 || to < from) throw new Error(`The page has no place for "${name}"`);
  return `${page.slice(0, from + open.length)}\n\n${text}\n\n${page.slice(to)}`;
}

export function updatePage(file: URL, name: string, text: string): void {
  writeFileSync(file, replaceBetween(readFileSync(file, 'utf8'), name, text));
}
