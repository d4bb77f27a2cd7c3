/**
 * Work that the tabs of a browser do one at a time (Web Locks). Without a
 * secure context there are no locks, and each tab works by itself.
 */
export const haveTurns = typeof navigator !== 'undefined' && navigator.locks !== undefined;

/** Runs `work` when no other tab runs work of this name; a tab that is closed lets go. */
export async function inTurn(name: string, work: () => Promise<void>): Promise<void> {
  await (haveTurns ? navigator.locks.request(name, work) : work());
}
