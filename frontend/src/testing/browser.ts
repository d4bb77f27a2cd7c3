/** What jsdom has not: modal dialogs and media queries. */

import { vi } from 'vitest';

/** Opens dialogs without making the rest inert; the window is wide. */
export function stubBrowser(): void {
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
  };
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
}
