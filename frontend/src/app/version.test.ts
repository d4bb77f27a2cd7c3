// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useVersion, watchVersion } from './version.ts';

let build: string;

beforeEach(() => {
  vi.useFakeTimers();
  build = 'test';
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ build })));
  useVersion.setState({ outdated: false });
  watchVersion();
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('the build that runs is not outdated, another on the server makes it so', async () => {
  await vi.advanceTimersByTimeAsync(11 * 60_000);
  expect(useVersion.getState().outdated).toBe(false);
  build = 'newer';
  document.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(0);
  expect(useVersion.getState().outdated).toBe(true);
});

test('a server that does not answer says nothing of versions', async () => {
  vi.stubGlobal('fetch', async () => new Response('gone', { status: 502 }));
  await vi.advanceTimersByTimeAsync(11 * 60_000);
  expect(useVersion.getState().outdated).toBe(false);
});

test('a part of the page that is gone means a newer build', () => {
  dispatchEvent(new Event('vite:preloadError'));
  expect(useVersion.getState().outdated).toBe(true);
});
