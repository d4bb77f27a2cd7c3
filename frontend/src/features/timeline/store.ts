import { create } from 'zustand';
import type { ErrorCode } from '../../shared/graphql/errors.ts';
import type { OwnSend } from './model/sends.ts';
import { settle } from './model/sends.ts';
import type { Change, Timeline } from './model/timeline.ts';

/** What this tab holds of one room. */
export interface Held {
  timeline: Timeline | null;
  /** Changes that came while the first page was on its way. */
  early: readonly Change[];
  loading: { first: boolean; older: boolean; newer: boolean };
  failed: { first: ErrorCode | null; older: ErrorCode | null; newer: ErrorCode | null };
  sends: readonly OwnSend[];
}

interface TimelinesState {
  held: Readonly<Record<string, Held>>;
}

const NOTHING: Held = {
  timeline: null,
  early: [],
  loading: { first: false, older: false, newer: false },
  failed: { first: null, older: null, newer: null },
  sends: [],
};

export const useTimelines = create<TimelinesState>(() => ({ held: {} }));

export function heldOf(roomId: string): Held {
  return useTimelines.getState().held[roomId] ?? NOTHING;
}

export function setHeld(roomId: string, change: Partial<Held>): void {
  useTimelines.setState(({ held }) => ({
    held: { ...held, [roomId]: { ...(held[roomId] ?? NOTHING), ...change } },
  }));
}

/** Changes the timeline, if there is one, and lets go of the sends that it answers. */
export function changeTimeline(
  roomId: string,
  me: string,
  change: (timeline: Timeline) => Timeline,
): Timeline | null {
  const { timeline, sends } = heldOf(roomId);
  if (!timeline) return null;
  const next = change(timeline);
  if (next !== timeline)
    setHeld(roomId, { timeline: next, sends: settle(sends, next.messages, me) });
  return next;
}

/** Lets go of the timelines of all rooms but these; unsent messages stay. */
export function keepOnly(roomIds: readonly string[]): void {
  const keep = new Set(roomIds);
  useTimelines.setState(({ held }) => ({
    held: Object.fromEntries(
      Object.entries(held).flatMap(([id, room]) => {
        if (keep.has(id)) return [[id, room]];
        return room.sends.length > 0 ? [[id, { ...NOTHING, sends: room.sends }]] : [];
      }),
    ),
  }));
}

export function clearTimelines(): void {
  useTimelines.setState({ held: {} }, true);
}
