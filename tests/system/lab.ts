/** An app to put under a supervisor, and what every refused upgrade has to look like from outside. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type App, allProcesses, childrenOf, cleanEnvironment, type ProcessInfo, until } from '@bye/testkit';
import { expect } from 'vitest';

const require = createRequire(import.meta.url);

/** Answers `/`, `/slow` after 3 s, and `/upgrade` with the error that `upgrade()` ended in. */
const APP = `
const http = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');
const { processBye } = require(${JSON.stringify(require.resolve('bye-core'))});

const bye = processBye();
const server = bye.attach(
  http.createServer(async (request, response) => {
    if (request.url === '/slow') {
      console.log('slow begins');
      await sleep(3000);
    }
    const refused =
      request.url === '/upgrade' ? await bye.upgrade().then(() => undefined, ({ code, message }) => ({ code, message })) : undefined;
    response.end(JSON.stringify({ pid: process.pid, generation: bye.generation, refused }));
  }),
);
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', async () => {
  await bye.ready();
  console.log((process.env.ANNOUNCE ?? 'ready') + ' pid=' + process.pid + ' generation=' + bye.generation + ' port=' + server.address().port);
});
`;

/** A directory with the app in it as app.js, gone when the test is over. */
export class Workshop implements Disposable {
  /** Absolute and without links. */
  readonly dir: string;

  constructor() {
    this.dir = realpathSync(mkdtempSync(join(tmpdir(), 'bye-system-')));
    this.write('app.js', APP);
  }

  /** @returns the path of the file */
  write(name: string, text: string): string {
    const file = join(this.dir, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text, { mode: 0o755 });
    return file;
  }

  /** A directory as runsv and s6-supervise want it. @returns its path */
  writeService(run: string): string {
    this.write('service/run', `#!/bin/sh\ncd ${this.dir}\n${run}\n`);
    return join(this.dir, 'service');
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** What the app answers. */
export interface Said {
  readonly pid: number;
  readonly generation: number;
  readonly refused?: { code: string; message: string };
}

/** Asks the app at a port of this machine. */
export async function ask(port: number, path = '/'): Promise<Said> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Said;
}

/** Where the app is, and how it calls itself. */
export interface Service {
  readonly pid: number;
  readonly port: number;
  /** Its PID on this machine, if it is in a PID namespace and knows itself by another. */
  readonly outerPid?: number;
}

/**
 * Asks a process for an upgrade by SIGUSR1: it is refused on stderr, with the remedy, and the service answers on.
 *
 * @param stderr - all that the app has printed there
 */
export async function expectRefused(stderr: () => string, service: Service, remedy: RegExp): Promise<void> {
  const pid = service.outerPid ?? service.pid;
  process.kill(pid, 'SIGUSR1');
  const refusal = () => /.*ERR_BYE_UPGRADE_UNSAFE.*/.exec(stderr())?.[0];
  expect(await until(refusal, { what: 'the refusal is on stderr' })).toMatch(remedy);
  expect(await ask(service.port)).toMatchObject({ pid: service.pid, generation: 0 });
  expect(childrenOf(pid)).toEqual([]);
}

/** Finds the process that runs in a directory and knows itself by this PID in its PID namespace. */
export function findOuterPid(innerPid: number, dir: string): number {
  const found = processesIn(dir).filter(({ pid, commandLine }) => {
    const namespaced = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^NSpid:.*\t(\d+)$/m)?.[1];
    return namespaced === String(innerPid) && commandLine.endsWith('app.js');
  });
  expect(found).toHaveLength(1);
  return found[0]?.pid ?? 0;
}

/** Every process that runs in a directory, in whatever namespace. */
export function processesIn(dir: string): ProcessInfo[] {
  return allProcesses().filter(({ pid }) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === dir;
    } catch {
      return false;
    }
  });
}

/** All that an app has printed on stderr, for `expectRefused`. */
export function stderrOf(app: App): () => string {
  return () => app.log.lines.flatMap(({ stream, text }) => (stream === 'stderr' ? text : [])).join('\n');
}

/** Why a test cannot run here: a program that is not there, or no root. */
export function missing(programs: readonly string[], { root = false } = {}): string | undefined {
  if (root && process.getuid?.() !== 0) return 'needs root';
  const directories = (cleanEnvironment()['PATH'] ?? '').split(delimiter);
  const absent = programs.filter((name) => !directories.some((directory) => existsSync(join(directory, name))));
  return absent.length === 0 ? undefined : `needs ${absent.join(', ')}`;
}
