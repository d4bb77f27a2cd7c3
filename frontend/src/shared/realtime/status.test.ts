import { expect, test } from 'vitest';
import { liveStatus, type Signals, TICK_LIMIT_MS } from './status.ts';

const NOW = 1_000_000;
const LIVE: Signals = {
  now: NOW,
  online: true,
  enabled: true,
  connected: true,
  since: NOW - 60_000,
  lastTick: NOW - 5_000,
  syncing: false,
};

test.each<[string, Partial<Signals>, string]>([
  ['a tick within 12 s', {}, 'live'],
  ['what was missed is being fetched', { syncing: true }, 'catching-up'],
  ['no tick for 12 s, though the socket is open', { lastTick: NOW - TICK_LIMIT_MS }, 'not-live'],
  ['connected a moment ago, no tick yet', { lastTick: 0, since: NOW - 5_000 }, 'catching-up'],
  ['connected for 12 s, never a tick', { lastTick: 0, since: NOW - TICK_LIMIT_MS }, 'not-live'],
  ['the socket closed a second ago', { connected: false, since: NOW - 1_000 }, 'catching-up'],
  ['the socket closed 3 s ago', { connected: false, since: NOW - 3_000 }, 'not-live'],
  ['real time is switched off', { enabled: false, connected: false }, 'not-live'],
  ['there is no network', { online: false }, 'offline'],
])('%s', (_, signals, status) => {
  expect(liveStatus({ ...LIVE, ...signals })).toBe(status);
});
