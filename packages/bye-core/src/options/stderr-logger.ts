/** The logger used when the application gives none: one line an event on stderr. */

import { writeSync } from 'node:fs';
import type { Logger } from '../types.js';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];

export function isLogLevel(value: string): value is LogLevel {
  return (LEVELS as readonly string[]).includes(value);
}

/** Writes synchronously, so that the last words before an exit are not lost. */
export function createStderrLogger(least: LogLevel, pid: number): Logger {
  const at = (level: LogLevel) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return () => {};
    return (_data: object, message: string) => {
      try {
        writeSync(2, `bye[${pid}] ${level}: ${message.replaceAll('\n', ' ')}\n`);
      } catch {
        // A full or closed stderr must not end the service.
      }
    };
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
