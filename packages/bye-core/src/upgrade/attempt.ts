/** One attempt at an upgrade, from spawn to the new process's readiness or its end. */

import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fromErrorMessage, type Message, PROTOCOL_VERSION, parseMessage } from '../channel/messages.js';
import { Deadline } from '../deadline.js';
import type { ByeError } from '../errors.js';
import type { ChildProcess, Host, StdioOptions } from '../host.js';
import { guardChannel } from '../internals.js';
import { readProcess } from '../proc.js';
import { exitError, lostError, protocolError, spawnError, timeoutError } from './attempt-errors.js';
import type { SuccessorCommand } from './command.js';
import type { HandingOver } from './handing-over.js';
import type { Rider } from './rider.js';
import { type Successor, toSuccessor } from './successor.js';

/** Readiness pipe, channel, and the first listener (the contract of `BYE_LISTENERS`). */
export const READY_FD = 3;
export const CHANNEL_FD = 4;
export const FIRST_LISTENER_FD = 5;

/** How long a new process that was told to stop may take, as it may have begun to serve; in milliseconds. */
const STOP_MS = 2000;

/** For how long a process that ended may still have words on their way, in milliseconds. */
export const LAST_WORDS_MS = 200;

export interface AttemptInput {
  readonly host: Host;
  readonly command: SuccessorCommand;
  /** Variables for the new process alone. */
  readonly variables: Readonly<Record<string, string>>;
  /** The sockets themselves: a second one on the same address would have a queue of its own (T18). */
  readonly listenerFds: readonly number[];
  /** Their pipes come after the listeners. */
  readonly riders: readonly Rider[];
  /** Until when it has to be ready; `timeoutMs` is how long that was in all, as the option says it. */
  readonly deadline: Deadline;
  readonly timeoutMs: number;
  readonly preload: string | undefined;
  /** The new version has loaded bye. */
  readonly onHello: (hello: { readonly node: string; readonly protocol: number }) => void;
  /** What it is told at once then. */
  readonly greeting: () => Message | undefined;
  readonly handingOver: HandingOver;
}

export class Attempt {
  readonly #input: AttemptInput;
  readonly #child: ChildProcess;
  #node: string | undefined;
  #lastWords: Error | undefined;
  #fail: (error: ByeError) => void = () => {};
  #isAborted = false;
  #isReady = false;
  /** What came before its readiness was read, though sent after it: pipe and channel keep no order between them. */
  readonly #early: Message[] = [];

