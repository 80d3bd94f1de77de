/** The counter of docs/state.md counts. */

import { type App, StrictConnection, startApp, startTraffic } from '@bye/testkit';
import { expect, test } from 'vitest';
import { BlockDirectory } from './code.js';
import { type Block, blocksOf, readPage } from './pages.js';

async function get(port: number, path: string): Promise<string> {
  const connection = await StrictConnection.open({ port });
  const { body } = await connection.request({ path, keepBody: true, close: true });
  return body.toString();
}

/** @returns its PID */
async function generation(app: App, number: number): Promise<number> {
  const line = await app.waitForLine(new RegExp(`ready after .* generation ${number}$`), { timeoutMs: 20_000 });
  return Number(/\[(\d+)\]/.exec(line)?.[1]);
}

test.skipIf(process.platform === 'win32')('the counter of docs/state.md misses no answer in 3 upgrades', async () => {
  using directory = new BlockDirectory('state');
  const [counter] = blocksOf(readPage('docs/state.md')).filter(({ language }) => language === 'js');
  const port = 20_000 + (process.pid % 10_000);
  const file = directory.write(counter as Block, '.mjs');
  await using app = startApp(file, { env: { PORT: String(port), BYE_LOG: 'info' } });
  let pid = await generation(app, 0);
  const traffic = startTraffic({ target: { port }, keepAliveClients: 4, freshClients: 2, mix: () => ({ path: '/' }) });
  for (let number = 1; number <= 3; number++) {
    app.kill('SIGUSR1', pid);
    pid = await generation(app, number);
    await app.waitForLine(new RegExp(`^bye\\[${pid}\\] info: the old process \\d+ has ended`), { timeoutMs: 20_000 });
  }
  const { ok, failures } = await traffic.stop();
  expect(failures).toEqual([]);
  expect(Number(await get(port, '/count'))).toBe(ok);
  app.kill('SIGTERM', pid);
  await app.waitUntilGone(pid);
});
