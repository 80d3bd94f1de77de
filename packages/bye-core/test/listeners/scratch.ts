/** A directory for one test's sockets, and clients that connect to them. */

import type { Socket as Datagram } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** A new empty directory of exactly `length` bytes if given, removed after the test. */
export function scratchDirectory(length?: number): string {
  const prefix = join(tmpdir(), 'bye-');
  const filler = length === undefined ? '' : 'x'.repeat(length - prefix.length - 6);
  const directory = mkdtempSync(prefix + filler);
  directories.push(directory);
  return directory;
}

/** What the server at `path` sends until it closes the connection. */
export function ask(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    connect(path)
      .on('data', (chunk) => {
        answer += chunk;
      })
      .on('end', () => resolve(answer))
      .on('error', reject);
  });
}

/** A client that connects to `path` every millisecond and counts who answers. */
export class Hammer {
  readonly failures: string[] = [];
  readonly #answers = new Map<string, number>();
  readonly #waiting: { who: string; count: number; done: () => void }[] = [];
  readonly #timer: NodeJS.Timeout;
  #pending: Promise<unknown>[] = [];

  constructor(path: string) {
    this.#timer = setInterval(() => this.#pending.push(this.#connect(path)), 1);
  }

  async #connect(path: string): Promise<void> {
    try {
      const who = await ask(path);
      this.#answers.set(who, (this.#answers.get(who) ?? 0) + 1);
      for (const wait of this.#waiting) if ((this.#answers.get(wait.who) ?? 0) >= wait.count) wait.done();
    } catch (error) {
      this.failures.push(String(error));
    }
  }

  /** Resolves once `who` has answered `more` further times. */
  answeredBy(who: number, more: number): Promise<void> {
    const count = (this.#answers.get(String(who)) ?? 0) + more;
    return new Promise((done) => this.#waiting.push({ who: String(who), count, done }));
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    this.#pending = [];
  }
}

/** The descriptor of a listening server. */
export function fdOf(server: Server): number {
  return (server as unknown as { _handle: { fd: number } })._handle.fd;
}

export function fdOfDatagram(socket: Datagram): number {
  // `_handle` of these prints a deprecation warning.
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  return (Reflect.get(socket, state ?? '') as { handle: { fd: number } }).handle.fd;
}
