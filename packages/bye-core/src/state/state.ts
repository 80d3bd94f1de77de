/** The state of an application on its way from one process to the next: what is registered, and both sides of it. */

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Deadline } from '../deadline.js';
import type { Emit } from '../diagnostics.js';
import type { Host } from '../host.js';
import { closeFd } from '../internals.js';
import { resolveSection, type StateSection } from '../options/state.js';
import { StateReceiver } from './receiver.js';
import { StateSender } from './sender.js';

export interface StateParts {
  readonly host: Host;
  readonly emit: Emit;
  /** The descriptor of the pipe to the old process, if it has state to give. */
  readonly fd: number | undefined;
  /** Whether this process has yet to become ready. */
  readonly isStarting: () => boolean;
  /** Calls back when the old process is gone. */
  readonly onOrphaned: (listener: () => void) => void;
  /** How long taking state in may last where no old process counts the time any more, in milliseconds. */
  readonly patienceMs: () => number;
}

export class State {
  readonly #parts: StateParts;
  readonly #sections = new Map<string, StateSection>();
  readonly #loading = new Set<Promise<boolean>>();
  #receiver: StateReceiver | undefined;
  #fd: number | undefined;
  #sender: StateSender | undefined;

  constructor(parts: StateParts) {
    this.#parts = parts;
    this.#fd = parts.fd;
  }

  /**
   * Registers a section, and loads it where an old process has it.
   *
   * @throws {TypeError | RangeError} If the name is taken, or a handler is not what it should be
   */
  add(name: string, handlers: unknown, what?: string): Promise<boolean> {
    const section = resolveSection(name, handlers, what);
    if (this.#sections.has(name)) throw new RangeError(`State '${name}' is registered already: each name once`);
    this.#sections.set(name, section);
    const { load, merge } = section.handlers;
    if ((!load && !merge) || !this.#parts.isStarting()) return Promise.resolve(false);
    const receiver = this.#open();
    if (!receiver) return Promise.resolve(false);
    const loaded = receiver.want(section);
    this.#loading.add(loaded);
    void loaded.then(() => this.#loading.delete(loaded));
    return loaded;
  }

  get isLoading(): boolean {
    return this.#loading.size > 0;
  }

  /** Resolves when all that was asked for so far has come, or never will. */
  async loaded(): Promise<void> {
    await Promise.all(this.#loading);
  }

  /** This process is ready: nobody asks for anything more. */
  ready(): void {
    this.#receiver?.ready();
    if (this.#fd !== undefined) closeFd(this.#fd);
    this.#fd = undefined;
  }

  /** For one attempt at an upgrade; none if there is nothing to give. */
  riders(): readonly StateSender[] {
    const { host, emit } = this.#parts;
    this.#sender = undefined;
    if (![...this.#sections.values()].some(({ handlers }) => handlers.save || handlers.finish)) return [];
    const settled = () => this.#receiver?.over ?? Promise.resolve();
    this.#sender = new StateSender({ host, emit, sections: this.#sections, settled });
    return [this.#sender];
  }

  /** An upgrade has failed. */
  async rollback(error: unknown): Promise<void> {
    const sender = this.#sender;
    this.#sender = undefined;
    await sender?.rollback(error);
  }

  /** This process was replaced and has done its last work: what has changed since goes after the rest. */
  async finish(deadline: Deadline): Promise<void> {
    await this.#sender?.finish(deadline);
  }

  #open(): StateReceiver | undefined {
    if (this.#fd === undefined) return this.#receiver;
    const { host, emit, patienceMs, onOrphaned } = this.#parts;
    const pipe: Duplex = new Socket({ fd: this.#fd, readable: true, writable: true });
    this.#fd = undefined;
    const receiver = new StateReceiver({ host, emit, pipe, patienceMs: patienceMs() });
    onOrphaned(() => receiver.orphan());
    this.#receiver = receiver;
    return receiver;
  }
}
