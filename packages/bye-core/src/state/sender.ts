/** The old process's side of one upgrade: sends what the new one asks for, and later what has changed since. */

import type { Duplex } from 'node:stream';
import { fromErrorMessage } from '../channel/messages.js';
import type { Deadline } from '../deadline.js';
import type { Emit } from '../diagnostics.js';
import type { ByeError } from '../errors.js';
import type { Host } from '../host.js';
import type { StateSection } from '../options/state.js';
import { runWriter } from './carriage.js';
import { lostError, pipeError, refusedError, saveError, toStateErrorMessage } from './errors.js';
import { STATE_FACT } from './fact.js';
import { encodeWord, readFrames } from './frames.js';
import { OutgoingState } from './streams.js';
import { STATE_FORMAT, StatePipeError, type StateStage, type StateWord } from './words.js';

const GONE = 'the new process has ended';
const LATE = 'the time for it was up';

export interface SenderParts {
  readonly host: Host;
  readonly emit: Emit;
  readonly sections: ReadonlyMap<string, StateSection>;
  /** Resolves when what this process took in itself is whole: only then it may be handed on. */
  readonly settled: () => Promise<unknown>;
}

type Want = Extract<StateWord, { word: 'want' }>;

interface Attempt {
  readonly pid: number;
  fail(error: ByeError): void;
}

