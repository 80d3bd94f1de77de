/** Listener keys: the name of a listener that two processes agree on, whatever descriptor it has in either. */

import { type AddressInfo, isIPv6, SocketAddress } from 'node:net';
import { resolve } from 'node:path';

/**
 * The options of `net.Server.listen` as Node normalises its many signatures, before it has checked any of them: what
 * the diagnostics channel `tracing:net.server.listen:asyncStart` publishes.
 */
export interface NormalizedListenOptions {
  readonly port?: unknown;
  readonly host?: unknown;
  readonly path?: unknown;
  readonly fd?: unknown;
  readonly handle?: unknown;
  readonly ipv6Only?: unknown;
}

/**
 * Names what a `listen()` asks for. Built from the request alone, never from what DNS made of it, so that the same
 * line of code gives the same key in every generation.
 *
 * @param cwd the working directory at the time of the call: a relative path is bound there
 * @returns
 * | listens on | key |
 * |---|---|
 * | port 8080, no host or an empty one | `tcp:*:8080` |
 * | port 8080 of `LocalHost`, of `::0:1` | `tcp:localhost:8080`, `tcp:::1:8080` |
 * | the same with `ipv6Only` | `tcp:::1:8080:v6only` |
 * | a path, an abstract name | `unix:/run/app.sock`, `abstract:app` |
 * | a descriptor, a handle, or what Node is about to reject | `undefined` |
 */
export function listenerKey(options: NormalizedListenOptions, cwd: string): string | undefined {
  if (hasHandle(options) || isNaturalNumber(options.fd)) return undefined;
  const requested = requestedPort(options);
  if (requested !== undefined) {
    const port = parsePort(requested);
    const host = parseHost(options.host);
    if (port === undefined || host === undefined) return undefined;
    return `tcp:${host}:${port}${options.ipv6Only === true ? ':v6only' : ''}`;
  }
  return isPipeName(options.path) ? pathKey(options.path, cwd) : undefined;
}

/** The key under which a bound address would be asked for literally; of a unix socket, `address()` gives the path. */
export function keyOfAddress(address: AddressInfo | string): string {
  if (typeof address === 'string') return pathKey(address, '/');
  return `tcp:${canonicalHost(address.address)}:${address.port}`;
}

/** @returns the path that the key of a unix socket names; `undefined` for any other key */
export function pathOfKey(key: string): string | undefined {
  return key.startsWith('unix:') ? key.slice('unix:'.length) : undefined;
}

/**
 * Tells listeners with equal keys apart, as several on port 0 have: the first keeps the plain key, a further one gets
 * `#2`, `#3`.
 */
export class KeyOrdinals {
  readonly #taken = new Set<string>();

  /** @returns the key with the lowest ordinal that is free */
  take(key: string): string {
    let name = key;
    for (let ordinal = 2; this.#taken.has(name); ordinal++) name = `${key}#${ordinal}`;
    this.#taken.add(name);
    return name;
  }

  /** Gives a name back once its listener is closed: who listens there again is the same listener to the next process. */
  release(name: string): void {
    this.#taken.delete(name);
  }
}

/** A listener that a process was started with. */
export interface InheritedListener {
  /** As the predecessor named it; any other text (systemd's name, say) tells nothing about how it was bound. */
  readonly key: string;
  /** What it is bound to, where known. */
  readonly address?: AddressInfo | string;
}

/**
 * Finds the inherited listener that a `listen()` asks for: the one of the same key, else one that is bound to what the
 * key names. An address that only overlaps (`0.0.0.0` for `*`, `127.0.0.1` for `0.0.0.0`) is another listener.
 *
 * `*` is `[::]`, and `0.0.0.0` only if that listener was itself asked for as `*`, or the machine has no IPv6 (`ipv6:
 * false`). `localhost` is either loopback address. Port 0 names no address, so it goes by key alone.
 *
 * Give only listeners that nobody claimed yet.
 */
export function matchInherited<Listener extends InheritedListener>(
  key: string,
  inherited: readonly Listener[],
  { ipv6 = true }: { ipv6?: boolean } = {},
): Listener | undefined {
  return (
    inherited.find((listener) => listener.key === key) ??
    inherited.find((listener) => isBoundTo(key, listener.key, listener.address, ipv6))
  );
}

function isBoundTo(key: string, heldKey: string, address: AddressInfo | string | undefined, ipv6: boolean): boolean {
  if (address === undefined) return false;
  if (typeof address === 'string') return keyOfAddress(address) === key;
  const wanted = parseTcpKey(key);
  if (wanted === undefined || wanted.port !== address.port) return false;
  const held = parseTcpKey(heldKey);
  if (held !== undefined && held.v6Only !== wanted.v6Only) return false;
  const bound = canonicalHost(address.address);
  if (wanted.host === 'localhost') return bound === '127.0.0.1' || bound === '::1';
  if (wanted.host === '*') return bound === '::' || (bound === '0.0.0.0' && (held?.host === '*' || !ipv6));
  return bound === wanted.host;
}

function parseTcpKey(key: string): { host: string; port: number; v6Only: boolean } | undefined {
  const [, host, port, v6Only] = /^tcp:(.*):(\d+)(:v6only)?(?:#\d+)?$/.exec(key) ?? [];
  return host === undefined ? undefined : { host, port: Number(port), v6Only: v6Only !== undefined };
}

function pathKey(path: string, cwd: string): string {
  return path.startsWith('\0') ? `abstract:${path.slice(1)}` : `unix:${resolve(cwd, path)}`;
}

/** `listen(server)` hands a whole server over, whose handle Node finds under its private name. */
function hasHandle(options: NormalizedListenOptions): boolean {
  return Boolean(Reflect.get(options, '_handle') || options.handle);
}

/** @returns what Node takes for the port, unchecked; `undefined` where it goes on to look at `path` */
function requestedPort(options: NormalizedListenOptions): number | string | undefined {
  const { port } = options;
  if (typeof port === 'number' || typeof port === 'string') return port;
  // `listen(callback)` comes out as a port that is a function, `listen()` as an object without anything.
  if (typeof port === 'function' || port === null || isEmptyLiteral(options)) return 0;
  return port === undefined && 'port' in options ? 0 : undefined;
}

function isEmptyLiteral(options: object): boolean {
  // By name, as a test runner's context has another Object than Node's own code.
  return Object.keys(options).length === 0 && options.constructor?.name === 'Object';
}

function parsePort(port: number | string): number | undefined {
  if (typeof port === 'string' && port.trim() === '') return undefined;
  const number = Number(port);
  return isNaturalNumber(number) && number <= 0xffff && Number.isInteger(number) ? number | 0 : undefined;
}

function parseHost(host: unknown): string | undefined {
  if (!host) return '*';
  return typeof host === 'string' ? canonicalHost(host) : undefined;
}

function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  if (!isIPv6(lower)) return lower;
  const [address = lower, zone] = lower.split('%');
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  return zone === undefined ? canonical : `${canonical}%${zone}`;
}

/** Node rejects a path that reads as a number. */
function isPipeName(path: unknown): path is string {
  return typeof path === 'string' && !(Number(path) >= 0);
}

function isNaturalNumber(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}
