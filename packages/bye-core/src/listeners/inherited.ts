/** Listeners this process was started with: from an old process, or from systemd. */

import type { AddressInfo } from 'node:net';
import { parseWholeNumber } from '../env.js';
import { ByeError } from '../errors.js';
import { closeFd } from '../internals.js';
import { matchInherited } from './key.js';

export interface Inherited {
  readonly fd: number;
  readonly key: string;
  /** systemd's names for it. Whoever has one came by socket activation, and is never dropped. */
  readonly names: readonly string[];
  readonly identity?: string | undefined;
  readonly address?: AddressInfo;
}

/** What `BYE_LISTENERS` holds for each listener. */
export interface HandedListener {
  readonly fd: number;
  readonly key: string;
  readonly names: readonly string[];
  /** Of the socket at its unix path, as far as the old process knows: see `socketIdentity`. */
  readonly identity?: string | undefined;
}

/** @throws {ByeError} If the text is not what an old process writes (`ERR_BYE_ENVIRONMENT`) */
export function parseHandedListeners(text: string | undefined): HandedListener[] {
  if (text === undefined || text === '') return [];
  const list = parseJson(text);
  if (Array.isArray(list) && list.every(isHanded)) return list;
  throw new ByeError(
    'ERR_BYE_ENVIRONMENT',
    'Cannot use BYE_LISTENERS as it is not a list of { fd, key, names }. It is set by the process that starts this one, never by hand: unset it',
    { variable: 'BYE_LISTENERS', value: text },
  );
}

/** Those that nobody in this process listens on yet. */
export class InheritedListeners {
  readonly #waiting: Inherited[];
  readonly #activated: readonly Inherited[];

  /** Whether an old process handed listeners over, as opposed to a first start. */
  readonly handedOver: boolean;

  constructor(inherited: readonly Inherited[], handedOver: boolean) {
    this.#waiting = [...inherited];
    this.#activated = inherited.filter(({ names }) => names.length > 0);
    this.handedOver = handedOver;
  }

  /** The waiting ones, which the next process may want. */
  get waiting(): readonly Inherited[] {
    return this.#waiting;
  }

  /** Nothing is left that would be lost; activated ones never are. */
  get allClaimed(): boolean {
    return this.#waiting.every(({ names }) => names.length > 0);
  }

  /** The ports that came by socket activation, claimed or not, in the order of their descriptors. */
  get activatedPorts(): readonly number[] {
    return this.#activated.flatMap(({ address }) => (address === undefined ? [] : [address.port]));
  }

  /** Takes the one that a `listen()` asks for. */
  claim(key: string): Inherited | undefined {
    return this.#take(matchInherited(key, this.#waiting));
  }

  /** Takes the activated one that is bound to a port, on whatever address. */
  claimPort(port: number): Inherited | undefined {
    return this.#take(this.#waiting.find(({ address, names }) => names.length > 0 && address?.port === port));
  }

  /** Takes the one that an application listens on by its descriptor, as sd_listen_fds(3) has it. */
  claimFd(fd: number | undefined): Inherited | undefined {
    return this.#take(this.#waiting.find((inherited) => inherited.fd === fd));
  }

  /** The one that a `listen()` with this key would get. */
  find(key: string): Inherited | undefined {
    return matchInherited(key, this.#waiting);
  }

  /** One that is bound to the same port, though on another address. */
  findPort(port: number): Inherited | undefined {
    return this.#waiting.find(({ key }) => portOfKey(key) === port);
  }

  /** Closes what nobody claimed: the kernel would go on completing handshakes that nobody answers (T23). */
  dropUnclaimed(): string[] {
    const dropped = this.#waiting.filter(({ names }) => names.length === 0);
    for (const { fd } of dropped) closeFd(fd);
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter(({ names }) => names.length > 0));
    return dropped.map(({ key }) => key);
  }

  #take(found: Inherited | undefined): Inherited | undefined {
    if (found) this.#waiting.splice(this.#waiting.indexOf(found), 1);
    return found;
  }
}

/** @returns the port that a TCP key names, if it names one */
export function portOfKey(key: string): number | undefined {
  const port = /^tcp:.*:(\d+)(?::v6only)?(?:#\d+)?$/.exec(key)?.[1];
  return port === undefined ? undefined : parseWholeNumber('BYE_LISTENERS', port, 0xffff);
}

/** Activated ones in the order in which they came, which programs may count on, whoever opened them first. */
export function inHandingOrder(all: readonly HandedListener[]): HandedListener[] {
  const isActivated = ({ names }: HandedListener) => names.length > 0;
  const activated = all.filter(isActivated).sort((one, other) => one.fd - other.fd);
  return [...activated, ...all.filter((listener) => !isActivated(listener))];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isHanded(value: unknown): value is HandedListener {
  if (typeof value !== 'object' || value === null) return false;
  const { fd, key, names, identity } = value as Record<string, unknown>;
  const isFd = typeof fd === 'number' && Number.isInteger(fd) && fd >= 3;
  if (identity !== undefined && typeof identity !== 'string') return false;
  return isFd && typeof key === 'string' && Array.isArray(names) && names.every((name) => typeof name === 'string');
}
