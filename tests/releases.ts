/** Releases of an app as deploy tools lay them out: releases/41, releases/42, and a link `current` to one of them. */

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const APP = fileURLToPath(new URL('fixtures/release.mjs', import.meta.url));
const CORE = dirname(require.resolve('bye-core/package.json'));

export class Releases implements Disposable {
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'bye-releases-')));

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  /**
   * Writes a release and makes it the current one.
   *
   * @param files by name, beside app.mjs (or in its place)
   */
  deploy(name: string, files: Readonly<Record<string, string>> = {}): string {
    const modules = this.path('releases', name, 'node_modules');
    mkdirSync(modules, { recursive: true });
    symlinkSync(CORE, join(modules, 'bye-core'));
    const all = { 'app.mjs': readFileSync(APP, 'utf8'), ...files };
    for (const [file, text] of Object.entries(all)) writeFileSync(this.path('releases', name, file), text);
    this.link('current', join('releases', name));
    return this.path('releases', name);
  }

  /** Points a link somewhere else, in one step. */
  link(name: string, target: string): void {
    symlinkSync(target, this.path(`${name}.new`));
    renameSync(this.path(`${name}.new`), this.path(name));
  }

  remove(name: string): void {
    rmSync(this.path('releases', name), { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Gives a program a copy of bye-core of its own. @param edit changes its code */
export function copyCore(programDir: string, edit: (code: string) => string = (code) => code): void {
  const modules = join(programDir, 'node_modules');
  const copy = join(modules, 'bye-core');
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const name of Object.keys(require('bye-core/package.json').dependencies)) {
    symlinkSync(dirname(require.resolve(`${name}/package.json`)), join(modules, name));
  }
  for (const name of ['dist', 'package.json']) cpSync(join(CORE, name), join(copy, name), { recursive: true });
  for (const name of readdirSync(join(copy, 'dist')).filter((file) => file.endsWith('.js'))) {
    const file = join(copy, 'dist', name);
    writeFileSync(file, edit(readFileSync(file, 'utf8')));
  }
}
