/** The new process's side: asks for each section, and gives what comes to the application. */

import type { Duplex } from 'node:stream';
import { fromErrorMessage } from '../channel/messages.js';
import { Deadline } from '../deadline.js';
import type { Emit } from '../diagnostics.js';
import type { Host } from '../host.js';
import type { StateSection, StateVersion } from '../options/state.js';
import { lostError, toStateErrorMessage } from './errors.js';
import { encodeWord, readFrames } from './frames.js';
import { Reading, type Taken } from './reading.js';
import { STATE_FORMAT, StatePipeError, type StateWord } from './words.js';

/** How long an application may ignore that its stream has broken, in milliseconds. */
const BROKEN_MS = 2000;

export interface ReceiverParts {
  readonly host: Host;
  readonly emit: Emit;
  readonly pipe: Duplex;
  /** How long an application may go on with state that is whole once the old process is gone, in milliseconds. */
  readonly patienceMs: number;
}

type Begin = Extract<StateWord, { word: 'begin' }>;

export class StateReceiver {
  readonly #parts: ReceiverParts;
  /** Asked for and not here yet. */
  readonly #wanted = new Map<string, { readonly section: StateSection; settle(isLoaded: boolean): void }>();
  readonly #toMerge = new Map<string, StateSection>();
  #reading: Reading | undefined;
  #isReady = false;
  #isRefused = false;
  #isOrphan = false;
  #orphan = () => {};
  readonly #orphaned: Promise<void>;
  /** Resolves when nothing more comes, and nothing that came is still being taken in. */
  readonly over: Promise<void>;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    this.#orphaned = new Promise((resolve) => {
      this.#orphan = resolve;
    });
    parts.pipe.on('error', () => {});
    this.over = this.#listen(parts.pipe);
  }

  /** @returns whether the section was loaded; pending for good where this process is ended as it refuses what came */
  want(section: StateSection): Promise<boolean> {
    const { name, handlers } = section;
    return new Promise((resolve) => {
      this.#wanted.set(name, {
        section,
        settle: (isLoaded) => {
          this.#wanted.delete(name);
          resolve(isLoaded);
        },
      });
      const [load, merge] = [handlers.load !== undefined, handlers.merge !== undefined];
      if (this.#parts.pipe.writable) this.#say({ word: 'want', format: STATE_FORMAT, name, load, merge });
      else this.#loseAll(undefined);
    });
  }

  /** The old process is gone: what the pipe still holds is all there is. */
  orphan(): void {
    this.#isOrphan = true;
    this.#reading?.flood();
    this.#orphan();
  }

  /** This process is ready: the pipe is open only for what is still to be merged. */
  ready(): void {
    this.#isReady = true;
    if (this.#toMerge.size === 0) this.#close();
    else (this.#parts.pipe as Duplex & { unref?(): void }).unref?.();
  }

  async #listen(pipe: Duplex): Promise<void> {
    let cause: unknown;
    try {
      // Left open where reading fails: the old process has to hear why.
      for await (const frame of readFrames(pipe.iterator({ destroyOnReturn: false }))) {
        if (!Buffer.isBuffer(frame)) await this.#hear(frame);
        else if (this.#reading) await this.#reading.give(frame);
        else throw new StatePipeError('Bytes came over the state pipe where a word was due');
        if (this.#isRefused) break;
      }
    } catch (error) {
      cause = error;
      const [first] = this.#wanted.values();
      if (error instanceof StatePipeError && first) this.#refuse(first.section, this.#reading?.version ?? 0, error);
    }
    // The old process ends this one now; it serves only if the old one cannot any more.
    if (this.#isRefused) await this.#orphaned;
    await this.#breakOff(cause);
    pipe.destroy();
  }

  async #hear(word: StateWord): Promise<void> {
    if (word.word === 'begin') this.#begin(word);
    if (word.word !== 'end' && word.word !== 'broken') return;
    const reading = this.#reading;
    if (!reading) throw new StatePipeError(`The word ${word.word} came over the state pipe before any bytes`);
    if (word.word === 'broken') {
      await this.#lose(reading, 'the old process failed to write it', fromErrorMessage(word.error));
    } else {
      reading.complete();
      const taken = await this.#taken(reading);
      if (!taken) await this.#lose(reading, 'it was not taken in when the old process had long gone', undefined, 0);
      else if (reading.stage === 'save') this.#endLoad(reading, taken);
      else this.#endMerge(reading, taken);
    }
    this.#reading = undefined;
    if (this.#isReady && this.#toMerge.size === 0) this.#close();
  }

  #begin({ stage, name, version, empty, more }: Begin): void {
    const section = stage === 'save' ? this.#wanted.get(name)?.section : this.#toMerge.get(name);
    if (!section || this.#reading) throw new StatePipeError(`State '${name}' came over the pipe out of turn`);
    if ((!empty || more) && !section.reads(version)) {
      this.#refuse(section, version, new Error(`The new version does not read version ${version} of it`));
      return;
    }
    if (more) this.#toMerge.set(name, section);
    if (empty) {
      this.#wanted.get(name)?.settle(false);
      return;
    }
    const reading = new Reading(section, stage, version, this.#parts.host.now());
    this.#reading = reading;
    if (this.#isOrphan) reading.flood();
    // At once: all of what is still to come would be for nothing.
    if (stage === 'save')
      void reading.over.then(({ error }) => error && !reading.isBroken && this.#refuse(section, version, error));
  }

  #endLoad(reading: Reading, { error }: Taken): void {
    const { section, version } = reading;
    if (error) this.#refuse(section, version, error);
    if (error) return;
    this.#tellLoaded(reading, 'load');
    this.#wanted.get(section.name)?.settle(true);
  }

  #endMerge(reading: Reading, { error }: Taken): void {
    const { name } = reading.section;
    this.#toMerge.delete(name);
    if (error) this.#parts.emit('state-failed', { name, stage: 'merge', error });
    else this.#tellLoaded(reading, 'merge');
    this.#say({ word: 'merged', name, error: error ? toStateErrorMessage(error) : undefined });
  }

  #tellLoaded({ section: { name }, bytes, startedAt }: Reading, stage: 'load' | 'merge'): void {
    const { emit, host } = this.#parts;
    emit('state-loaded', { name, stage, bytes, durationMs: Math.round(host.now() - startedAt) });
  }

  /** The old process lives and waits, with its own deadline; without it, this one must not wait for ever. */
  async #taken(reading: Reading): Promise<Taken | undefined> {
    const { host, patienceMs } = this.#parts;
    const late = this.#orphaned.then(() => new Deadline(host, patienceMs).covers(reading.over));
    return Promise.race([reading.over, late.then((isOver) => (isOver ? reading.over : undefined))]);
  }

  #refuse({ name }: StateSection, version: StateVersion, error: unknown): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    this.#say({ word: 'refused', name, version, error: toStateErrorMessage(error) });
    this.#parts.emit('state-failed', { name, stage: 'load', error });
  }

  /** The pipe has ended. */
  async #breakOff(cause: unknown): Promise<void> {
    if (this.#reading) await this.#lose(this.#reading, GONE, cause);
    this.#loseAll(cause);
  }

  #loseAll(cause: unknown): void {
    for (const { section, settle } of [...this.#wanted.values()]) {
      this.#tellLost(section.name, 'load', GONE, cause);
      settle(false);
    }
    for (const name of this.#toMerge.keys()) this.#tellLost(name, 'merge', GONE, cause);
    this.#toMerge.clear();
  }

  /** The application hears of it by its stream and its signal, and may take a moment to put things right. */
  async #lose(reading: Reading, why: string, cause: unknown, graceMs = BROKEN_MS): Promise<void> {
    const { name } = reading.section;
    reading.break(lostError(name, why, cause));
    await new Deadline(this.#parts.host, graceMs).covers(reading.over);
    this.#tellLost(name, reading.stage === 'save' ? 'load' : 'merge', why, cause);
    if (reading.stage === 'save') this.#wanted.get(name)?.settle(false);
    else this.#toMerge.delete(name);
    this.#reading = undefined;
  }

  #tellLost(name: string, stage: 'load' | 'merge', why: string, cause: unknown): void {
    this.#parts.emit('state-lost', { name, stage, error: lostError(name, why, cause) });
  }

  #say(word: StateWord): void {
    if (this.#parts.pipe.writable) this.#parts.pipe.write(encodeWord(word));
  }

  #close(): void {
    const { pipe } = this.#parts;
    pipe.end(() => pipe.destroy());
  }
}

const GONE = 'the old process has ended';
