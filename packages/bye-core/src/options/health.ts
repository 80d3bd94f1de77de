/** Options of the health endpoints. */

export type HealthCheck = (signal: AbortSignal) => unknown;

export interface HealthOptions {
  /** Readiness with a body. @defaultValue `'/health'` */
  path?: string;
  /** @defaultValue `'/readyz'` */
  readinessPath?: string;
  /** @defaultValue `'/livez'` */
  livenessPath?: string;
  /** Asked at each readiness request; a rejection turns it red. They never touch liveness. */
  checks?: Record<string, HealthCheck>;
  /** How long one check may take, in milliseconds; its signal is aborted then. @defaultValue 2000 */
  checkTimeoutMs?: number;
  /** Who sees more than the status. @defaultValue `'loopback'` */
  details?: 'loopback' | boolean;
}

export interface HealthSettings {
  readonly path: string;
  readonly readinessPath: string;
  readonly livenessPath: string;
  readonly checks: Readonly<Record<string, HealthCheck>>;
  readonly checkTimeoutMs: number;
  readonly details: 'loopback' | boolean;
}

const STANDARD: HealthSettings = {
  path: '/health',
  readinessPath: '/readyz',
  livenessPath: '/livez',
  checks: {},
  checkTimeoutMs: 2000,
  details: 'loopback',
};

/**
 * @param value `true`, `false`, a prefix for all three paths, or options; text from the environment as well
 * @returns `undefined` if health is off
 * @throws {TypeError | RangeError} If it is none of these, or an option of it is unknown or has a bad value
 */
export function resolveHealth(value: unknown): HealthSettings | undefined {
  if (value === false || value === 'false') return undefined;
  if (value === true || value === 'true') return STANDARD;
  if (typeof value === 'string') return withPrefix(value);
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`Option 'health' must be true, false, a path prefix or an object: got ${typeof value}`);
  }
  // As everywhere, `undefined` means the default.
  const given = Object.fromEntries(Object.entries(value).filter(([, option]) => option !== undefined));
  for (const name of Object.keys(given)) {
    if (!(name in STANDARD)) throw new TypeError(`Unknown option 'health.${name}'`);
  }
  const settings: HealthSettings = { ...STANDARD, ...given };
  checkPath('health.path', settings.path);
  checkPath('health.readinessPath', settings.readinessPath);
  checkPath('health.livenessPath', settings.livenessPath);
  checkChecks(settings.checks);
  checkTimeout(settings.checkTimeoutMs);
  if (settings.details !== 'loopback' && typeof settings.details !== 'boolean') {
    throw new TypeError("Option 'health.details' must be 'loopback', true or false");
  }
  return settings;
}

function withPrefix(text: string): HealthSettings {
  checkPath('health', text);
  const prefix = text.replace(/\/+$/, '');
  const { path, readinessPath, livenessPath } = STANDARD;
  return {
    ...STANDARD,
    path: prefix + path,
    readinessPath: prefix + readinessPath,
    livenessPath: prefix + livenessPath,
  };
}

function checkPath(option: string, path: unknown): void {
  if (typeof path === 'string' && /^\/[^?#]*$/.test(path)) return;
  throw new RangeError(`Option '${option}' must be a path that begins with '/': got ${JSON.stringify(path)}`);
}

function checkChecks(checks: unknown): void {
  if (typeof checks !== 'object' || checks === null) {
    throw new TypeError(`Option 'health.checks' must be an object of functions: got ${typeof checks}`);
  }
  for (const [name, check] of Object.entries(checks)) {
    if (typeof check !== 'function') throw new TypeError(`Option 'health.checks.${name}' must be a function`);
  }
}

function checkTimeout(value: unknown): void {
  if (typeof value !== 'number') {
    throw new TypeError(`Option 'health.checkTimeoutMs' must be a number of milliseconds: got ${typeof value}`);
  }
  if (value > 0) return;
  throw new RangeError(`Option 'health.checkTimeoutMs' must be a positive number: got ${value}`);
}
