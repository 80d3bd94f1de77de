import { expect, it } from 'vitest';
import { startLab } from './lab.js';

it('a misspelt variable is warned of once, with the one that was meant; those of others are not', async () => {
  await using app = startLab({ env: { BYE_LOG: 'warn', BYE_SHUTDOWN_DELAY: '10', BYE_FOREIGN: '1' } });
  const { pid } = await app.waitForGeneration(0);
  await app.waitForLine('BYE_SHUTDOWN_DELAY');
  const warnings = app.log.lines.filter(({ text }) => text.includes('warn:'));
  expect(warnings.map(({ text }) => text)).toEqual([
    `bye[${pid}] warn: variable BYE_SHUTDOWN_DELAY has no meaning: BYE_SHUTDOWN_DELAY_MS has`,
  ]);
});
