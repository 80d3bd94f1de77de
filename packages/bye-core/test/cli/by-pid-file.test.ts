import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Command } from '../../src/cli/arguments.js';
import { runByPidFile } from '../../src/cli/by-pid-file.js';
import { Patience } from '../../src/cli/patience.js';
import { FakeHost } from '../fake-host.js';

let dir: string;
let file: string;
let processes: ChildProcess[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bye-pid-'));
  file = join(dir, 'pid');
  processes = ['old', 'new'].map(() => spawn('sleep', ['1000'], { stdio: 'ignore' }));
});
afterEach(() => {
  for (const process of processes) process.kill();
  rmSync(dir, { recursive: true });
});

test.skipIf(process.platform !== 'linux')('a PID that is taken back again is no new process', async () => {
  const [old, next] = processes.map(({ pid }) => pid);
  const host = new FakeHost();
  const written = (pid: number | undefined) => writeFileSync(file, `${pid}\n`);
  // The fake clock knows nothing of the start of real processes: it is later than all of them.
  Object.defineProperty(host, 'epochNow', { value: () => Date.now() });
  written(old);
  const command: Command = {
    request: 'upgrade',
    target: { kind: 'pid-file', path: file },
    wait: false,
    force: false,
    watch: false,
    signal: 'SIGUSR1',
    timeoutMs: undefined,
  };
  const { signal } = new AbortController();
  const patience = new Patience({ host, timeoutMs: undefined, silenceMs: 60_000, onEnd: () => {} });
  const reporter = { progress: () => {}, note: () => {}, result: () => {} };
  let result: unknown;
  const running = runByPidFile(command, file, { host, reporter, patience, signal }).then((ended) => {
    result = ended;
  });
  expect(host.kills).toEqual([[old, 'SIGUSR1']]);
  for (const pid of [next, old, next, old]) {
    written(pid);
    await host.advance(100);
  }
  expect(result).toBeUndefined();
  written(next);
  await host.advance(200);
  await running;
  expect(result).toEqual({ ok: true, request: 'upgrade', pid: next, durationMs: 600 });
});
