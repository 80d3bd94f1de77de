/** Owns nginx: its reload, and its binary upgrade. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { childrenOf, processState, until } from '@bye/testkit';
import type { Contender, Service } from '../contender.js';
import { startBackend } from './backend.js';
import { createScratch, findCommand, freePort } from './common.js';

const LIMIT_MS = 5000;

export function nginxContenders(): Contender[] {
  const nginx = findCommand('nginx');
  const missing = () => (nginx === undefined ? 'nginx is not installed' : undefined);
  // By its path: that is what it executes again.
  const path = nginx?.path ?? 'nginx';
  const setup = `nginx ${nginx?.version}, 2 workers, proxy in front of a Node service that stays, \`keepalive_requests\` raised, else defaults`;
  return [
    { name: 'nginx reload', setup: `${setup}; SIGHUP`, missing, start: () => start(path, reload) },
    { name: 'nginx binary upgrade', setup: `${setup}; USR2, then QUIT`, missing, start: () => start(path, upgrade) },
  ];
}

interface Running {
  readonly pidFile: string;
  readonly master: () => number;
}

async function start(path: string, replace: (nginx: Running) => Promise<void>): Promise<Service> {
  const scratch = createScratch();
  const [port, backend] = await Promise.all([freePort(), startBackend()]);
  const pidFile = scratch.path('nginx.pid');
  const config = scratch.path('nginx.conf');
  writeFileSync(config, configure(scratch.dir, port, backend.port));
  const { status, stderr } = spawnSync(path, ['-c', config, '-e', scratch.path('error.log')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`nginx does not start: ${stderr}`);
  const master = () => Number(readFileSync(pidFile, 'utf8'));
  await until(() => existsSync(pidFile) && childrenOf(master()).length === 2);
  return {
    port,
    replace: () => replace({ pidFile, master }),
    [Symbol.asyncDispose]: async () => {
      const pid = master();
      process.kill(pid, 'SIGTERM');
      await until(() => isGone(pid));
      await backend.end();
      scratch.remove();
    },
  };
}

async function reload({ master }: Running): Promise<void> {
  const old = childrenOf(master()).map(({ pid }) => pid);
  process.kill(master(), 'SIGHUP');
  await untilGone(old);
}

async function upgrade({ pidFile, master }: Running): Promise<void> {
  const pid = master();
  const old = [pid, ...childrenOf(pid).map((child) => child.pid)];
  process.kill(pid, 'SIGUSR2');
  await until(() => existsSync(`${pidFile}.oldbin`) && existsSync(pidFile) && childrenOf(master()).length === 2);
  process.kill(pid, 'SIGQUIT');
  await untilGone(old);
}

/** Workers that still have connections may stay for long: nginx sets no limit. */
async function untilGone(pids: readonly number[]): Promise<void> {
  await until(() => pids.every(isGone), { timeoutMs: LIMIT_MS }).catch(() => {});
}

function isGone(pid: number): boolean {
  return [undefined, 'Z'].includes(processState(pid));
}

function configure(dir: string, port: number, backendPort: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 2;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join('\n  ')}
  keepalive_requests 1000000;
  upstream backend { server 127.0.0.1:${backendPort}; keepalive 128; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_hide_header x-pid;
      add_header x-pid $pid always;
    }
  }
}
`;
}
