/** Every error that bye throws on purpose. Imports nothing, so that anything may import it. */

/** What each code carries besides its message. `docs/errors.md` has one heading per code; a test compares the two. */
export interface ByeErrorData {
  ERR_BYE_SHUTTING_DOWN: { reason: string };
  ERR_BYE_OPTIONS_CONFLICT: { options: readonly string[] };
  ERR_BYE_DUPLICATE: { paths: readonly string[] };
  ERR_BYE_ENVIRONMENT: { variable: string; value: string };
  ERR_BYE_READY_PIPE: { fd: number };
  ERR_BYE_PID_FILE: { path: string };
  ERR_BYE_CONTROL_SOCKET: { path: string; reason: string };
  ERR_BYE_CONTROL_REQUEST: { reason: string };
  ERR_BYE_SOCKET_TYPE: { fd: number; found: string };
  ERR_BYE_HEALTH_PATH: { path: string };
  ERR_BYE_ADDRESS_CHANGED: { wanted: string; held: string };
  ERR_BYE_PRIVILEGE_LOST: { wanted: string; uid: number };
  ERR_BYE_UPGRADE_UNSAFE: { reason: string; remedy: string };
  ERR_BYE_UPGRADE_UNAVAILABLE: { reason: string };
  ERR_BYE_NOT_READY: { status: string };
  ERR_BYE_UPGRADE_IN_PROGRESS: { pid: number | undefined };
  ERR_BYE_PREDECESSOR_DRAINING: { pid: number; untilMs: number };
  ERR_BYE_UPGRADE_HOOK: Record<never, never>;
  ERR_BYE_UPGRADE_SPAWN: { file: string };
  ERR_BYE_UPGRADE_EXITED: { pid: number; exitCode: number | null; signal: string | null };
  ERR_BYE_UPGRADE_TIMEOUT: { pid: number; timeoutMs: number };
  ERR_BYE_UPGRADE_ABORTED: { pid: number | undefined; reason: string };
  ERR_BYE_UPGRADE_CHANNEL_LOST: { pid: number };
  ERR_BYE_STATE_SAVE: { name: string };
  ERR_BYE_STATE_REFUSED: { name: string; version: number | string };
  ERR_BYE_STATE_LOST: { name: string };
  ERR_BYE_PROTOCOL: { ours: number; theirs: unknown };
  ERR_BYE_USAGE: { argument: string };
  ERR_BYE_NO_SERVICE: { path: string; reason: string };
  ERR_BYE_CONTROL_GARBAGE: { path: string };
  ERR_BYE_CONTROL_LOST: { path: string };
  ERR_BYE_CONTROL_TIMEOUT: { timeoutMs: number };
  ERR_BYE_SERVICE_ENDED: { pid: number };
  ERR_BYE_INTERRUPTED: { signal: string };
}

export type ByeErrorCode = keyof ByeErrorData;

const BRAND = Symbol.for('bye.error/1');

/**
 * An error of bye. Match on `code`, never on the message.
 *
 * `instanceof ByeError` holds across two installed copies of bye-core (ESM and CJS, two versions), because it looks
 * for a brand that they share.
 *
 * @example Tell a refused upgrade from a failed one
 * ```ts
 * try {
 *   await bye.upgrade();
 * } catch (error) {
 *   if (error instanceof ByeError && error.code === 'ERR_BYE_UPGRADE_IN_PROGRESS') return;
 *   throw error;
 * }
 * ```
 */
export class ByeError<C extends ByeErrorCode = ByeErrorCode> extends Error {
  override readonly name = 'ByeError';
  readonly code: C;
  /** The facts behind the message, by code: see `ByeErrorData`. */
  readonly data: ByeErrorData[C];

  constructor(code: C, message: string, data: ByeErrorData[C], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.data = data;
    Object.defineProperty(this, BRAND, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** Beyond this many causes the chain is either a circle or of no use in a log. */
const MOST_CAUSES = 8;

/**
 * One line for a log or a refusal: message and code, with the chain of causes behind it. Never throws, whatever was
 * thrown: it tells of failures in places that must not fail themselves.
 */
export function describeError(error: unknown): string {
  try {
    return describe(error, 0);
  } catch {
    // A name or a message that is no text, or a getter that throws.
    return 'an error that cannot be read';
  }
}

function describe(error: unknown, depth: number): string {
  if (!(error instanceof Error)) return toText(error);
  const code = (error as { code?: unknown }).code;
  const head =
    typeof code === 'string' ? `${error.message || error.name} (${code})` : `${error.name}: ${error.message}`;
  return error.cause === undefined || depth === MOST_CAUSES ? head : `${head}: ${describe(error.cause, depth + 1)}`;
}

function toText(value: unknown): string {
  try {
    return String(value);
  } catch {
    // An object without a prototype, or with a toString() that throws.
    return Object.prototype.toString.call(value);
  }
}
