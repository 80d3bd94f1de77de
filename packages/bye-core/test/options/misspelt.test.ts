import { afterEach, expect, test, vi } from 'vitest';
import { describeMisspelt } from '../../src/options/misspelt.js';

afterEach(() => vi.unstubAllEnvs());

test.each([
  ['BYE_SHUTDOWN_DELAY', 'BYE_SHUTDOWN_DELAY_MS'],
  ['BYE_SHUTDOWNDELAY_MS', 'BYE_SHUTDOWN_DELAY_MS'],
  ['BYE_SHUTDWON_TIMEOUT_MS', 'BYE_SHUTDOWN_TIMEOUT_MS'],
  ['BYE_KEEPALIVE_GRACE_MS', 'BYE_KEEP_ALIVE_GRACE_MS'],
  ['BYE_PIDFILE', 'BYE_PID_FILE'],
  ['BYE_UPGRADE_SIGNAL', 'BYE_UPGRADE_SIGNALS'],
  ['BYE_pid_file', 'BYE_PID_FILE'],
  ['BYE_EXIT_', 'BYE_EXIT'],
])('%s is told to be %s', (name, meant) => {
  vi.stubEnv(name, '1');
  expect(describeMisspelt()).toEqual([`variable ${name} has no meaning: ${meant} has`]);
});

test.each([
  'BYE_SHUTDOWN_DELAY_MS',
  'BYE_LOG',
  'BYE_LISTENERS',
  'BYE_TEST_ID',
  'BYE_EDIT',
  'BYE_',
  'BYE_DOG',
  'BYEBYE_PIDFILE',
  'PID_FILE',
])('%s is left alone', (name) => {
  vi.stubEnv(name, '1');
  expect(describeMisspelt()).toEqual([]);
});
