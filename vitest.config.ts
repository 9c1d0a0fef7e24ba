/** Unit and integration tests: beside the code, in their own processes, real databases and sockets. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,lint,scripts,bench,prove}/**/*.test.{ts,tsx}'],
    globalSetup: ['src/testing/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // As long as a busy machine needs: what hangs fails all the same, only later.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    passWithNoTests: false,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/web/**', 'src/apps/*/ui/**', 'src/testing/**', '**/*.test.ts', '**/types.ts'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: '.build/coverage',
      thresholds: { lines: 90 },
    },
  },
});
