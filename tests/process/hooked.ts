/** What the tests of hooks and events do with fixtures/hooked.mjs. */

import { writeFileSync } from 'node:fs';
import { type App, type StartOptions, startApp } from '@bye/testkit';
import { HOOKED } from '../service.js';
import { act, Scratch } from './lab.js';

/** See fixtures/hooked.mjs. */
export interface Release {
  readonly signals?: Readonly<Record<string, readonly string[]>>;
  readonly pause?: boolean;
  readonly beforeUpgrade?: readonly string[];
  readonly upgradeFailed?: readonly string[];
  readonly successor?: object;
}

/** A service whose next release has other hooks. */
export class Hooked implements AsyncDisposable {
  readonly #scratch = new Scratch();
  readonly app: App;
  #acts = 0;

  constructor(release: Release, options: object = {}, env: StartOptions['env'] = {}, args: readonly string[] = []) {
    this.deploy(release);
    this.break('');
    this.app = startApp([...args, HOOKED, 'first'], {
      env: {
        HOOKS: this.#hooks,
        BREAK_FILE: this.#scratch.breakFile,
        SERVICE_OPTIONS: JSON.stringify(options),
        EVENTS: '1',
        ...env,
      },
    });
  }

  path(name: string): string {
    return this.#scratch.path(name);
  }

  deploy(release: Release): void {
    writeFileSync(this.#hooks, JSON.stringify(release));
  }

  /** How the next version fails; see fixtures/broken.mjs. */
  break(how: string): void {
    this.#scratch.deploy(how);
  }

  /** Ends every hook of kind 'wait', and a pause. */
  go(): void {
    writeFileSync(`${this.#hooks}.go`, '');
  }

  /** Has the current process do something. What it printed until then has been read when this resolves. */
  async act(path: string): Promise<unknown> {
    const mark = `mark=${++this.#acts}`;
    const { outcome } = await act(this.app.current(), `${path}${path.includes('?') ? '&' : '?'}${mark}`);
    await this.app.waitForLine(new RegExp(`^acted ${mark} `));
    return outcome;
  }

  /** Lines of the hooks' own, such as `hook SIGHUP tell SIGHUP`, of one process or of all. */
  hookLines(pid?: number): string[] {
    const lines = this.app.log.lines.map(({ text }) => /^((?:end of )?hook .*) pid=(\d+)$/.exec(text));
    return lines.flatMap((match) => (match && (pid === undefined || Number(match[2]) === pid) ? [match[1] ?? ''] : []));
  }

  /** How often the hooks of kind 'count' of a process have run, as far as it has told. */
  runs(pid: number): number {
    const lines = this.app.log.lines.map(({ text }) => /^runs (\d+) pid=(\d+)$/.exec(text));
    return Math.max(0, ...lines.flatMap((match) => (Number(match?.[2]) === pid ? [Number(match?.[1])] : [])));
  }

  /** The events so far of one process, or of all. */
  events(pid?: number): Record<string, unknown>[] {
    const lines = this.app.log.lines.filter(({ text }) => text.startsWith('event '));
    const events = lines.map(({ text }) => JSON.parse(text.slice('event '.length)) as Record<string, unknown>);
    return pid === undefined ? events : events.filter(({ on }) => on === pid);
  }

  get #hooks(): string {
    return this.path('hooks.json');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.dispose();
    this.#scratch[Symbol.dispose]();
  }
}