  /** Starts the new process. @throws {ByeError} If it could not be started (`ERR_BYE_UPGRADE_SPAWN`) */
  constructor(input: AttemptInput) {
    this.#input = input;
    const { command, preload } = input;
    const preloadArguments = preload === undefined ? [] : ['--require', preload];
    // First of all, as what the application preloads may take its time.
    const args = [...preloadArguments, ...command.execArgv, command.script, ...command.args];
    const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', 'pipe', 'ipc', ...input.listenerFds];
    stdio.push(...input.riders.map(() => 'pipe' as const));
    try {
      this.#child = input.host.spawn(command.execPath, args, {
        argv0: command.argv0,
        cwd: command.cwd,
        env: { ...command.env, ...input.variables },
        // A session of its own: Ctrl-C and a closed terminal are meant for whoever runs in the foreground.
        detached: true,
        stdio,
      });
    } catch (error) {
      throw spawnError(command.execPath, error);
    }
    guardChannel(this.#child, (error) => this.#fail(this.#lost('wrote to its channel what nobody can read', error)));
    this.#boardRiders();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Resolves when the new process said that it is ready. Anything else ends it for good: it is killed and reaped
   * before the rejection.
   */
  async outcome(): Promise<Successor> {
    const child = this.#child;
    const failure = new Promise<never>((_resolve, reject) => {
      this.#fail = reject;
    });
    failure.catch(() => {});
    const ready = new Promise<void>((resolve) => {
      const reject = (error: ByeError) => this.#fail(error);
      // Not once: an 'error' that nobody listens to would end this process.
      child.on('error', (error) => reject(spawnError(this.#input.command.execPath, error)));
      child.once('exit', (exitCode, signal) => void this.#exitError(exitCode, signal).then(reject));
      // Out of descriptors, Node gives a child without any pipe; its 'error' follows.
      const pipe = child.stdio?.[READY_FD] as Socket | undefined;
      pipe?.on('error', () => {});
      pipe?.once('data', ({ length }: Buffer) => {
        length === 1
          ? resolve()
          : reject(this.#lost(`wrote ${length} bytes to its readiness pipe, where one says ready`));
      });
      pipe?.once('end', () => {
        // The end of a process closes its pipe too: its exit tells more, and follows.
        if (child.pid !== undefined)
          this.#input.host.after(LAST_WORDS_MS * 2, () => {
            if (!this.#isReady) reject(this.#lost('closed its readiness pipe without saying that it is ready'));
          });
      });
      child.on('message', (message) => this.#receive(parseMessage(message)));
    });
    const { deadline, host } = this.#input;
    // One turn later: its word may have come while our event loop was busy.
    const timer = host.after(deadline.remainingMs, () => setImmediate(() => this.#fail(this.#timeout())), true);
    try {
      await Promise.race([ready, failure]);
      this.#isReady = true;
      timer.cancel();
      const successor = this.#toSuccessor();
      await Promise.race([this.#input.handingOver.run(successor), failure]);
      // Ready and gone in one breath: the listeners are still ours.
      if (readProcess(child.pid as number)?.state === 'Z' && !this.#hasEnded) await once(child, 'exit');
      if (this.#hasEnded) throw await this.#exitError(child.exitCode, child.signalCode);
      return successor;
    } catch (error) {
      this.#input.handingOver.stop();
      for (const rider of this.#input.riders) rider.fail(error);
      await this.#end();
      // Not before its end, or two would read from one connection (M5).
      this.#input.handingOver.undo();
      for (const pipe of this.#pipes()) pipe.destroy();
      throw error;
    } finally {
      timer.cancel();
      child.stdio?.[READY_FD]?.destroy();
    }
  }

  /**
   * Gives up: `outcome` rejects with this error, once the new process has stopped. It is told to, and killed only if that
   * takes too long: it may be ready, and answer its first requests, and only its word has not been read yet.
   */
  abort(error: ByeError): void {
    this.#isAborted = true;
    this.#fail(error);
  }

  /** Ends the new process and what it started, now. */
  kill(): void {
    if (this.#child.pid !== undefined && !this.#hasEnded) this.#input.host.killSession(this.#child.pid);
  }

  #boardRiders(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    for (const [index, pipe] of this.#pipes().entries())
      this.#input.riders[index]?.board(pipe, { pid, fail: (error) => this.#fail(error) });
  }

  /** Out of descriptors, Node gives a child without any. */
  #pipes(): Duplex[] {
    return (this.#child.stdio?.slice(FIRST_LISTENER_FD + this.#input.listenerFds.length) ?? []) as Duplex[];
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #receive(message: Message | undefined): void {
    if (message?.bye === 'failure') this.#lastWords = fromErrorMessage(message.error);
    if (message?.bye === 'finish' || message?.bye === 'takes-connections') this.#early.push(message);
    if (message?.bye !== 'hello') return;
    this.#node = message.node;
    this.#input.onHello(message);
    if (message.protocol !== PROTOCOL_VERSION) this.#fail(protocolError(message.protocol));
    else this.#greet();
  }

  #greet(): void {
    const greeting = this.#input.greeting();
    // If it has gone by now, its exit says so.
    if (greeting) this.#child.send(greeting, () => {});
  }

  #toSuccessor(): Successor {
    return toSuccessor(this.#child, this.#node, this.#early);
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (child.pid === undefined) return;
    const exited = this.#hasEnded ? undefined : once(child, 'exit');
    if (exited && this.#isAborted) {
      child.kill('SIGTERM');
      await new Deadline(this.#input.host, Math.max(STOP_MS, this.#input.handingOver.patienceMs)).covers(exited);
    }
    // With what it had started: nobody else knows of that.
    this.#input.host.killSession(child.pid);
    await exited;
    if (this.#isReady) await this.#untilHeard();
    if (child.connected) child.disconnect();
  }

  async #exitError(exitCode: number | null, signal: NodeJS.Signals | null): Promise<ByeError> {
    if (!this.#lastWords) await this.#untilHeard();
    // A refusal of what it was given says more than the exit that it led to.
    const heard = Promise.all(this.#input.riders.map(({ heardAll }) => heardAll));
    await new Deadline(this.#input.host, LAST_WORDS_MS).covers(heard);
    return exitError(this.#child.pid as number, exitCode, signal, this.#lastWords, this.#isReady);
  }

  /** Its exit may be known before its last messages were read. */
  async #untilHeard(): Promise<void> {
    if (!this.#child.connected) return;
    await new Promise<void>((resolve) => {
      this.#child.once('disconnect', resolve);
      this.#input.host.after(LAST_WORDS_MS, resolve, true);
    });
  }

  #timeout(): ByeError {
    return timeoutError(this.#child.pid as number, this.#input.timeoutMs, this.#lastWords);
  }

  #lost(what: string, cause: unknown = this.#lastWords): ByeError {
    return lostError(this.#child.pid as number, what, cause);
  }
}
