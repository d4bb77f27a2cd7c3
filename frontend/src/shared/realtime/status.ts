/**
 * What the indicator says. Sockets stay open when the publisher or Redis is
 * dead, so only the pulse proves that the whole path works.
 */
export type LiveStatus = 'live' | 'catching-up' | 'not-live' | 'offline';

export interface Signals {
  now: number;
  /** The browser has a network. */
  online: boolean;
  /** The server has real time switched on, as far as is known. */
  enabled: boolean;
  connected: boolean;
  /** When the socket last opened or closed, or the first attempt began. */
  since: number;
  /** When the last tick came; 0: never. */
  lastTick: number;
  /** What was missed is being fetched. */
  syncing: boolean;
}

/** A tick is sent every 5 s; after two that are missing nothing can be relied on. */
export const TICK_LIMIT_MS = 12_000;
/** A reconnect this quick is not worth a word. */
const GRACE_MS = 3_000;

export function liveStatus(signals: Signals): LiveStatus {
  const { now, online, enabled, connected, since, lastTick, syncing } = signals;
  if (!online) return 'offline';
  if (!enabled) return 'not-live';
  const ticking = lastTick > 0 && now - lastTick < TICK_LIMIT_MS;
  if (connected && ticking) return syncing ? 'catching-up' : 'live';
  const patience = connected ? TICK_LIMIT_MS : GRACE_MS;
  return now - since < patience ? 'catching-up' : 'not-live';
}
