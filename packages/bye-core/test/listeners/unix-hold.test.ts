import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realHost } from '../../src/host.js';
import { type Hold, holdPath } from '../../src/listeners/unix-hold.js';
import { asidePath, isLiveSocket, socketIdentity } from '../../src/listeners/unix-path.js';
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

function serve(answer: string, at = path): void {
  open.push(createServer((socket) => socket.end(answer)).listen(at));
}

function hold(): Hold {
  const held = holdPath(path, (at) => isLiveSocket(at, realHost));
  if (held === undefined) throw new Error('Not held');
  return held;
}

/** A new version as it is without bye: it removes the path and binds it anew. */
async function startIntruder(): Promise<Child> {
  unlinkSync(path);
  const code = `require('net').createServer((s) => s.end('new')).listen(process.argv[1], () => console.log('up'))`;
  const child = new Child(process.execPath, ['-e', code, path]);
  await child.line();
  return child;
}

describe('holdPath()', () => {
  it('puts an unlinked path back', async () => {
    serve('old');
    const held = hold();
    unlinkSync(path);
    expect(held.restore()).toBe(true);
    expect(await ask(path)).toBe('old');
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });

  it('leaves an untouched path alone', async () => {
    serve('old');
    const held = hold();
    expect(held.restore()).toBe(true);
    expect(await ask(path)).toBe('old');
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });

  it('takes the path back from a new version that bound it and crashed', async () => {
    serve('old');
    const held = hold();
    const intruder = await startIntruder();
    expect(await ask(path)).toBe('new');
    await intruder.crash();
    expect(held.restore()).toBe(true);
    expect(await ask(path)).toBe('old');
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });

  it('leaves the path to somebody else who serves there', async () => {
    serve('old');
    const held = hold();
    await startIntruder();
    expect(held.restore()).toBe(false);
    expect(await ask(path)).toBe('new');
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });

  it('leaves a file that took the path', () => {
    serve('old');
    const held = hold();
    unlinkSync(path);
    writeFileSync(path, 'precious');
    expect(held.restore()).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('precious');
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });

  it('removes the link aside on release, once', () => {
    serve('old');
    const held = hold();
    expect(readdirSync(directory)).toEqual(['.app.sock.held', 'app.sock']);
    held.release();
    expect(readdirSync(directory)).toEqual(['app.sock']);
    linkSync(path, asidePath(path));
    held.release();
    expect(held.restore()).toBe(true);
    expect(readdirSync(directory)).toEqual(['.app.sock.held', 'app.sock']);
  });

  it('replaces the link that a crash left', () => {
    serve('another', asidePath(path));
    serve('old');
    const held = hold();
    expect(socketIdentity(asidePath(path))).toBe(socketIdentity(path));
    held.release();
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });

  it('throws nothing when even the directory went', () => {
    mkdirSync(join(directory, 'run'));
    path = join(directory, 'run', 'app.sock');
    serve('old');
    const held = hold();
    rmSync(join(directory, 'run'), { recursive: true });
    expect(held.restore()).toBe(false);
  });

  it('gives none where there is nothing to hold, and takes no file for a link left behind', () => {
    const none = () => holdPath(path, () => true);
    expect(none()).toBeUndefined();
    writeFileSync(path, '');
    expect(none()).toBeUndefined();
    expect(holdPath('\0app', () => true)).toBeUndefined();
    unlinkSync(path);
    serve('old');
    writeFileSync(asidePath(path), 'precious');
    expect(none()).toBeUndefined();
    expect(readFileSync(asidePath(path), 'utf8')).toBe('precious');
  });
});
