/** Where the new process finds the state pipe. */

/** The field of `BYE_PREDECESSOR` that names the descriptor. */
export const STATE_FACT = 'stateFd';

/** Standard input, output, error, readiness pipe and channel come before it. */
const LEAST_FD = 5;

/** @returns `undefined` where the old process has no state to give, or is a version that knows none */
export function readStateFd(predecessor: string | undefined): number | undefined {
  try {
    const fd = (JSON.parse(predecessor ?? '') as Record<string, unknown>)[STATE_FACT];
    return typeof fd === 'number' && Number.isInteger(fd) && fd >= LEAST_FD ? fd : undefined;
  } catch {
    return undefined;
  }
}
