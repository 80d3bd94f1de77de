/** Lists of application callbacks that run under a deadline; one that throws or hangs stops nothing else. */

import type { Deadline } from './deadline.js';

export type Hook<Argument> = (argument: Argument) => unknown;

export class HookList<Argument> {
  readonly name: string;
  readonly #hooks: Hook<Argument>[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** @returns a function that takes the hook off again; one whose turn has not come in a run does not run then */
  add(hook: Hook<Argument>): () => void {
    if (typeof hook !== 'function') throw new TypeError(`${this.name}() takes a function: got ${typeof hook}`);
    const entry: Hook<Argument> = (argument) => hook(argument);
    this.#hooks.push(entry);
    return () => {
      const at = this.#hooks.indexOf(entry);
      if (at >= 0) this.#hooks.splice(at, 1);
    };
  }

  get size(): number {
    return this.#hooks.length;
  }

  /**
   * Starts all in the order they were added and waits for them together.
   *
   * @param share how much of the time that is left they may take
   * @returns what they threw
   */
  async runTogether(argument: Argument, deadline: Deadline, share = 1): Promise<unknown[]> {
    const errors: unknown[] = [];
    const runs = [...this.#hooks].map((hook) => this.#run(hook, argument).catch((error) => errors.push(error)));
    if (!(await deadline.covers(Promise.all(runs), share))) errors.push(this.#late());
    return errors;
  }

  /**
   * Runs one after the other, the last added first. One that hangs takes half of the time that is left, so that the
   * others have theirs.
   *
   * @returns what they threw
   */
  async runLastFirst(argument: Argument, deadline: Deadline): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const [othersLeft, hook] of [...this.#hooks.entries()].reverse()) {
      if (!this.#hooks.includes(hook)) continue;
      const run = this.#run(hook, argument).catch((error) => errors.push(error));
      if (!(await deadline.covers(run, othersLeft > 0 ? 0.5 : 1))) errors.push(this.#late());
    }
    return errors;
  }

  /** Runs one after the other in the order they were added, for as long as they take; what one throws stops none. */
  async runInOrder(argument: Argument, onError: (error: unknown) => void): Promise<void> {
    for (const hook of [...this.#hooks]) {
      if (this.#hooks.includes(hook)) await this.#run(hook, argument).catch(onError);
    }
  }

  /** Runs in the order they were added; the first that throws ends it. @throws what that hook threw */
  async runUntilError(argument: Argument, deadline: Deadline): Promise<void> {
    for (const hook of [...this.#hooks]) {
      if (!this.#hooks.includes(hook)) continue;
      const run = this.#run(hook, argument);
      if (!(await deadline.covers(run))) throw this.#late();
      await run;
    }
  }

  async #run(hook: Hook<Argument>, argument: Argument): Promise<void> {
    await hook(argument);
  }

  #late(): Error {
    return new Error(`A hook given to ${this.name}() did not end in its time`);
  }
}
