/** How every adapter is built: equal twins, from one place. */

import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts'],
  format: ['cjs'],
  target: 'node20',
  platform: 'node',
  splitting: false,
  clean: true,
  dts: true,
  // Makes the types say `export =`, as the footer makes require() return the callable itself.
  cjsInterop: true,
  footer: { js: 'module.exports = Object.assign(module.exports.default, module.exports);' },
});
