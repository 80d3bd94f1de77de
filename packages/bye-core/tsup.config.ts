import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/register.ts', 'src/testing.ts', 'src/preload.ts'],
  format: ['cjs'],
  target: 'node20',
  platform: 'node',
  splitting: true,
  // Stack traces say Bye, not _Bye.
  keepNames: true,
  clean: true,
  dts: { entry: ['src/index.ts', 'src/register.ts', 'src/testing.ts'] },
});
