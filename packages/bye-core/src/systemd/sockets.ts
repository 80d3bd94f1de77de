/** What the kernel tells about a socket this process holds, read from /proc (proc(5), "/proc/net"). */

import { readFileSync, readlinkSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';

/** What is behind a descriptor. */
export interface SocketFacts {
  readonly kind: 'tcp' | 'unix' | 'other';
  readonly family?: 4 | 6;
  readonly address?: string;
  readonly port?: number;
  /** As it was bound; an abstract name begins with a NUL, as in Node. */
  readonly path?: string;
  readonly listening: boolean;
  /** `unknown` for what is no socket, and for a socket /proc does not list (vsock; one made in another network namespace). */
  readonly type: 'stream' | 'dgram' | 'seqpacket' | 'unknown';
  /** In words, for an error. */
  readonly found: string;
}

/** `found` of a socket about which /proc says nothing. */
export const UNLISTED = 'a socket that /proc/self/net does not list';

/** Sockets by inode, as one look at /proc shows them. */
export type SocketTable = ReadonlyMap<string, SocketFacts>;

const TCP_LISTEN = '0A';
const SO_ACCEPTCON = 1 << 16;
const UNIX_TYPES: Readonly<Record<string, SocketFacts['type']>> = {
  '0001': 'stream',
  '0002': 'dgram',
  '0005': 'seqpacket',
};

/** @param table from `readSocketTable`, to describe several descriptors at the cost of one */
export function describeSocket(fd: number, table: SocketTable = readSocketTable()): SocketFacts {
  const nothing = { kind: 'other', listening: false, type: 'unknown' } as const;
  let target: string;
  try {
    target = readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return { ...nothing, found: 'nothing (the descriptor is not open)' };
  }
  const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
  if (inode === undefined) return { ...nothing, found: target.startsWith('pipe:') ? 'a pipe' : target };
  return table.get(inode) ?? { ...nothing, found: UNLISTED };
}

/** Reads every socket of this network namespace. */
export function readSocketTable(): SocketTable {
  const table = new Map<string, SocketFacts>();
  for (const [file, family, type] of [
    ['tcp', 4, 'stream'],
    ['tcp6', 6, 'stream'],
    ['udp', 4, 'dgram'],
    ['udp6', 6, 'dgram'],
  ] as const) {
    for (const line of readLines(file)) addInternetSocket(table, line, family, type);
  }
  for (const line of readLines('unix')) addUnixSocket(table, line);
  return table;
}

/** The lines below the heading; none where the kernel lacks the protocol. */
function readLines(file: string): string[] {
  try {
    return readFileSync(`/proc/self/net/${file}`, 'utf8').split('\n').slice(1);
  } catch {
    return [];
  }
}

function addInternetSocket(
  table: Map<string, SocketFacts>,
  line: string,
  family: 4 | 6,
  type: 'stream' | 'dgram',
): void {
  const [, local = '', , state, , , , , , inode = '0'] = line.trim().split(/\s+/);
  const [words, hexPort] = local.split(':');
  // Connections that nobody holds any more (TIME_WAIT) have inode 0.
  if (inode === '0' || words === undefined || hexPort === undefined) return;
  const address = decodeAddress(words, family);
  const port = Number.parseInt(hexPort, 16);
  const listening = type === 'stream' && state === TCP_LISTEN;
  const name = type === 'dgram' ? 'UDP' : `${listening ? 'listening' : 'connected'} TCP`;
  const found = `a ${name} socket at ${family === 6 ? `[${address}]` : address}:${port}`;
  table.set(inode, { kind: type === 'dgram' ? 'other' : 'tcp', family, address, port, listening, type, found });
}

/** The kernel prints each 32-bit word of the address as a number of its own byte order. */
function decodeAddress(words: string, family: 4 | 6): string {
  const bytes = Buffer.from(words, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (family === 4) return bytes.join('.');
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

function addUnixSocket(table: Map<string, SocketFacts>, line: string): void {
  const [, flags = '', typeCode = '', inode, name] = /^\S+ \S+ \S+ (\S+) (\S+) \S+ +(\d+)(?: (.*))?$/.exec(line) ?? [];
  if (inode === undefined) return;
  const listening = (Number.parseInt(flags, 16) & SO_ACCEPTCON) !== 0;
  const type = UNIX_TYPES[typeCode] ?? 'unknown';
  const found = `a ${listening ? 'listening ' : ''}unix ${type} socket${name ? ` at ${name}` : ''}`;
  const path = name === undefined || name === '' ? {} : { path: decodeName(name) };
  table.set(inode, { kind: 'unix', ...path, listening, type, found });
}

/** NULs come out as `@`: the one that begins an abstract name, and those that libuv pads it with before Node 22. */
function decodeName(name: string): string {
  return name.startsWith('@') ? `\0${name.slice(1).replace(/@+$/, '')}` : name;
}
