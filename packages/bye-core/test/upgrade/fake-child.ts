/** A new process that does what the test says: for what real ones cannot be made to do at will. */

import type { SpawnOptions } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Message } from '../../src/channel/messages.js';
import type { ChildProcess, Host } from '../../src/host.js';

export class FakeChild extends EventEmitter {
  pid: number | undefined = 2_000_000_000;
  connected = true;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  readonly ready = new PassThrough();
  stdio: unknown[] | undefined = [null, null, null, this.ready, null];
  readonly signals: (NodeJS.Signals | number)[] = [];
  readonly sent: Message[] = [];
  /** Signals that do not end it. */
  readonly ignored = new Set<NodeJS.Signals | number>();
  /** What it was started with. */
  file = '';
  args: readonly string[] = [];
  options: SpawnOptions = {};

  /** For `host.spawn`. */
  readonly spawn: Host['spawn'] = (file, args, options) => {
    Object.assign(this, { file, args, options });
    return this as unknown as ChildProcess;
  };

  get env(): Record<string, string> {
    return this.options.env as Record<string, string>;
  }

  kill(signal: NodeJS.Signals | number): boolean {
    this.signals.push(signal);
    if (!this.ignored.has(signal)) this.end(null, signal as NodeJS.Signals);
    return true;
  }

  /** For `host.killSession`: the child leads its session, and is all there is in it. */
  readonly killSession = (): void => {
    if (this.exitCode === null && this.signalCode === null) this.kill('SIGKILL');
  };

  send(message: Message, callback: () => void): boolean {
    this.sent.push(message);
    callback();
    return true;
  }

  disconnect(): void {
    if (!this.connected) return;
    this.connected = false;
    this.emit('disconnect');
  }

  say(message: Message | object): void {
    this.emit('message', message);
  }

  sayReady(): void {
    this.ready.write('\x01');
  }

  /** Exits; its channel and pipe close after it, as those of a real one do. */
  end(exitCode: number | null, signal: NodeJS.Signals | null = null): void {
    if (this.exitCode !== null || this.signalCode !== null) return;
    Object.assign(this, { exitCode, signalCode: signal });
    setImmediate(() => {
      this.emit('exit', exitCode, signal);
      this.ready.end();
      this.disconnect();
    });
  }
}
