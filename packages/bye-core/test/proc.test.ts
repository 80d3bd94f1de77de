import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { isSameProcess, readProcess } from '../src/proc.js';

describe.skipIf(process.platform !== 'linux')('isSameProcess()', () => {
  const ownStart = readProcess(process.pid)?.startTime ?? '';

  it('knows a process by PID and start time together', () => {
    expect(ownStart).toMatch(/^\d+$/);
    expect(isSameProcess(process.pid, ownStart)).toBe(true);
  });

  it('is false for another process that got the PID', () => {
    expect(isSameProcess(process.pid, String(Number(ownStart) - 1))).toBe(false);
    expect(isSameProcess(process.pid, '')).toBe(false);
    expect(isSameProcess(process.ppid, ownStart)).toBe(false);
  });

  it('is false for a process that has ended, reaped or not', async () => {
    const child = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [printed] = (await once(child.stdout, 'data')) as [Buffer];
    const zombie = Number(String(printed));
    while (readProcess(zombie)?.state !== 'Z') await new Promise((resolve) => setImmediate(resolve));
    expect(isSameProcess(zombie, readProcess(zombie)?.startTime ?? '')).toBe(false);

    const startTime = readProcess(child.pid ?? 0)?.startTime ?? '';
    expect(isSameProcess(child.pid ?? 0, startTime)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isSameProcess(child.pid ?? 0, startTime)).toBe(false);
  });
});
