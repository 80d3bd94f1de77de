/** Owns waiting for what sends no event: a condition, polled, with a deadline. */

/** How long to wait, how often to look, and what the error calls it. */
export interface UntilOptions {
  /** @defaultValue 10000 */
  readonly timeoutMs?: number;
  /** @defaultValue 20 */
  readonly everyMs?: number;
  /** Completes "waited 10000 ms until …". */
  readonly what?: string;
}

/**
 * Waits until the condition gives something truthy, and returns that.
 *
 * @throws {Error} If it does not within `timeoutMs`; the error of the condition's last call is its cause.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 20, what = condition.toString() }: UntilOptions = {},
): Promise<Exclude<T, false | 0 | '' | null | undefined>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | 0 | '' | null | undefined>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline)
      throw new Error(`Waited ${timeoutMs} ms until ${what}`, last === undefined ? undefined : { cause: last });
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
