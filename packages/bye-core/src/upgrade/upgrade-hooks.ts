/** The application's part in an upgrade: its hooks, each kind in its time. */

import type { Deadline } from '../deadline.js';
import type { Emit } from '../diagnostics.js';
import { ByeError } from '../errors.js';
import type { HookList } from '../hooks.js';

/** @throws {ByeError} If one throws or does not end in time (`ERR_BYE_UPGRADE_HOOK`) */
export async function runBeforeHooks(hooks: HookList<void>, deadline: Deadline): Promise<void> {
  try {
    await hooks.runUntilError(undefined, deadline);
  } catch (error) {
    throw new ByeError('ERR_BYE_UPGRADE_HOOK', 'Cannot upgrade as a hook given to onBeforeUpgrade() failed', {}, error);
  }
}

/** Never throws: how the upgrade ended is settled. */
export async function runFailedHooks(
  hooks: HookList<unknown>,
  error: unknown,
  deadline: Deadline,
  emit: Emit,
): Promise<void> {
  for (const failure of await hooks.runTogether(error, deadline)) {
    emit('hook-failed', { hook: hooks.name, error: failure });
  }
}
