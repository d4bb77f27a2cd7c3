import { describe, expect, test } from 'vitest';
import { entryFrom, type RoomEntry, type Rooms } from '../features/rooms/model.ts';
import { hasSilentRooms, isPushed, leaving, MOST_HEADS, wantedChannels } from './channels.ts';

const at = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString();

function room(id: string, mode: 'PERSONAL' | 'ROOM', change: Partial<RoomEntry> = {}): RoomEntry {
  const entry = entryFrom({
    id,
    name: id,
    topic: null,
    visibility: 'PUBLIC',
    memberCount: 2,
    unreadCount: 0,
    readNumber: 0,
    version: 1,
    epoch: 'e',
    createdAt: at(0),
    fanout: mode,
    realtime: {
      live: `live:${id}.1`,
      channel: mode === 'ROOM' ? `room:${id}.1` : null,
      headChannel: mode === 'ROOM' ? `head:${id}.1` : null,
    },
    viewerMembership: { role: 'MEMBER', joinedAt: at(0), mutedUntil: null },
    lastMessage: null,
  });
  return { ...entry, ...change };
}

const of = (...rooms: RoomEntry[]): Rooms => Object.fromEntries(rooms.map((one) => [one.id, one]));
const NOWHERE = { room: null, left: [] };
const names = (rooms: Rooms, place: Parameters<typeof wantedChannels>[1] = NOWHERE) =>
  [...wantedChannels(rooms, place).keys()].sort();

describe('wanted are', () => {
  const rooms = of(room('small', 'PERSONAL'), room('a', 'ROOM'), room('b', 'ROOM'));

  test('what large rooms say of where they stand', () => {
    expect(names(rooms)).toEqual(['head:a.1', 'head:b.1']);
  });

  test('who is in the open room, and the events of it and of those left last, where they are large', () => {
    expect(names(rooms, { room: 'small', left: ['b'] })).toEqual([
      'head:a.1',
      'head:b.1',
      'live:small.1',
      'room:b.1',
    ]);
    expect(names(rooms, { room: 'a', left: ['small'] })).toEqual([
      'head:a.1',
      'head:b.1',
      'live:a.1',
      'room:a.1',
    ]);
  });

  test('the events of a large room that is only read, but not where it stands', () => {
    const guest = of(room('a', 'ROOM', { member: false }));
    expect(names(guest, { room: 'a', left: [] })).toEqual(['live:a.1', 'room:a.1']);
    expect(names(guest)).toEqual([]);
  });

  test('nothing of a room that was left, or whose channels are not known', () => {
    const gone = of(room('a', 'ROOM', { member: false, route: null }));
    expect(names(gone, { room: 'a', left: [] })).toEqual([]);
  });

  test('of many large rooms the 100 that were active last', () => {
    const many = Array.from({ length: 130 }, (_, n) => room(`r${n}`, 'ROOM', { activeAt: at(n) }));
    const wanted = names(of(...many));
    expect(wanted).toHaveLength(MOST_HEADS);
    expect(wanted).toEqual(
      many
        .slice(30)
        .map(({ id }) => `head:${id}.1`)
        .sort(),
    );
  });
});

test('a room is pushed by the own channel or by its own; one that is read needs its own', () => {
  const isHeld = (channel: string) => channel === 'room:a.1';
  expect(isPushed(room('small', 'PERSONAL'), isHeld)).toBe(true);
  expect(isPushed(room('small', 'PERSONAL', { member: false }), isHeld)).toBe(false);
  expect(isPushed(room('a', 'ROOM'), isHeld)).toBe(true);
  expect(isPushed(room('a', 'ROOM', { member: false }), isHeld)).toBe(true);
  expect(isPushed(room('b', 'ROOM'), isHeld)).toBe(false);
});

test('a large room is silent until its head channel is held', () => {
  const rooms = of(room('small', 'PERSONAL'), room('a', 'ROOM'));
  expect(hasSilentRooms(rooms, () => false)).toBe(true);
  expect(hasSilentRooms(rooms, (channel) => channel === 'head:a.1')).toBe(false);
});

describe('leaving', () => {
  const held = wantedChannels(of(room('a', 'ROOM')), { room: 'a', left: [] });
  const become = (
    next: RoomEntry,
    place: Parameters<typeof wantedChannels>[1],
    ...open: string[]
  ) => {
    const rooms = of(next);
    return (settled: string[] = []) =>
      leaving(
        held,
        wantedChannels(rooms, place),
        rooms,
        place,
        (channel) => open.includes(channel),
        (channel) => settled.includes(channel),
      );
  };
  const here = { room: 'a', left: [] };

  test('a room that has become small keeps its channel until changes was answered', () => {
    const look = become(room('a', 'PERSONAL'), here, 'room:a.1');
    expect(look()).toEqual({ drop: ['head:a.1'], settle: ['a'] });
    expect(look(['room:a.1'])).toEqual({ drop: ['room:a.1', 'head:a.1'], settle: [] });
  });

  test('a room with another channel keeps the old one until the new one is there and changes was answered', () => {
    const next = room('a', 'ROOM');
    const route = {
      version: 2,
      mode: 'ROOM' as const,
      live: 'live:a.2',
      channel: 'private:a.2',
      headChannel: 'privatehead:a.2',
    };
    const waiting = become({ ...next, route }, here, 'room:a.1');
    expect(waiting()).toEqual({ drop: ['live:a.1', 'head:a.1'], settle: [] });
    const there = become({ ...next, route }, here, 'room:a.1', 'private:a.2');
    expect(there()).toEqual({ drop: ['live:a.1', 'head:a.1'], settle: ['a'] });
    const unknown = become({ ...next, route: { ...route, channel: null } }, here, 'room:a.1');
    expect(unknown().drop).not.toContain('room:a.1');
  });

  test('a room that was left, or that nobody looks at any more, is let go of at once', () => {
    const left = become(room('a', 'ROOM', { member: false, route: null }), here, 'room:a.1');
    expect(left()).toEqual({ drop: [...held.keys()], settle: [] });
    const elsewhere = become(room('a', 'ROOM'), { room: 'b', left: ['c', 'd'] }, 'room:a.1');
    expect(elsewhere()).toEqual({ drop: ['live:a.1', 'room:a.1'], settle: [] });
  });
});
