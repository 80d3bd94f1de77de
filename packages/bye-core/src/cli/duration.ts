/** Durations as people write and read them. */

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** setTimeout's limit, about 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Reads `30s`, `500ms`, `2m`, `1.5h`; a number alone is seconds.
 *
 * @returns milliseconds; `undefined` if it is none of these, zero, or longer than 24 days
 */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const ms = Math.round(Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS]);
  return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
}

/** `812 ms`, `3.2 s`, `45 s`, `4 min 50 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return pair(hours, 'h', minutes % 60, 'min');
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** What is left, in whole seconds: it is counted down, once a second. */
export function formatLeft(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return seconds < 10 ? `${seconds} s` : formatDuration(seconds * 1000);
}

function pair(major: number, majorUnit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? `${major} ${majorUnit}` : `${major} ${majorUnit} ${minor} ${minorUnit}`;
}
