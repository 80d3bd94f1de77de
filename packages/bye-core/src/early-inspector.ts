/** Takes back what an early SIGUSR1 does: until somebody listens to that signal, Node answers it with its inspector. */

import { createRequire } from 'node:module';
import { readVariable } from './env.js';
import type { Host } from './host.js';

const DEFAULT_PORT = 9229;

/**
 * Node opens it from another thread, some time after the signal: the last of them may come to light after this process
 * has learnt to listen. In milliseconds.
 */
const LOOK_AGAIN_MS = [0, 50, 250, 1000];

/**
 * Closes an inspector that a signal opened before bye was loaded, now and shortly after. Leaves one alone that was asked
 * for: by `--inspect` in the command or in NODE_OPTIONS, or on another port than that of the signal (an editor's).
 *
 * @param onClosed called once, if there was one
 */
export function closeEarlyInspector(host: Host, onClosed: () => void): void {
  const options = [...process.execArgv, ...(readVariable('NODE_OPTIONS') ?? '').split(/\s+/)];
  if (!process.features.inspector || options.some((option) => /^--inspect(?!-p)/.test(option))) return;
  const { url, close } = createRequire(__filename)('node:inspector') as typeof import('node:inspector');
  const port = signalPort(options);
  let closed = false;
  const look = () => {
    const address = url();
    if (address === undefined || new URL(address).port !== String(port)) return;
    close();
    if (!closed) onClosed();
    closed = true;
  };
  look();
  for (const ms of LOOK_AGAIN_MS) host.after(ms, look);
}

/** `--inspect-port` opens nothing, it says where a signal would. */
function signalPort(options: readonly string[]): number {
  const at = options.findIndex((option) => /^--inspect-port(=|$)/.test(option));
  const value = options[at]?.split('=')[1] ?? options[at + 1] ?? '';
  return at < 0 ? DEFAULT_PORT : Number(value.split(':').at(-1));
}
