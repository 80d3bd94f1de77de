import { existsSync, linkSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realHost } from '../../src/host.js';
import { asidePath, isLiveSocket, removeStale, socketIdentity, unlinkIfOurs } from '../../src/listeners/unix-path.js';
import { Child } from './child.js';
import { ask, scratchDirectory } from './scratch.js';

let directory: string;
let path: string;
const open: Server[] = [];
beforeEach(() => {
  directory = scratchDirectory();
  path = join(directory, 'app.sock');
});
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

function serve(at: string, backlog = 511): Server {
  const server = createServer((socket) => socket.on('error', () => {}).end('here')).listen({ path: at, backlog });
  open.push(server);
  return server;
}

/** A socket whose process closed it without removing its path. */
async function leaveStale(at: string): Promise<void> {
  const server = serve(`${at}.bound`);
  linkSync(`${at}.bound`, at);
  await new Promise((closed) => server.close(closed));
}

describe('isLiveSocket()', () => {
  it('is true where somebody listens, even if nobody accepts and the queue is full', async () => {
    serve(path, 1);
    const clients = Array.from({ length: 5 }, () => connect(path));
    const refused = clients.map((client) => new Promise((done) => client.on('error', done).on('connect', done)));
    expect(isLiveSocket(path, realHost)).toBe(true);
    const outcomes = await Promise.all(refused);
    expect(outcomes).toContainEqual(expect.objectContaining({ code: 'EAGAIN' }));
    for (const client of clients) client.destroy();
  });

  it('is false where nobody listens any more, and where nothing is', async () => {
    await leaveStale(path);
    expect(isLiveSocket(path, realHost)).toBe(false);
    expect(isLiveSocket(join(directory, 'none'), realHost)).toBe(false);
  });

  it('asks again where a full queue refuses as well', async () => {
    await leaveStale(path);
    const started = performance.now();
    expect(isLiveSocket(path, { ...realHost, platform: 'darwin' })).toBe(false);
    expect(performance.now() - started).toBeGreaterThan(200);
    serve(join(directory, 'live'));
    expect(isLiveSocket(join(directory, 'live'), { ...realHost, platform: 'darwin' })).toBe(true);
  });

  it.each([0, 1, null])('is true if the answer is none: status %s', async (status) => {
    await leaveStale(path);
    expect(isLiveSocket(path, { platform: 'linux', run: () => ({ status }) })).toBe(true);
  });

  it('does no harm to a server that writes at once and has no error listener', async () => {
    const code = `
      require('net').createServer((s) => s.end('hello')).listen(process.argv[1], () => console.log('up'))`;
    const server = new Child(process.execPath, ['-e', code, path]);
    await server.line();
    for (let i = 0; i < 5; i++) expect(isLiveSocket(path, realHost)).toBe(true);
    expect(await ask(path)).toBe('hello');
  });

  it('asks for a relative path', async () => {
    await leaveStale(path);
    const asked: (readonly string[])[] = [];
    const run = (_: string, args: readonly string[]) => {
      asked.push(args);
      return { status: 42 };
    };
    isLiveSocket('package.json', { platform: 'linux', run });
    expect(asked[0]?.[2]).toBe(join(process.cwd(), 'package.json'));
  });
});

describe('Host.run()', () => {
  it('ends a program that hangs, and gives it no environment', () => {
    const started = performance.now();
    expect(realHost.run(process.execPath, ['-e', 'for (;;);'], 300)).toEqual({ status: null });
    expect(performance.now() - started).toBeLessThan(2000);
    const count = 'process.exit(Object.keys(process.env).length)';
    expect(realHost.run(process.execPath, ['-e', count], 5000).status).toBe(0);
    expect(realHost.run(join(directory, 'none'), [], 5000).status).toBeNull();
  });
});

describe('removeStale()', () => {
  it('removes a stale socket, and the link that a crashed upgrade kept of it', async () => {
    await leaveStale(path);
    linkSync(path, asidePath(path));
    expect(removeStale(path, realHost)).toBe(true);
    expect(readdirSync(directory)).toEqual([]);
    expect(removeStale(path, realHost)).toBe(true);
  });

  it('leaves a live socket', async () => {
    serve(path);
    expect(removeStale(path, realHost)).toBe(false);
    expect(await ask(path)).toBe('here');
  });

  it('leaves a file, though it refuses connections too', () => {
    writeFileSync(path, 'precious');
    expect(isLiveSocket(path, realHost)).toBe(false);
    const run = () => {
      throw new Error('No need to ask');
    };
    expect(removeStale(path, { ...realHost, run })).toBe(false);
    expect(existsSync(path)).toBe(true);
  });

  it('leaves a socket that took the place of the one it asked about', async () => {
    await leaveStale(path);
    const run: typeof realHost.run = (...args) => {
      const result = realHost.run(...args);
      unlinkSync(path);
      serve(path);
      return result;
    };
    expect(removeStale(path, { ...realHost, run })).toBe(false);
    expect(await ask(path)).toBe('here');
  });

  it('leaves a socket that only has the inode number of the one it asked about', async () => {
    await leaveStale(path);
    const probed = socketIdentity(path);
    const run: typeof realHost.run = (...args) => {
      const result = realHost.run(...args);
      // What a re-used inode number looks like: same number, changed since.
      renameSync(path, `${path}.moved`);
      renameSync(`${path}.moved`, path);
      return result;
    };
    expect(removeStale(path, { ...realHost, run })).toBe(false);
    expect(socketIdentity(path)).toBe(probed);
  });
});

describe('unlinkIfOurs()', () => {
  it('removes our path and the link aside', () => {
    serve(path);
    linkSync(path, asidePath(path));
    expect(unlinkIfOurs(path, socketIdentity(path) ?? '')).toBe(true);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('leaves what became somebody else’s, and what is no socket', async () => {
    serve(path);
    const identity = socketIdentity(path) ?? '';
    unlinkSync(path);
    serve(path);
    expect(unlinkIfOurs(path, identity)).toBe(false);
    expect(await ask(path)).toBe('here');
    unlinkSync(path);
    writeFileSync(path, '');
    expect(unlinkIfOurs(path, identity)).toBe(false);
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });
});
