import fs, { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guardPaths } from '../../src/listeners/path-guard.js';
import { startFixture } from './child.js';
import { scratchDirectory } from './scratch.js';

const REMOVERS = [
  'unlinkSync',
  'rmSync',
  'rmSyncForce',
  'unlink',
  'rm',
  'rmForce',
  'unlinkPromise',
  'rmPromise',
  'promisesUnlink',
  'promisesRm',
  'defaultUnlinkSync',
];

describe('guardPaths()', () => {
  it.each(['guard-esm.mts', 'guard-cjs.ts'])('keeps exactly the guarded path, by every function: %s', async (name) => {
    const root = scratchDirectory();
    mkdirSync(join(root, 'releases', '41', 'deep'), { recursive: true });
    symlinkSync('releases/41', join(root, 'current'));
    symlinkSync('releases/41/deep', join(root, 'deep'));
    const path = join(root, 'releases', '41', 'app.sock');
    const other = join(root, 'app.sock');
    const spellings = {
      './releases/41/app.sock': 'kept',
      'releases/../current/app.sock': 'kept',
      [join(root, 'current', 'app.sock')]: 'kept',
      [`${root}/current//app.sock`]: 'kept',
      // `..` of a linked directory is the parent of what it links to; read as text it would be the other file.
      [`${root}/deep/../app.sock`]: 'kept',
      'app.sock': 'other gone',
      [join(root, 'none', 'app.sock')]: 'ENOENT',
    };
    const child = startFixture(import.meta.url, name, [path, other, ...Object.keys(spellings)], { cwd: root });
    const report = JSON.parse(await child.line()) as Record<string, string>;

    const expected: Record<string, string> = {};
    for (const remover of REMOVERS) {
      expected[`${remover} guarded`] = 'undefined';
      expected[`${remover} other`] = 'undefined, other gone';
      expected[`${remover} restored`] = 'undefined, path gone';
    }
    for (const [spelling, outcome] of Object.entries(spellings)) {
      expected[spelling] = { kept: 'undefined', 'other gone': 'undefined, other gone' }[outcome] ?? outcome;
    }
    const inputs = { Buffer: 'undefined', URL: 'undefined', 'https URL': 'ERR_INVALID_URL_SCHEME' };
    expect(report).toEqual({ ...expected, ...inputs });
  });

  it('guards the path of a linked directory too, when given by its link', () => {
    const root = scratchDirectory();
    mkdirSync(join(root, 'real'));
    symlinkSync('real', join(root, 'link'));
    const file = join(root, 'real', 'app.sock');
    fs.writeFileSync(file, '');
    const original = fs.unlinkSync;
    const restore = guardPaths([join(root, 'link', 'app.sock')]);
    try {
      fs.unlinkSync(file);
      expect(fs.existsSync(file)).toBe(true);
    } finally {
      restore();
    }
    expect(fs.unlinkSync).toBe(original);
  });

  it('leaves who wrapped a function after it in place, and passes calls on', () => {
    const original = fs.unlinkSync;
    const file = join(scratchDirectory(), 'app.sock');
    const restore = guardPaths([file]);
    const guard = fs.unlinkSync;
    expect(guard).not.toBe(original);
    expect([guard.name, guard.length]).toEqual([original.name, original.length]);
    const wrapper = (path: fs.PathLike) => guard(path);
    try {
      fs.unlinkSync = wrapper;
      restore();
      expect(fs.unlinkSync).toBe(wrapper);
      fs.writeFileSync(file, '');
      fs.unlinkSync(file);
      expect(fs.existsSync(file)).toBe(false);
    } finally {
      fs.unlinkSync = original;
    }
  });

  it('changes nothing for no paths', () => {
    const original = fs.unlinkSync;
    guardPaths([])();
    expect(fs.unlinkSync).toBe(original);
  });
});
