import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findService, readPid } from '../../src/cli/service-process.js';
import { realHost } from '../../src/host.js';
import { readAgeMs } from '../../src/proc.js';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bye-pid-'));
  file = join(dir, 'pid');
});
afterEach(() => rmSync(dir, { recursive: true }));

test.each(['', '\n', 'app', '12x', '-5', '0', '1', '3.5', '0x10', '99999999999'])(
  "findService() finds no PID in '%s'",
  (content) => {
    writeFileSync(file, content);
    expect(readPid(file)).toBeUndefined();
    expect(() => findService(realHost, file)).toThrow(
      expect.objectContaining({ data: { path: file, reason: 'no-pid' } }),
    );
  },
);

test('findService() finds the process of a file that it may have written', () => {
  writeFileSync(file, `${process.pid}\n`);
  expect(readPid(file)).toBe(process.pid);
  expect(findService(realHost, file).isAlive(realHost)).toBe(true);
});

test.skipIf(process.platform !== 'linux')('findService() knows a process that is younger than the file', () => {
  writeFileSync(file, `${process.pid}\n`);
  const startedMs = Date.now() - (readAgeMs(process.pid) ?? 0);
  const written = (ms: number) => utimesSync(file, ms / 1000, ms / 1000);
  written(startedMs - 3000);
  expect(findService(realHost, file).pid).toBe(process.pid);
  written(startedMs - 60_000);
  expect(() => findService(realHost, file)).toThrow(
    expect.objectContaining({ data: { path: file, reason: 'stale-pid-file' } }),
  );
});

test('findService() says that there is no file', () => {
  expect(readPid(file)).toBeUndefined();
  expect(() => findService(realHost, file)).toThrow(
    expect.objectContaining({ data: { path: file, reason: 'no-pid-file' } }),
  );
});

test.skipIf(process.platform !== 'linux')('readAgeMs() agrees with what the process says', () => {
  expect(Math.abs((readAgeMs(process.pid) ?? 0) - process.uptime() * 1000)).toBeLessThan(2000);
  expect(readAgeMs(2 ** 30)).toBeUndefined();
});
