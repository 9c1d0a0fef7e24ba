import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'lint/**/*.test.ts', 'scripts/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/web/**', 'src/apps/*/ui/**', 'src/testing/**', '**/*.test.ts'] },
  },
});
