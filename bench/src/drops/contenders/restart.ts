/** Owns what people do without a tool: the old process stops, and the new one starts on the same port. */
import type { App } from '@bye/testkit';
import { findNode } from '../../../../scripts/node-versions.mjs';
import { dispose, endProcess, KILL_AFTER_MS, startServer } from '../../processes.js';
import type { Contender, Service } from '../contender.js';
import { freePort } from './common.js';

/** Node that has `reusePort`. */
const REUSE_PORT_NODE = '24';

export function restartContenders(): Contender[] {
  return [
    {
      name: 'server.close(), then start',
      setup: `SIGTERM: \`server.close()\`, exit when it is done, SIGKILL after ${KILL_AFTER_MS} ms; the new process starts when the old one has ended (\`systemctl restart\`)`,
      start: () =>
        startRestarted(async (old, pid, next) => {
          await endProcess(old, pid);
          return next();
        }),
    },
    {
      name: 'server.close(), start beside it',
      setup: 'the same, but the new process starts at the moment of the SIGTERM',
      start: () =>
        startRestarted(async (old, pid, next) => {
          const [, app] = await Promise.all([endProcess(old, pid), next()]);
          return app;
        }),
    },
    {
      name: 'SO_REUSEPORT hand-over',
      setup: `Node ${REUSE_PORT_NODE}, \`reusePort: true\`: the new process listens beside the old one, which then gets SIGTERM: \`server.close()\`, SIGKILL after ${KILL_AFTER_MS} ms`,
      start: () =>
        startRestarted(
          async (old, pid, next) => {
            const app = await next();
            await endProcess(old, pid);
            return app;
          },
          { execPath: findNode(REUSE_PORT_NODE), env: { REUSE_PORT: '1' } },
        ),
    },
  ];
}

type Step = (old: App, pid: number, next: () => Promise<App>) => Promise<App>;

async function startRestarted(step: Step, options: { execPath?: string; env?: object } = {}): Promise<Service> {
  const port = await freePort();
  const next = async (): Promise<App> => {
    const { app } = await startServer('close.mjs', { ...options, env: { ...options.env, PORT: String(port) } });
    return app;
  };
  let app = await next();
  return {
    port,
    async replace() {
      const old = app;
      app = await step(old, old.pid, next);
      await dispose(old);
    },
    [Symbol.asyncDispose]: () => dispose(app),
  };
}
