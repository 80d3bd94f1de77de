/** Owns where results are written. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const RESULTS = new URL('../../results/', import.meta.url);

export const PAGE = new URL('../../README.md', import.meta.url);

export function writeResult(name: string, text: string): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL(name, RESULTS), text);
}

/** @returns undefined if there is none */
export function readResult(name: string): unknown {
  try {
    return JSON.parse(readFileSync(new URL(name, RESULTS), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
