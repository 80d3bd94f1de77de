/** Owns the processes under test: how they start, and that they end. */
import { fileURLToPath } from 'node:url';
import { type App, type StartOptions, startApp, until } from '@bye/testkit';

/**
 * How long a process may take to end after its signal, before it is killed as a service manager does it. Theirs waits for
 * 30 s or 90 s; but with clients that never rest, what is lost does not depend on when the kill comes.
 */
export const KILL_AFTER_MS = 2000;

/** @returns the path of a file in bench/servers */
export function serverFile(name: string): string {
  return fileURLToPath(new URL(`../servers/${name}`, import.meta.url));
}

/** Starts a server that says when it is ready, with the defaults that a user has. */
export async function startServer(name: string, options: StartOptions = {}): Promise<{ app: App; port: number }> {
  const env = { BYE_MIN_READY_MS: undefined, ...options.env };
  const app = startApp(serverFile(name), { ...options, env });
  const died = app.exited.then(({ code, signal }) => {
    throw new Error(`${name} ended with ${code ?? signal} before it was ready; printed were:\n${app.log}`);
  });
  const { port } = await Promise.race([app.waitForGeneration(0, { timeoutMs: 20_000 }), died]);
  died.catch(() => {}); // from now on it may
  return { app, port };
}

/** Asks a process to end, and makes it after KILL_AFTER_MS. @returns whether it ended by itself */
export async function endProcess(app: App, pid: number): Promise<boolean> {
  app.kill('SIGTERM', pid);
  const isGone = () => !app.isRunning(pid);
  const endedItself = await until(isGone, { timeoutMs: KILL_AFTER_MS, everyMs: 5 }).catch(() => false);
  if (endedItself) return true;
  app.kill('SIGKILL', pid);
  await until(isGone);
  return false;
}

/** Ends whatever is left of an application. */
export async function dispose(app: App): Promise<void> {
  await app.dispose({ graceMs: 200 }).catch(() => {}); // it says what it had to kill
}

const running = new Set<() => Promise<void>>();

/**
 * Has something ended, too, when the measurement itself is interrupted: daemons and new versions have sessions of their own,
 * and no terminal reaches them.
 * @returns ends it, and forgets it
 */
export function whileRunning(end: () => PromiseLike<void>): () => Promise<void> {
  const once = async (): Promise<void> => {
    if (running.delete(once)) await end();
  };
  running.add(once);
  return once;
}

/** Leaves nothing behind at Ctrl-C. */
export function endAllWhenInterrupted(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, async () => {
      await Promise.allSettled([...running].map((end) => end()));
      process.exit(code);
    });
  }
}
