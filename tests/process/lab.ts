/** What the tests of failures and stops do with fixtures/lab.mjs. */

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, type StartOptions, StrictConnection, startApp, type Target } from '@bye/testkit';
import { LAB } from '../service.js';

/** A directory of a test, gone when it is over. */
export class Scratch implements Disposable {
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'bye-lab-')));

  /** @returns the path of a file in it */
  path(name: string): string {
    return join(this.dir, name);
  }

  /** The file that says how the next version fails; see fixtures/broken.mjs. */
  get breakFile(): string {
    return this.path('break');
  }

  /** Deploys a version that fails in this way; '' is a good one. */
  deploy(how: string): void {
    writeFileSync(this.breakFile, how);
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface LabOptions {
  /** Options of bye. */
  readonly options?: object;
  readonly hooks?: {
    readonly onBeforeUpgrade?: string;
    readonly onShutdown?: string;
    readonly onClose?: readonly string[];
  };
  readonly env?: StartOptions['env'];
}

/** Starts fixtures/lab.mjs. */
export function startLab({ options = {}, hooks = {}, env = {} }: LabOptions = {}): App {
  return startApp(LAB, {
    env: { SERVICE_OPTIONS: JSON.stringify(options), HOOKS: JSON.stringify(hooks), BYE_LOG: 'debug', ...env },
  });
}

/** What lab.mjs answers; a refusal of bye is told with its code. */
export interface Said {
  readonly pid: number;
  readonly outcome: Readonly<Record<string, unknown>> | undefined;
}

/** Sends one request to lab.mjs, on this connection or on one of its own. */
export async function act(to: Target | StrictConnection, path: string, timeoutMs = 20_000): Promise<Said> {
  const connection = to instanceof StrictConnection ? to : await StrictConnection.open(to);
  const { body } = await connection.request({ path, timeoutMs, keepBody: true });
  if (connection !== to) connection.destroy();
  return JSON.parse(body.toString()) as Said;
}

/** What `/health` says of the last upgrade. */
export async function lastUpgrade(port: number): Promise<{ ok: boolean; error?: string } | undefined> {
  const connection = await StrictConnection.open({ port });
  const { body } = await connection.request({ path: '/health', keepBody: true });
  connection.destroy();
  return (JSON.parse(body.toString()) as { lastUpgrade?: { ok: boolean; error?: string } }).lastUpgrade;
}

/** Lines of one stream, or of both. */
export function printed(app: App, stream?: 'stdout' | 'stderr'): string {
  const lines = app.log.lines.filter((line) => stream === undefined || line.stream === stream);
  return lines.map(({ text }) => text).join('\n');
}

/** Lets time pass, where time itself is what a test is about. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
