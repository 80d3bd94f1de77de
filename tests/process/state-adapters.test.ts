import { fileURLToPath } from 'node:url';
import { startApp } from '@bye/testkit';
import { expect, it } from 'vitest';

const ADAPTERS = fileURLToPath(new URL('../fixtures/state-adapters.mjs', import.meta.url));

it.skipIf(process.platform === 'win32').each(['fastify', 'express', 'koa'])(
  '%s-bye hands on the option state, and exports valueState',
  async (KIND) => {
    await using app = startApp(ADAPTERS, { env: { KIND } });
    const { pid: first } = await app.waitForGeneration(0, { timeoutMs: 20_000 });
    app.kill('SIGUSR1');
    const { pid: second } = await app.waitForGeneration(1, { timeoutMs: 20_000 });
    expect(await app.waitForLine(new RegExp(`^pids .*${second}$`))).toBe(`pids ${first},${second}`);
  },
);
