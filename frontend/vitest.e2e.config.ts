import { defineConfig } from 'vitest/config';

/** Tests of the whole product in Chromium, against a Plaza that runs; one at a time. */
export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 60_000,
    // Instead of one second: a loaded machine needs longer for a screen.
    expect: { poll: { timeout: 15_000 } },
  },
});
