import { readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    register: 'src/register.ts',
    testing: 'src/testing.ts',
    preload: 'src/preload.ts',
    cli: 'src/cli/main.ts',
  },
  format: ['cjs'],
  target: 'node20',
  platform: 'node',
  splitting: true,
  treeshake: true,
  // Stack traces say Bye, not _Bye.
  keepNames: true,
  define: { BUILD_VERSION: JSON.stringify(version) },
  clean: true,
  dts: { entry: ['src/index.ts', 'src/register.ts', 'src/testing.ts'] },
});
