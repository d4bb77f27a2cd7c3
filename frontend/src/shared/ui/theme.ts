import { create } from 'zustand';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'plaza-theme';

export const useTheme = create<{ theme: Theme }>(() => ({ theme: read() }));

export function setTheme(theme: Theme): void {
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Without storage the choice lives as long as the tab.
  }
  useTheme.setState({ theme });
  showTheme();
}

/** Puts the chosen theme on the page; the system's needs nothing. */
export function showTheme(): void {
  const { theme } = useTheme.getState();
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function read(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system';
  }
}
