/** Owns the reload of pm2. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type App, StrictConnection, startApp, until } from '@bye/testkit';
import { dispose, serverFile } from '../../processes.js';
import type { Contender, Service } from '../contender.js';
import { createScratch, freePort, versionOf } from './common.js';

const PM2 = fileURLToPath(new URL('../../../node_modules/pm2/bin/pm2', import.meta.url));

export function pm2Contender(): Contender {
  return {
    name: 'pm2 reload',
    setup: `pm2 ${versionOf('pm2')}, cluster mode, 2 workers, \`wait_ready\`, \`listen_timeout\` 10 s, default \`kill_timeout\` (1.6 s); SIGINT: \`server.close()\`, exit when it is done`,
    start,
  };
}

async function start(): Promise<Service> {
  const scratch = createScratch();
  const port = await freePort();
  const config = scratch.path('ecosystem.config.json');
  const app = {
    name: 'bench',
    script: serverFile('pm2-worker.mjs'),
    instances: 2,
    exec_mode: 'cluster',
    wait_ready: true,
    listen_timeout: 10_000,
    env: { PORT: String(port) },
  };
  writeFileSync(config, JSON.stringify({ apps: [app] }));
  const env = {
    PM2_HOME: scratch.path('home'),
    PM2_DISCRETE_MODE: 'true',
    PM2_DISABLE_VERSION_CHECK: 'true',
  };
  const command = async (...args: string[]): Promise<App> => {
    const run = startApp([PM2, ...args], { env });
    const { code } = await run.exited;
    if (code !== 0) throw new Error(`pm2 ${args.join(' ')} failed:\n${run.log}`);
    return run;
  };
  // Its daemon, and so every worker, has the mark of this first command.
  const daemon = await command('start', config);
  await until(async () => (await StrictConnection.open({ port })).destroy() === undefined);
  return {
    port,
    replace: async () => {
      await command('reload', 'bench');
    },
    [Symbol.asyncDispose]: async () => {
      await command('kill').catch(() => {});
      await dispose(daemon);
      scratch.remove();
    },
  };
}
