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
  /** How long one check may take. @defaultValue 2000 */
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

/** @param value `true`, `false`, a prefix for all three paths, or options; text from the environment as well */
export function resolveHealth(value: unknown): HealthSettings | undefined {
  if (value === false || value === 'false') return undefined;
  if (value === true || value === 'true') return STANDARD;
  if (typeof value === 'string') {
    const prefix = value.replace(/\/+$/, '');
    checkPath('health', prefix);
    const { path, readinessPath, livenessPath } = STANDARD;
    return {
      ...STANDARD,
      path: prefix + path,
      readinessPath: prefix + readinessPath,
      livenessPath: prefix + livenessPath,
    };
  }
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`Option 'health' must be true, false, a path prefix or an object: got ${typeof value}`);
  }
  const settings = { ...STANDARD, ...(value as HealthOptions) };
  for (const name of Object.keys(settings)) {
    if (!(name in STANDARD)) throw new TypeError(`Unknown option 'health.${name}'`);
  }
  checkPath('health.path', settings.path);
  checkPath('health.readinessPath', settings.readinessPath);
  checkPath('health.livenessPath', settings.livenessPath);
  for (const [name, check] of Object.entries(settings.checks)) {
    if (typeof check !== 'function') throw new TypeError(`Option 'health.checks.${name}' must be a function`);
  }
  if (!(settings.checkTimeoutMs > 0)) {
    throw new RangeError(`Option 'health.checkTimeoutMs' must be a positive number: got ${settings.checkTimeoutMs}`);
  }
  if (settings.details !== 'loopback' && typeof settings.details !== 'boolean') {
    throw new TypeError(`Option 'health.details' must be 'loopback', true or false`);
  }
  return settings;
}

function checkPath(option: string, path: unknown): void {
  if (typeof path === 'string' && /^\/[^?#]*$/.test(path)) return;
  throw new RangeError(`Option '${option}' must be a path that begins with '/': got ${JSON.stringify(path)}`);
}
