/** The option `successor`, where it is a function: asked at each upgrade, in the upgrade's time. */

import type { Deadline } from '../deadline.js';
import { ByeError } from '../errors.js';
import type { ByeOptions, SuccessorOptions } from '../options/types.js';

/** @throws {ByeError} If the function throws, or does not answer in time (`ERR_BYE_UPGRADE_HOOK`) */
export async function askSuccessor(
  successor: ByeOptions['successor'],
  deadline: Deadline,
): Promise<SuccessorOptions | undefined> {
  if (typeof successor !== 'function') return successor;
  const asked = Promise.resolve().then(successor);
  try {
    if (await deadline.covers(asked)) return await asked;
    throw new Error('It did not answer within upgradeTimeoutMs');
  } catch (error) {
    const message = "Cannot upgrade as the function given as option 'successor' failed";
    throw new ByeError('ERR_BYE_UPGRADE_HOOK', message, {}, error);
  }
}
