import { defineConfig } from 'vitest/config';

/** Tests of the whole product in Chromium, against a Plaza that runs; one at a time. */
export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 60_000,
  },
});
