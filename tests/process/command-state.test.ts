import { afterEach, beforeEach, expect, it } from 'vitest';
import { bye, byeJson } from './command.js';
import { Scratch } from './lab.js';
import { type Plan, StateLab } from './state-lab.js';

// `bye upgrade` of a service with state that does not get across: exit code 1, the reason, and the old process serves on.

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch[Symbol.dispose]());

it.each<[code: string, what: string, plan: Plan, says: RegExp]>([
  [
    'ERR_BYE_STATE_REFUSED',
    'the new version refuses it',
    { version: 3, reads: [2, 3] },
    /refuses the state 'app', version 1 \(ERR_BYE_STATE_REFUSED\)[\s\S]*Do: let the new version read/,
  ],
  [
    'ERR_BYE_STATE_SAVE',
    'the old one cannot save it',
    { breaks: { save: 'throw' } },
    /saving the state 'app' failed \(ERR_BYE_STATE_SAVE\)\n {2}because: save broken on purpose[\s\S]*Do: look at the cause/,
  ],
])('%s: %s', async (code, _what, plan, says) => {
  const controlSocket = scratch.path('bye.sock');
  await using lab = new StateLab({}, { controlSocket });
  const pid = await lab.ready();
  lab.deploy(plan);
  const told = await bye(['upgrade', '--socket', controlSocket]);
  expect(told).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(code) });
  expect(told.stderr).toMatch(says);
  expect(told.stderr).toContain('The old process serves on.');
  expect((await lab.told()).pid).toBe(pid);

  lab.deploy({});
  const { result } = await byeJson(['upgrade', '--wait', '--socket', controlSocket]);
  expect(result).toMatchObject({ ok: true, pid: await lab.ready(1), generation: 1 });
});
