/** Owns what the contenders have in common: ports, directories, versions, commands of the system. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns a port on which nobody listens */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A directory that is gone afterwards. */
export function createScratch(): { readonly dir: string; path(name: string): string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'bye-bench-'));
  return {
    dir,
    path: (name) => join(dir, name),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** @returns the version of a package that bench/package.json has */
export function versionOf(name: string): string {
  const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** @returns the version of a package of the suite's own tests */
export function rootVersionOf(name: string): string {
  const file = new URL(`../../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** A command of the system: nginx, haproxy. */
export interface Command {
  readonly path: string;
  readonly version: string;
}

/** @returns undefined if it is not installed */
export function findCommand(name: string): Command | undefined {
  const found = spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${name}`], { encoding: 'utf8' });
  const path = found.stdout.trim();
  if (path === '') return undefined;
  const { stdout, stderr } = spawnSync(path, ['-v'], { encoding: 'utf8' });
  return { path, version: /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0] ?? 'of unknown version' };
}
