/** Owns the rolling restart of node:cluster. */

import { dispose, startServer } from '../../processes.js';
import type { Contender, Service } from '../contender.js';
import { freePort } from './common.js';

export function clusterContender(): Contender {
  return {
    name: 'node:cluster, rolling restart',
    setup:
      "2 workers; `worker.disconnect()` when the new one listens, `kill()` 2 s later, as in the example of Node's documentation",
    start,
  };
}

async function start(): Promise<Service> {
  const port = await freePort();
  const { app } = await startServer('cluster.mjs', { env: { PORT: String(port) } });
  return {
    port,
    async replace() {
      const from = app.log.lines.length;
      app.kill('SIGUSR2', app.pid);
      await app.waitForLine('replaced', { from, timeoutMs: 20_000 });
    },
    [Symbol.asyncDispose]: () => dispose(app),
  };
}
