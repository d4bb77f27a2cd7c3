import type { RoomEntry } from '../features/rooms/model.ts';

/** A room that the viewer is in, as a tab knows it. */
export function roomEntry(id: string, change: Partial<RoomEntry> = {}): RoomEntry {
  return {
    id,
    name: id,
    topic: '',
    visibility: 'PUBLIC',
    memberCount: 2,
    version: 1,
    countVersion: 0,
    epoch: 'e',
    member: true,
    role: 'MEMBER',
    mutedUntil: null,
    membershipVersion: 0,
    departure: null,
    readNumber: 0,
    lastNumber: 0,
    activeAt: '2026-01-01T10:00:00Z',
    preview: null,
    ...change,
  };
}
