/** A server's drain that records what is asked of it, and is done when the test says so. */

import { vi } from 'vitest';
import type { ServerDrain } from '../src/drain/server-drain.js';
import type { Goodbye } from '../src/goodbye.js';
import type { Servers } from '../src/servers.js';
import type { CutWork, ServerRole } from '../src/types.js';

export class FakeDrain {
  readonly role: ServerRole;
  inFlight = 0;
  connectionCount = 0;
  finished = 0;
  work: CutWork[] = [];
  /** What was asked of it, in order. */
  readonly asked: string[] = [];
  becomeQuiet: () => void = () => {};
  readonly #quiet: Promise<void>;

  constructor(role: ServerRole = 'app', isQuiet = true) {
    this.role = role;
    this.#quiet = isQuiet ? Promise.resolve() : new Promise((resolve) => (this.becomeQuiet = resolve));
  }

  sayClose = () => void this.asked.push('sayClose');
  softClose = () => void this.asked.push('softClose');
  sayGoodbye = vi.fn((_goodbye: Goodbye) => {});
  endUpgraded = () => void this.asked.push('endUpgraded');
  dropStalled = () => {};
  closeIdle = vi.fn((_from: number, graceMs: number) => void this.asked.push(`closeIdle ${graceMs}`));
  emptyAcceptQueue = async () => void this.asked.push('emptyAcceptQueue');
  whenQuiet = () => this.#quiet;
  listWork = () => this.work;
  destroy = async () => {
    this.asked.push('destroy');
    this.inFlight = 0;
    this.becomeQuiet();
  };
}

export function fakeServers(drains: readonly FakeDrain[]): Servers {
  const sum = (count: (drain: FakeDrain) => number) => drains.reduce((total, drain) => total + count(drain), 0);
  const servers = {
    drains: (role?: ServerRole) =>
      drains.filter((drain) => role === undefined || drain.role === role) as unknown as ServerDrain[],
    get inFlight() {
      return sum(({ inFlight }) => inFlight);
    },
    get connections() {
      return sum(({ connectionCount }) => connectionCount);
    },
  };
  return servers as unknown as Servers;
}
