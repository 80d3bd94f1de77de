/** Socket activation: the listening sockets that systemd passes, from descriptor 3 on (sd_listen_fds(3)). */

import { type ACTIVATION_VARIABLES, parseWholeNumber } from '../env.js';
import { ByeError } from '../errors.js';
import { describeSocket, readSocketTable, type SocketFacts, UNLISTED } from './sockets.js';

/** SD_LISTEN_FDS_START */
const FIRST_FD = 3;
const MOST_FDS = 4096;

/** What `takeVariables(ACTIVATION_VARIABLES)` returns. */
export type ActivationVariables = Partial<Record<(typeof ACTIVATION_VARIABLES)[number], string>>;

/** A descriptor that was passed, whatever it is. */
export interface PassedDescriptor {
  readonly fd: number;
  /** `FileDescriptorName=` of the socket unit. */
  readonly name?: string;
}

/** A listening socket that was passed, with its own descriptor: no position in any list stands for it. */
export interface ActivatedSocket extends PassedDescriptor, SocketFacts {}

/**
 * Lists the listening sockets this process was activated with.
 *
 * | environment | |
 * |---|---|
 * | no `LISTEN_FDS` or no `LISTEN_PID`, or another process's PID in it | `[]` |
 * | as sd_listen_fds(3) has it | one for each descriptor, in their order |
 *
 * Looks at the descriptors, does not open them. A socket that /proc does not list (vsock, one of another network
 * namespace: `PrivateNetwork=yes`) is passed on as kind `other`, as nothing can be said about it.
 *
 * @param variables taken out of the environment, so that no child takes them for its own
 * @throws {ByeError} If a variable is not what the protocol says (`ERR_BYE_ENVIRONMENT`)
 * @throws {ByeError} If a descriptor is no listening stream socket (`ERR_BYE_SOCKET_TYPE`)
 */
export function readActivation(variables: ActivationVariables, pid: number): ActivatedSocket[] {
  const passed = parseActivation(variables, pid);
  if (passed.length === 0) return [];
  const table = readSocketTable();
  return passed.map((descriptor) => {
    const facts = describeSocket(descriptor.fd, table);
    requireListening(descriptor.fd, facts);
    return { ...descriptor, ...facts };
  });
}

/** Lists the descriptors that were passed, without a look at what they are: systemd's store holds other kinds too. */
export function parseActivation(variables: ActivationVariables, pid: number): PassedDescriptor[] {
  const { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES } = variables;
  if (LISTEN_FDS === undefined || LISTEN_PID === undefined) return [];
  if (parseWholeNumber('LISTEN_PID', LISTEN_PID) !== pid) return [];
  const count = parseWholeNumber('LISTEN_FDS', LISTEN_FDS, MOST_FDS);
  const names = LISTEN_FDNAMES ? LISTEN_FDNAMES.split(':') : undefined;
  if (names !== undefined && names.length !== count) {
    throw new ByeError(
      'ERR_BYE_ENVIRONMENT',
      `Cannot use LISTEN_FDNAMES as it holds ${names.length} names for the ${count} descriptors of LISTEN_FDS: ${JSON.stringify(LISTEN_FDNAMES)}. Both are set by the process that starts this one, never by hand: unset them`,
      { variable: 'LISTEN_FDNAMES', value: LISTEN_FDNAMES ?? '' },
    );
  }
  return Array.from({ length: count }, (_, index) => {
    const name = names?.[index];
    return { fd: FIRST_FD + index, ...(name === undefined ? {} : { name }) };
  });
}

/** The ports of the TCP sockets, in the order of the descriptors; a port that two sockets have comes twice. */
export function portsOf(sockets: readonly ActivatedSocket[]): readonly number[] {
  return sockets.flatMap(({ kind, port }) => (kind === 'tcp' && port !== undefined ? [port] : []));
}

function requireListening(fd: number, facts: SocketFacts): void {
  if ((facts.listening && facts.type === 'stream') || facts.found === UNLISTED) return;
  throw new ByeError(
    'ERR_BYE_SOCKET_TYPE',
    `Cannot serve on descriptor ${fd} as it is not a listening stream socket: found ${facts.found}. Use ListenStream= with Accept=no in the socket unit, and nothing but such units in Sockets= of the service`,
    { fd, found: facts.found },
  );
}
