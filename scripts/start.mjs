/** Runs the Fastify example in the foreground, across its upgrades: a new process is not the child of this one. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const port = process.env.PORT ?? '8080';
const directory = mkdtempSync(join(tmpdir(), 'bye-start-'));
const pidFile = join(directory, 'app.pid');

// No IPC channel, no npm in between: an upgrade is refused where something would miss the old process.
const app = spawn(process.execPath, [fileURLToPath(new URL('../examples/fastify/app.js', import.meta.url))], {
  stdio: 'inherit',
  detached: true, // like every later process: a session of its own, where Ctrl-C comes only through here
  env: { ...process.env, PORT: port, PIDFILE: pidFile },
});
let current = app.pid;
let ready = false;

app.once('error', (error) => {
  console.error(`The example did not start: ${error.message}`);
  finish(1);
});
app.once('exit', (code, signal) => {
  follow();
  if (current === app.pid) finish(code ?? 128 + constants.signals[signal]);
});

// bye writes the PID of whoever serves here, by rename, before the old process begins to leave.
const watcher = watch(directory, follow);

// The exit of a process that is not a child has no event. Where a new process fails, the old one needs a moment to put
// its own PID back, so once is not enough.
let missed = 0;
const poll = setInterval(() => {
  follow();
  missed = current === app.pid || isRunning(current) ? 0 : missed + 1;
  if (missed === 3) finish(readPid() === undefined ? 0 : 1); // a clean stop takes the PID file away
}, 100);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1']) process.on(signal, () => forward(signal));
process.on('SIGHUP', () => forward('SIGTERM'));

function follow() {
  const pid = readPid();
  if (pid === undefined || (ready && pid === current)) return;
  console.log(ready ? nowServedBy(pid) : whatToTry(pid));
  current = pid;
  ready = true;
}

function readPid() {
  try {
    return Number(readFileSync(pidFile, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function forward(signal) {
  try {
    process.kill(current, signal);
  } catch {} // it has just ended: the poll or its exit says so
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')); // ended, and only init has not seen it yet
  } catch {
    return false;
  }
}

function finish(code) {
  watcher.close();
  clearInterval(poll);
  rmSync(directory, { recursive: true, force: true });
  process.exit(code);
}

function whatToTry(pid) {
  return `
Process ${pid} serves on http://localhost:${port}. In another terminal:

  while curl -fsS localhost:${port}; do sleep 0.1; done    somebody uses it
  kill -USR1 ${pid}    replace it by a new process
  kill -TERM ${pid}    stop it (Ctrl-C here does so, too)
  curl localhost:${port}/health
`;
}

function nowServedBy(pid) {
  return `\nNow process ${pid} serves: kill -USR1 ${pid}, kill -TERM ${pid}\n`;
}
