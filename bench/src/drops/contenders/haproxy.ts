/** Owns the reload of HAProxy. */
import { writeFileSync } from 'node:fs';
import { childrenOf, processState, StrictConnection, startApp, until } from '@bye/testkit';
import { dispose } from '../../processes.js';
import type { Contender, Service } from '../contender.js';
import { startBackend } from './backend.js';
import { createScratch, findCommand, freePort } from './common.js';

const LIMIT_MS = 5000;

export function haproxyContender(): Contender {
  const haproxy = findCommand('haproxy');
  return {
    name: 'HAProxy reload',
    setup: `HAProxy ${haproxy?.version}, master-worker mode, proxy in front of a Node service that stays; SIGUSR2, listeners handed over (\`expose-fd listeners\`)`,
    missing: () => (haproxy === undefined ? 'haproxy is not installed' : undefined),
    start,
  };
}

async function start(): Promise<Service> {
  const scratch = createScratch();
  const [port, backend] = await Promise.all([freePort(), startBackend()]);
  const config = scratch.path('haproxy.cfg');
  writeFileSync(config, configure(scratch.path('stats.sock'), port, backend.port));
  const app = startApp(['-W', '-db', '-f', config], { execPath: 'haproxy' });
  await until(async () => (await StrictConnection.open({ port })).destroy() === undefined);
  return {
    port,
    async replace() {
      const old = childrenOf(app.pid).map(({ pid }) => pid);
      process.kill(app.pid, 'SIGUSR2');
      // An old worker that still has connections may stay for long: no limit is set.
      await until(() => old.every((pid) => [undefined, 'Z'].includes(processState(pid))), {
        timeoutMs: LIMIT_MS,
      }).catch(() => {});
    },
    [Symbol.asyncDispose]: async () => {
      await dispose(app);
      await backend.end();
      scratch.remove();
    },
  };
}

function configure(socket: string, port: number, backendPort: number): string {
  return `
global
  stats socket ${socket} mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:${port}
  default_backend back
backend back
  http-response set-header x-pid %pid
  server node 127.0.0.1:${backendPort}
`;
}
