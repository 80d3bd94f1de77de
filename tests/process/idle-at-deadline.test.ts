import { fileURLToPath } from 'node:url';
import { requests, StrictConnection, startApp } from '@bye/testkit';
import { expect, it } from 'vitest';

const SERVICE = fileURLToPath(new URL('../fixtures/close-hook.mjs', import.meta.url));

it('upgradeDrainTimeoutMs ends idle connections too, and the hooks of app.close() run', async () => {
  await using app = startApp(SERVICE);
  const { pid, port } = await app.waitForGeneration(0, { timeoutMs: 20_000 });
  const idle = await StrictConnection.open({ port, host: '127.0.0.1' });
  await idle.request({ ...requests.fast(1), path: '/', check: undefined as never, keepBody: true });

  app.kill('SIGUSR1');
  await app.waitForGeneration(1, { timeoutMs: 20_000 });
  expect((await idle.closed).failure).toBeUndefined();
  await app.waitForLine(`closed pid=${pid}`, { timeoutMs: 20_000 });
  await app.waitUntilGone(pid, { timeoutMs: 20_000 });
  expect(app.log.toString()).not.toContain('hook failed');
});
