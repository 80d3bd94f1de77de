/** What the documentation lists is what the code has. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEmit, EVENT_NAMES } from '../../packages/bye-core/src/diagnostics.js';
import { optionVariable } from '../../packages/bye-core/src/env.js';
import { DURATIONS, OPTION_NAMES, resolveOptions } from '../../packages/bye-core/src/options/options.js';
import type { ByeOptions } from '../../packages/bye-core/src/options/types.js';
import { codesIn, headingsOf, readPage, rowsOf, sectionOf } from './pages.js';
import { dangerReasons, membersOf, readSource, readSources, variablesOf } from './source.js';

const RUNNERS = ['NODE_TEST_CONTEXT', 'VITEST', 'JEST_WORKER_ID', 'KUBERNETES_SERVICE_HOST'];

describe('options', () => {
  const saved = { ...process.env };
  beforeEach(() => {
    for (const name of RUNNERS) delete process.env[name];
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
    Object.assign(process.env, saved);
  });

  const page = readPage('docs/options.md');
  const readme = readPage('README.md');
  const rows = rowsOf(page.text.split(/^## /m)[0] ?? '');
  const resolve = () => resolveOptions({}, 'process', 1) as unknown as Record<string, unknown>;

  test('docs/options.md and the README have every one, in the order of the code', () => {
    expect(rows.map(([name = '']) => name)).toEqual(OPTION_NAMES.map((name) => `\`${name}\``));
    const short = rowsOf(sectionOf(readme, 'Options'));
    expect(short.flatMap(([names = '']) => codesIn(names))).toEqual(OPTION_NAMES);
    const explained = new Set(codesIn([...page.text.matchAll(/^\*\*.*?:/gm)].join()));
    expect(OPTION_NAMES.filter((name) => !explained.has(name))).toEqual([]);
  });

  test('their defaults are those of the code', () => {
    const standard = resolve();
    const shown = (name: keyof ByeOptions): string => {
      if (name in DURATIONS) return String(DURATIONS[name as keyof typeof DURATIONS]);
      const value = standard[name];
      if (Array.isArray(value)) return value.map((signal) => `\`${signal}\``).join(', ');
      if (typeof value === 'boolean') return `\`${value}\``;
      return name === 'readiness' ? `\`'${value}'\`` : '';
    };
    const known = OPTION_NAMES.filter((name) => shown(name) !== '');
    expect(known.length).toBeGreaterThan(9);
    const short = rowsOf(sectionOf(readme, 'Options'));
    for (const name of known) {
      const isFor = ([names = '']: string[]) => codesIn(names).includes(name);
      expect(rows.find(isFor)?.[2], name).toBe(shown(name));
      expect(short.find(isFor)?.[1], name).toBe(shown(name));
    }
    const health = standard['health'] as Record<string, unknown>;
    const fields = rowsOf(sectionOf(page, 'Health'));
    expect(fields.map(([name = '']) => codesIn(name)[0])).toEqual(Object.keys(health));
    for (const [name = '', value = ''] of fields) {
      const written = String(health[codesIn(name)[0] as string]);
      if (!name.includes('checks')) expect(value.replaceAll(/[`']/g, ''), name).toBe(written);
    }
  });

  test('the automatic delay and reserve are those of the code', () => {
    expect(resolve()['shutdownDelayMs']).toBe(0);
    process.env['KUBERNETES_SERVICE_HOST'] = '10.0.0.1';
    expect(resolve()['shutdownDelayMs']).toBe(5000);
    for (const { text } of [page, readme]) expect(text).toMatch(/shutdownDelayMs.*[\s\S]*5000/);
    expect(resolveOptions({ shutdownTimeoutMs: 4000 }, 'process', 1).closeReserveMs).toBe(1000);
    const kubernetes = readPage('docs/kubernetes.md').text;
    const seconds = (ms: number) => new RegExp(`\\s${ms / 1000} s `);
    const line = (name: string) => new RegExp(`^ +${name} .*$`, 'm').exec(kubernetes)?.[0];
    expect(line('shutdownTimeoutMs')).toMatch(seconds(DURATIONS.shutdownTimeoutMs));
    expect(line('shutdownDelayMs')).toMatch(seconds(5000));
    expect(line('closeReserveMs')).toMatch(seconds(DURATIONS.closeReserveMs));
    expect(line('requests and tasks')).toMatch(seconds(DURATIONS.shutdownTimeoutMs - 5000 - DURATIONS.closeReserveMs));
  });

  test('their variables work, and no others do', () => {
    const samples: Record<string, [text: string, read: unknown]> = {
      stopSignals: ['SIGHUP', ['SIGHUP']],
      upgradeSignals: ['SIGUSR2', ['SIGUSR2']],
      readiness: ['manual', 'manual'],
      pidFile: ['/run/sample.pid', '/run/sample.pid'],
      controlSocket: ['/run/sample.sock', '/run/sample.sock'],
      health: ['false', undefined],
      signals: ['false', false],
      exit: ['false', false],
      allowUnsafeUpgrade: ['true', true],
    };
    const heeds = (name: string): boolean => {
      const [text, read] = samples[name] ?? ['1234', 1234];
      process.env[optionVariable(name)] = text;
      try {
        return JSON.stringify(resolve()[name]) === JSON.stringify(read);
      } catch (error) {
        // An option of which nothing is kept refuses the sample.
        return (error as { data?: { variable?: string } }).data?.variable === optionVariable(name);
      } finally {
        delete process.env[optionVariable(name)];
      }
    };
    for (const [index, name] of OPTION_NAMES.entries()) {
      const variable = optionVariable(name);
      expect(codesIn(rows[index]?.[3] ?? '').includes(variable), variable).toBe(heeds(name));
    }
  });
});

test('docs/errors.md has one heading per code, with every field of its data', () => {
  const page = readPage('docs/errors.md');
  const codes = membersOf('errors.ts', 'ByeErrorData');
  const headings = headingsOf(page).filter((title) => title.startsWith('ERR_'));
  expect([...headings].sort()).toEqual([...codes.keys()].sort());
  const sources = readSources().filter(({ file }) => !file.endsWith('src/errors.ts'));
  for (const [code, fields] of codes) {
    const section = sectionOf(page, code);
    for (const field of fields) expect(codesIn(section), code).toContain(field);
    expect(section, code).toMatch(/^Do: /m);
    const isThrown = sources.some(({ text }) => new RegExp(`^(?! *(?:/?\\*|//)).*'${code}'`, 'm').test(text));
    expect(section.includes('No code throws it'), code).toBe(!isThrown);
  }
});

test('docs/environment.md has every variable of env.ts, and no other', () => {
  const { text } = readPage('docs/environment.md');
  const documented = rowsOf(text).map(([name = '']) => codesIn(name)[0]);
  expect(documented.filter((name) => name !== 'BYE_<OPTION>').sort()).toEqual(variablesOf(readSource('env.ts')));
});

test('docs/events.md has every channel with its level and payload', () => {
  const heard: string[] = [];
  const log = (level: string) => () => void heard.push(level);
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const emit = createEmit(() => [logger], 1);
  const payloads = membersOf('diagnostics.ts', 'ByeEvents');
  const expected = EVENT_NAMES.map((name) => {
    for (const exitCode of [1, 0]) emit(name, { exitCode, cut: [], keptAliveBy: [] } as never);
    const [level, afterSuccess] = heard.splice(0);
    const shown = level === afterSuccess ? level : `${level}; ${afterSuccess} after exit code 0`;
    return [`bye:${name}`, shown, payloads.get(name)];
  });
  const rows = rowsOf(readPage('docs/events.md').text);
  expect(rows.map(([name = '', level, payload = '']) => [codesIn(name)[0], level, codesIn(payload)])).toEqual(expected);
});

test('docs/upgrades.md has every reason for which an upgrade is unsafe', () => {
  const rows = rowsOf(sectionOf(readPage('docs/upgrades.md'), 'Where an upgrade is refused'));
  expect(rows.flatMap(([reasons = '']) => codesIn(reasons)).sort()).toEqual(dangerReasons());
});
