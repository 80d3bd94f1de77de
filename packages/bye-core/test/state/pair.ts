/** Both sides of a transfer in one process, on a real pair of sockets. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { realHost } from '../../src/host.js';
import { resolveSection, type StateHandlers, type StateSection } from '../../src/options/state.js';
import { StateReceiver } from '../../src/state/receiver.js';
import { StateSender } from '../../src/state/sender.js';

export type Handlers = Readonly<Record<string, StateHandlers>>;

export async function socketPair(): Promise<[Socket, Socket]> {
  const dir = mkdtempSync(join(tmpdir(), 'bye-pair-'));
  const server = createServer().listen(join(dir, 'socket'));
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const [one, [other]] = await Promise.all([connect(join(dir, 'socket')), accepted]);
  server.close();
  rmSync(dir, { recursive: true });
  return [one, other];
}

export class Pair implements Disposable {
  readonly events: [name: string, payload: Record<string, unknown>][] = [];
  readonly fail = vi.fn();
  readonly old: Socket;
  readonly new: Socket;
  settled: Promise<unknown> = Promise.resolve();
  #sender: StateSender | undefined;
  #receiver: StateReceiver | undefined;
  readonly #emit = (name: string, payload: object) => void this.events.push([name, { ...payload }]);

  private constructor([old, next]: [Socket, Socket]) {
    this.old = old;
    this.new = next;
    for (const socket of [old, next]) socket.on('error', () => {});
  }

  static async open(): Promise<Pair> {
    return new Pair(await socketPair());
  }

  /** The old process, with these sections. */
  send(handlers: Handlers): StateSender {
    const sections = new Map(Object.entries(handlers).map(([name, each]) => [name, resolveSection(name, each)]));
    this.#sender = new StateSender({ host: realHost, emit: this.#emit, sections, settled: () => this.settled });
    this.#sender.board(this.old, { pid: 1, fail: this.fail });
    return this.#sender;
  }

  get receiver(): StateReceiver {
    const parts = { host: realHost, emit: this.#emit, pipe: this.new, patienceMs: 20 };
    this.#receiver ??= new StateReceiver(parts);
    return this.#receiver;
  }

  /** The new process registers a section. */
  want(name: string, handlers: StateHandlers): Promise<boolean> {
    const section: StateSection = resolveSection(name, handlers);
    return this.receiver.want(section);
  }

  /** What was told, without what differs from run to run. */
  get told(): string[] {
    return this.events.map(([name, { name: section, stage }]) => `${name} ${section} ${stage}`);
  }

  [Symbol.dispose](): void {
    this.old.destroy();
    this.new.destroy();
  }
}
