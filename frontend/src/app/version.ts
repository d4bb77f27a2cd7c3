import { create } from 'zustand';

/** Whether the server has a newer build of this page. */
export const useVersion = create<{ outdated: boolean }>(() => ({ outdated: false }));

const CHECK_MS = 10 * 60_000;

/** Looks now and then, when the tab comes back, and when a part of the page is gone. */
export function watchVersion(): void {
  addEventListener('vite:preloadError', () => useVersion.setState({ outdated: true }));
  document.addEventListener('visibilitychange', () => void check());
  setInterval(() => void check(), CHECK_MS);
}

async function check(): Promise<void> {
  if (document.visibilityState !== 'visible' || useVersion.getState().outdated) return;
  try {
    const response = await fetch('/version.json', { cache: 'no-store' });
    const { build } = (await response.json()) as { build?: unknown };
    if (response.ok && typeof build === 'string' && build !== __BUILD_ID__) {
      useVersion.setState({ outdated: true });
    }
  } catch {
    // Not reachable, or no such file: the next look tells.
  }
}