export class StateSender {
  readonly fact = STATE_FACT;
  readonly heardAll: Promise<void>;
  readonly #parts: SenderParts;
  #pipe: Duplex | undefined;
  #attempt: Attempt | undefined;
  #hasHeardAll = () => {};
  /** Why nothing more can be sent. */
  #over: { readonly why: string; readonly cause: unknown } | undefined;
  #giveUp: (() => void) | undefined;
  /** One transfer after the other, in the order they were asked for. */
  #queue: Promise<unknown> = Promise.resolve();
  readonly #begun: StateSection[] = [];
  readonly #toFinish: StateSection[] = [];
  /** Called with what the new process said of its merge, or with nothing if it cannot say any more. */
  readonly #onMerged = new Map<string, (answer: { readonly error: unknown } | undefined) => void>();

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.heardAll = new Promise((resolve) => {
      this.#hasHeardAll = resolve;
    });
  }

  board(pipe: Duplex, attempt: Attempt): void {
    this.#pipe = pipe;
    this.#attempt = attempt;
    pipe.on('error', () => {});
    void this.#listen(pipe);
  }

  fail(error: unknown): void {
    this.#end('the upgrade has failed', error);
  }

  /** After a failed upgrade: the sections whose `save` had begun. */
  async rollback(error: unknown): Promise<void> {
    const rollbacks = this.#begun.splice(0).map(async ({ name, handlers }) => {
      try {
        await handlers.rollback?.(error);
      } catch (failure) {
        this.#parts.emit('state-failed', { name, stage: 'rollback', error: failure });
      }
    });
    await Promise.all(rollbacks);
  }

  /** The second stage, in half of the time that is left. Never rejects: nothing else of a drain depends on it. */
  async finish(deadline: Deadline): Promise<void> {
    if (!(await deadline.covers(this.#finishAll(), 0.5))) this.#end(LATE, undefined);
  }

  async #listen(pipe: Duplex): Promise<void> {
    let cause: unknown;
    try {
      for await (const frame of readFrames(pipe.iterator({ destroyOnReturn: false }))) {
        if (Buffer.isBuffer(frame))
          throw new StatePipeError('The new process sent bytes, where it only has words to say');
        this.#hear(frame);
      }
    } catch (error) {
      cause = error;
      if (error instanceof StatePipeError) this.#attempt?.fail(pipeError(this.#attempt.pid, error));
    }
    this.#end(GONE, cause);
    this.#hasHeardAll();
  }

  #hear(word: StateWord): void {
    if (word.word === 'want') this.#queue = this.#queue.then(() => this.#answer(word));
    if (word.word === 'refused')
      this.#attempt?.fail(refusedError(word.name, word.version, fromErrorMessage(word.error)));
    if (word.word === 'merged') this.#onMerged.get(word.name)?.({ error: word.error && fromErrorMessage(word.error) });
  }

  async #answer({ name, load, merge }: Want): Promise<void> {
    const section = this.#parts.sections.get(name);
    const { handlers } = section ?? {};
    const save = load ? handlers?.save : undefined;
    const more = merge && handlers?.finish !== undefined;
    await this.#parts.settled();
    this.#begin('save', name, section, { empty: !save, more });
    if (!section) return;
    if (more) this.#toFinish.push(section);
    if (!save || this.#over) return;
    this.#begun.push(section);
    try {
      await this.#send('save', section, (stream, about) => save.call(handlers, stream, about));
    } catch (error) {
      // If the upgrade has failed already, that says why.
      if (!this.#over) this.#attempt?.fail(saveError(name, error));
    }
  }

  async #finishAll(): Promise<void> {
    await this.#queue;
    for (const section of this.#toFinish.splice(0)) await this.#finishOne(section);
    this.#pipe?.end();
  }

  async #finishOne(section: StateSection): Promise<void> {
    const { name, handlers } = section;
    const { emit } = this.#parts;
    const merged = new Promise<{ error: unknown } | undefined>((resolve) => this.#onMerged.set(name, resolve));
    if (this.#over) return emit('state-lost', { name, stage: 'finish', error: this.#lost(name) });
    this.#begin('finish', name, section, { empty: false, more: false });
    try {
      await this.#send('finish', section, (stream, about) => handlers.finish?.(stream, about));
    } catch (error) {
      if (this.#over) return emit('state-lost', { name, stage: 'finish', error: this.#lost(name) });
      this.#say({ word: 'broken', error: toStateErrorMessage(error) });
      return emit('state-failed', { name, stage: 'finish', error });
    }
    const answer = await merged;
    // The new one has all of it, and tells itself what becomes of that.
    if (!answer && this.#isLate)
      emit('warning', { message: `state '${name}' is handed on (finish), but was not merged in time` });
    else if (!answer) emit('state-lost', { name, stage: 'finish', error: this.#lost(name) });
    else if (answer.error) emit('state-failed', { name, stage: 'merge', error: answer.error });
  }

  async #send(
    stage: StateStage,
    { name }: StateSection,
    write: (stream: OutgoingState, about: { signal: AbortSignal }) => unknown,
  ): Promise<void> {
    const { host, emit } = this.#parts;
    const startedAt = host.now();
    const abort = new AbortController();
    const stream = new OutgoingState(this.#pipe as Duplex, (cause) => {
      this.#end(GONE, cause);
      return this.#lost(name);
    });
    this.#giveUp = () => {
      const error = this.#lost(name);
      stream.destroy(error);
      abort.abort(error);
    };
    try {
      await runWriter(stream, abort.signal, write);
    } finally {
      this.#giveUp = undefined;
    }
    this.#say({ word: 'end' });
    emit('state-saved', { name, stage, bytes: stream.bytes, durationMs: Math.round(host.now() - startedAt) });
  }

  #begin(
    stage: StateStage,
    name: string,
    section: StateSection | undefined,
    what: { readonly empty: boolean; readonly more: boolean },
  ): void {
    this.#say({ word: 'begin', format: STATE_FORMAT, stage, name, version: section?.version ?? 0, ...what });
  }

  #say(word: StateWord): void {
    if (this.#pipe?.writable) this.#pipe.write(encodeWord(word));
  }

  /** Nothing more will be carried over: whoever still writes is told so. */
  #end(why: string, cause: unknown): void {
    if (this.#over) return;
    this.#over = { why, cause };
    this.#giveUp?.();
    for (const tell of this.#onMerged.values()) tell(undefined);
  }

  get #isLate(): boolean {
    return this.#over?.why === LATE;
  }

  #lost(name: string): ByeError {
    return lostError(name, this.#over?.why ?? GONE, this.#over?.cause);
  }
}
