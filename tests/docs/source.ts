/** What the source says about itself, as far as no import tells it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, ROOT } from './pages.js';

const CORE = 'packages/bye-core/src';

export function readSource(file: string): string {
  return readFileSync(join(ROOT, CORE, file), 'utf8');
}

/** Every source file of the packages, with its text. */
export function readSources(): { file: string; text: string }[] {
  return filesBelow('packages', /\.ts$/)
    .filter((file) => file.includes('/src/'))
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));
}

/** The members of an interface: `{ a: { b: string } }` gives a with b, `{ a: Other }` a with the members of Other. */
export function membersOf(file: string, name: string): Map<string, string[]> {
  const body = new RegExp(`^export interface ${name} \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(readSource(file))?.[1];
  if (body === undefined) throw new Error(`${file} has no interface ${name}`);
  const members = body.matchAll(/^ {2}(?:readonly )?'?([\w-]+)'?\??: (.*);$/gm);
  return new Map([...members].map(({ 1: member = '', 2: type = '' }) => [member, fieldsOf(type)]));
}

function fieldsOf(type: string): string[] {
  if (type === 'DrainReport') return [...membersOf('types.ts', type).keys()];
  return [...type.matchAll(/(\w+)\??: /g)].map(({ 1: field = '' }) => field);
}

/** Every variable that env.ts names. */
export function variablesOf(source: string): string[] {
  const quoted = [...source.matchAll(/'([A-Z][A-Z0-9_]{2,}|pm_id)'/g)].map(({ 1: name = '' }) => name);
  const taken = [...source.matchAll(/const \{ (.*) \} = process\.env/g)].flatMap(({ 1: names = '' }) =>
    names.split(', '),
  );
  return [...new Set([...quoted, ...taken])].filter((name) => !name.startsWith('ERR_')).sort();
}

/** Every reason for which an upgrade is unsafe. */
export function dangerReasons(): string[] {
  const rules = readSource('upgrade/dangers.ts').matchAll(/refuse\(\s*'([\w-]+)'/g);
  const supervisors = readSource('upgrade/supervisors.ts').matchAll(/reason: '([\w-]+)'/g);
  const runtimes = ['bun', 'deno'];
  return [...new Set([...rules, ...supervisors].map(({ 1: reason = '' }) => reason).concat(runtimes))].sort();
}
