import { spawnSync } from 'node:child_process';
import { createSocket, type Socket as Datagram } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type ActivationVariables, parseActivation, readActivation } from '../../src/systemd/activation.js';
import { type SocketFacts, UNLISTED } from '../../src/systemd/sockets.js';
import { Child, fixtureArguments } from '../listeners/child.js';
import { fdOf, fdOfDatagram, scratchDirectory } from '../listeners/scratch.js';

interface Report {
  sockets: (SocketFacts & { fd: number; name?: string })[];
  ports: number[];
  left: string[];
  fd?: number;
  error: { code: string; message: string; data: object };
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(options: object): Promise<Server> {
  const server = createServer().listen(options);
  closers.push(() => server.close());
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;
const descriptorOf = (socket: Socket) => (socket as unknown as { _handle: { fd: number } })._handle.fd;

const hasPython = () => spawnSync('python3', ['-c', '']).status === 0;
const hasNamespaces = () => spawnSync('unshare', ['-n', 'true']).status === 0;

/** Sets LISTEN_PID to the PID of the program that takes the shell's place, as systemd does. */
const ACTIVATE = ['-c', 'LISTEN_PID=$$ exec "$0" "$@"'];

async function activate(fds: number[], env: NodeJS.ProcessEnv = {}, port = ''): Promise<Report> {
  const command = [process.execPath, ...fixtureArguments(import.meta.url, 'activated.ts', port)];
  const child = new Child('sh', [...ACTIVATE, ...command], {
    fds,
    env: { LISTEN_FDS: String(fds.length), ...env },
  });
  return JSON.parse(await child.line()) as Report;
}

describe('readActivation()', () => {
  it('gives each socket the descriptor it has, a unix one before the TCP ones or not', async () => {
    const path = join(scratchDirectory(), 'app.sock');
    const unix = await listen({ path });
    const v4 = await listen({ host: '127.0.0.1', port: 0 });
    const v6 = await listen({ host: '::1', port: 0 });
    const dual = await listen({ port: 0 });
    const fds = [unix, v4, v6, dual].map(fdOf);
    const port = portOf(v6);
    const report = await activate(fds, { LISTEN_FDNAMES: 'local:v4:v6:http' }, String(port));
    expect(report.sockets).toMatchObject([
      { fd: 3, name: 'local', kind: 'unix', path },
      { fd: 4, name: 'v4', kind: 'tcp', family: 4, address: '127.0.0.1', port: portOf(v4) },
      { fd: 5, name: 'v6', kind: 'tcp', family: 6, address: '::1', port },
      { fd: 6, name: 'http', kind: 'tcp', family: 6, address: '::', port: portOf(dual) },
    ]);
    expect(report.ports).toEqual([portOf(v4), port, portOf(dual)]);
    expect(report.left).toEqual([]);
    expect(report.fd).toBe(5);
    // It answers on that very port: the descriptor of the unix socket would not.
    v6.close();
    const answer = await new Promise((resolve) => connect(port, '::1').on('data', (data) => resolve(String(data))));
    expect(Number(answer)).toBeGreaterThan(1);
  });

  it('leaves names out where there are none', async () => {
    const { sockets } = await activate([fdOf(await listen({ port: 0 }))]);
    expect(sockets).toHaveLength(1);
    expect(sockets[0]).not.toHaveProperty('name');
  });

  it('takes nothing that is meant for another process', async () => {
    const report = await new Child(process.execPath, fixtureArguments(import.meta.url, 'activated.ts'), {
      fds: [fdOf(await listen({ port: 0 }))],
      env: { LISTEN_FDS: '1', LISTEN_PID: String(process.pid) },
    }).line();
    expect(JSON.parse(report)).toEqual({ sockets: [], ports: [], left: [] });
  });

  const nothing: [string, ActivationVariables][] = [
    ['nothing is set', {}],
    ['LISTEN_PID is missing', { LISTEN_FDS: '1' }],
    ['LISTEN_FDS is missing', { LISTEN_PID: '7' }],
    ['LISTEN_FDS is 0', { LISTEN_PID: '7', LISTEN_FDS: '0' }],
    ['another process’s variables are garbage', { LISTEN_PID: '8', LISTEN_FDS: 'x', LISTEN_FDNAMES: 'a:b' }],
  ];
  it.each(nothing)('gives nothing if %s', (_, variables) => {
    expect(readActivation(variables, 7)).toEqual([]);
  });

  const garbage: [string, ActivationVariables][] = [
    ['LISTEN_FDS', { LISTEN_FDS: 'two' }],
    ['LISTEN_FDS', { LISTEN_FDS: '-1' }],
    ['LISTEN_FDS', { LISTEN_FDS: '1.5' }],
    ['LISTEN_FDS', { LISTEN_FDS: '' }],
    ['LISTEN_FDS', { LISTEN_FDS: '1000000' }],
    ['LISTEN_PID', { LISTEN_FDS: '1', LISTEN_PID: 'auto' }],
    ['LISTEN_FDNAMES', { LISTEN_FDS: '1', LISTEN_FDNAMES: 'a:b' }],
    ['LISTEN_FDNAMES', { LISTEN_FDS: '0', LISTEN_FDNAMES: 'a' }],
  ];
  it.each(garbage)('refuses a %s that is not what the protocol says: %o', (variable, variables) => {
    const expected = {
      code: 'ERR_BYE_ENVIRONMENT',
      message: expect.stringMatching(/unset (it|them)$/),
      data: { variable, value: (variables as Record<string, string>)[variable] },
    };
    expect(() => readActivation({ LISTEN_PID: '7', ...variables }, 7)).toThrow(expect.objectContaining(expected));
  });

  it('refuses a UDP socket, a connection and a file, and names each', async () => {
    const udp: Datagram = createSocket('udp4').bind(0, '127.0.0.1');
    closers.push(() => udp.close());
    await once(udp, 'listening');
    const server = await listen({ host: '127.0.0.1', port: 0 });
    const connection = connect(portOf(server), '127.0.0.1');
    closers.push(() => connection.destroy());
    await once(connection, 'connect');
    const file = openSync('/dev/null', 'r');

    for (const [fd, found] of [
      [fdOfDatagram(udp), `a UDP socket at 127.0.0.1:${udp.address().port}`],
      [descriptorOf(connection), `a connected TCP socket at 127.0.0.1:${connection.localPort}`],
      [file, '/dev/null'],
    ] as const) {
      const { error } = await activate([fdOf(server), fd]);
      expect(error).toMatchObject({ code: 'ERR_BYE_SOCKET_TYPE', data: { fd: 4, found } });
      expect(error.message).toMatch(/ListenStream=/);
    }
  });

  it('refuses a pipe', async () => {
    const command = [process.execPath, ...fixtureArguments(import.meta.url, 'activated.ts')];
    const script = `: | sh -c '${ACTIVATE[1]} 3<&0' "$0" "$@"`;
    const child = new Child('sh', ['-c', script, ...command], { env: { LISTEN_FDS: '1' } });
    const { error } = JSON.parse(await child.line()) as Report;
    expect(error).toMatchObject({ code: 'ERR_BYE_SOCKET_TYPE', data: { fd: 3, found: 'a pipe' } });
  });

  it.skipIf(!hasPython())('refuses a sequential-packet socket', async () => {
    // Node has no such sockets.
    const script = `
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.execv(sys.argv[2], sys.argv[2:])`;
    const path = join(scratchDirectory(), 'app.sock');
    const command = [process.execPath, ...fixtureArguments(import.meta.url, 'activated.ts')];
    const { error } = JSON.parse(await new Child('python3', ['-c', script, path, ...command]).line()) as Report;
    expect(error).toMatchObject({
      code: 'ERR_BYE_SOCKET_TYPE',
      data: { fd: 3, found: `a listening unix seqpacket socket at ${path}` },
    });
  });

  it.skipIf(!hasNamespaces())('passes on a socket that /proc does not list', async () => {
    const command = [process.execPath, ...fixtureArguments(import.meta.url, 'activated.ts')];
    const child = new Child('unshare', ['-n', 'sh', ...ACTIVATE, ...command], {
      fds: [fdOf(await listen({ port: 0 }))],
      env: { LISTEN_FDS: '1' },
    });
    const { sockets, ports } = JSON.parse(await child.line()) as Report;
    expect(sockets).toMatchObject([{ fd: 3, kind: 'other', type: 'unknown', found: UNLISTED }]);
    expect(ports).toEqual([]);
  });
});

describe('parseActivation()', () => {
  it('lists descriptors of any kind', () => {
    const variables = { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:state', LISTEN_PIDFDID: '12' };
    expect(parseActivation(variables, 7)).toEqual([
      { fd: 3, name: 'http' },
      { fd: 4, name: 'state' },
    ]);
  });
});

const TOOL = '/usr/bin/systemd-socket-activate';
describe.skipIf(!existsSync(TOOL))('readActivation() under systemd-socket-activate', () => {
  const command = [process.execPath, ...fixtureArguments(import.meta.url, 'activated.ts')];

  it('reads what the tool really passes', async () => {
    const path = join(scratchDirectory(), 'app.sock');
    const free = await listen({ host: '127.0.0.1', port: 0 });
    const port = portOf(free);
    await new Promise((closed) => free.close(closed));
    const args = ['-l', path, '-l', `127.0.0.1:${port}`, '--fdname=local:http'];
    const tool = new Child(TOOL, [...args, ...command, String(port)]);
    await tool.errorsMatch(/Listening on .* as 4\./);
    const answer = new Promise((resolve, reject) =>
      connect(port, '127.0.0.1')
        .on('data', (data) => resolve(String(data)))
        .on('error', reject),
    );
    const report = JSON.parse(await tool.line()) as Report;
    expect(report.sockets).toMatchObject([
      { fd: 3, name: 'local', kind: 'unix', path, listening: true },
      { fd: 4, name: 'http', kind: 'tcp', address: '127.0.0.1', port },
    ]);
    expect(report.fd).toBe(4);
    expect(await answer).toBe(String(tool.pid));
  });
});
