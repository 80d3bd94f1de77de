import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'tsup';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Child } from '../listeners/child.js';

/** The fixture, built once: a loader for TypeScript would start with each of its many processes. */
let built: string;
beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), 'bye-link-'));
  const entry = [join(import.meta.dirname, 'fixtures/linked.ts')];
  await build({ entry, outDir: built, format: 'cjs', platform: 'node', config: false, silent: true, dts: false });
});
afterAll(() => rmSync(built, { recursive: true }));

const UPGRADE = { UPGRADE_FD: '3', BYE_PROTOCOL: '1', BYE_GENERATION: '2' };

class Linked extends Child {
  constructor(env: NodeJS.ProcessEnv, ipc: boolean) {
    super(process.execPath, [join(built, 'linked.cjs')], {
      env,
      fds: ipc ? (['ipc'] as unknown as number[]) : [],
    });
  }

  /** The next thing it tells. */
  async next(): Promise<unknown[]> {
    return JSON.parse(await this.line());
  }

  /** Lets it do something, and returns what it tells then. */
  async ask(action: string): Promise<unknown[]> {
    this.say(action);
    return this.next();
  }
}

async function start(env: NodeJS.ProcessEnv, { ipc = true } = {}): Promise<Linked> {
  const child = new Linked(env, ipc);
  expect(await child.next()).toEqual(['up']);
  return child;
}

test('openLink() is nothing in a first start, and touches no channel of the application', async () => {
  const child = await start({ BYE_GENERATION: '7' });
  expect(await child.ask('look')).toEqual([null, 'function', []]);
  child.process.send({ type: 'ready' });
  expect(await child.next()).toEqual(['application got', { type: 'ready' }]);
  child.process.disconnect();
  expect(await child.next()).toEqual(['application disconnected']);
});

test('openLink() takes variables and channel out of the application’s sight', async () => {
  const child = await start(UPGRADE);
  expect(await child.ask('look')).toEqual([{ variables: UPGRADE, hasChannel: true }, 'undefined', []]);
  expect(await child.ask('same')).toEqual([true]);
});

test('openLink() leaves the channel of a parent alone that is not bye', async () => {
  const child = await start({ UPGRADE_FD: '3' });
  expect(await child.ask('look')).toEqual([{ variables: { UPGRADE_FD: '3' }, hasChannel: false }, 'function', []]);
  child.say('receive');
  child.process.send({ bye: 'finish', withinMs: 1 });
  expect(await child.next()).toEqual(['application got', { bye: 'finish', withinMs: 1 }]);
  expect(await child.ask('lost')).toEqual(['lost']);
});

test('openLink() works without a channel', async () => {
  const child = await start(UPGRADE, { ipc: false });
  expect(await child.ask('look')).toEqual([{ variables: UPGRADE, hasChannel: false }, 'undefined', []]);
  child.say('send');
  expect(await child.ask('lost')).toEqual(['lost']);
});

test('a Link hands over what came before somebody listened, and no message of others', async () => {
  const child = await start(UPGRADE);
  child.process.send({ bye: 'finish', withinMs: 1 });
  child.process.send({ type: 'ready' });
  expect(await child.ask('same')).toEqual([true]);
  expect(await child.ask('receive')).toEqual(['link got', { bye: 'finish', withinMs: 1 }]);
  child.process.send({ type: 'ready' });
  child.process.send({ bye: 'finish', withinMs: 2 });
  expect(await child.next()).toEqual(['link got', { bye: 'finish', withinMs: 2 }]);
});

test('a Link tells that the old process has gone, also to who asks later, and then sends nothing', async () => {
  const child = await start(UPGRADE);
  child.say('lost');
  child.process.disconnect();
  expect(await child.next()).toEqual(['lost']);
  expect(await child.ask('lost')).toEqual(['lost']);
  child.say('send');
  expect(await child.ask('same')).toEqual([true]);
});

test('a Link sends to the old process', async () => {
  const child = await start(UPGRADE);
  const message = once(child.process, 'message');
  child.say('send');
  expect((await message)[0]).toMatchObject({ bye: 'hello', protocol: 1, pid: 7, node: '0' });
});

test('a Link reports the error that ends a process before it has settled', async () => {
  const child = await start(UPGRADE);
  const message = once(child.process, 'message');
  child.say('throw');
  const error = { name: 'TypeError', message: 'no', code: 'E_NO', stack: expect.stringContaining('linked') };
  expect((await message)[0]).toMatchObject({ bye: 'failure', error });
});

test('settle() takes the guards off once, and ends the reports', async () => {
  const child = await start(UPGRADE);
  const messages: unknown[] = [];
  child.process.on('message', (message) => messages.push(message));
  expect(await child.ask('settle')).toEqual(['guard off', '2']);
  child.say('settle');
  expect(await child.ask('same')).toEqual([true]);
  const exit = once(child.process, 'exit');
  child.say('throw');
  await exit;
  expect(messages).toEqual([]);
});

test('takeSignal() and settle() tell which signals came', async () => {
  const child = await start(UPGRADE);
  expect(await child.ask('take')).toEqual([true, false]);
  expect(await child.ask('ignored')).toEqual(['guard off', '2']);
  expect(await child.next()).toEqual([['SIGUSR2']]);
});

test('the channel alone does not keep the new process alive', async () => {
  const child = await start(UPGRADE);
  const exit = once(child.process, 'exit');
  child.process.stdin?.end();
  expect(await exit).toEqual([0, null]);
});

test.each(['', 'three', '-1'])('openLink() refuses UPGRADE_FD=%j', async (UPGRADE_FD) => {
  const child = new Linked({ ...UPGRADE, UPGRADE_FD }, false);
  await child.errorsMatch(/ERR_BYE_ENVIRONMENT/);
});
