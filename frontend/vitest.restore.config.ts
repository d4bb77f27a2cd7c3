import { defineConfig } from 'vitest/config';

/** What operator/tests/node/browsers.rs runs, beside a chat in Kubernetes. */
export default defineConfig({
  test: { include: ['e2e/restore.ts'], testTimeout: 480_000, hookTimeout: 60_000 },
});
