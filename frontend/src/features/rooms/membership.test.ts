import { describe, expect, test } from 'vitest';
import type { PlazaEvent } from '../../shared/realtime/events.ts';
import { roomEntry } from '../../testing/entry.ts';
import { endingOf, readDeparture, successorOf, withMember } from './membership.ts';
import { type Rooms, withHeads, withoutRoom, withRoom } from './model.ts';

type MemberUpdated = Extract<PlazaEvent, { type: 'member.updated' }>;

const LATER = '2026-01-01T12:00:00Z';

function updated(version: number, change: Partial<MemberUpdated> = {}): MemberUpdated {
  return {
    type: 'member.updated',
    room: 'a',
    epoch: 'e',
    time: '',
    version,
    user: { id: 'me', username: 'me', displayName: 'Me' },
    role: 'MEMBER',
    mutedUntil: null,
    memberCount: 2,
    ...change,
  };
}

const room = (rooms: Rooms) => {
  const found = rooms.a;
  if (!found) throw new Error('no room');
  return found;
};

const start: Rooms = { a: roomEntry('a') };

describe('a push about a member', () => {
  test('of the viewer brings role and mute', () => {
    const rooms = withMember(start, updated(2, { role: 'MODERATOR', mutedUntil: LATER }), 'me');
    expect(room(rooms)).toMatchObject({ role: 'MODERATOR', mutedUntil: LATER });
  });

  test('of somebody else brings the number of members alone', () => {
    const rooms = withMember(start, updated(2, { role: 'ADMIN', memberCount: 7 }), 'ada');
    expect(room(rooms)).toMatchObject({ role: 'MEMBER', memberCount: 7 });
  });

  test('that comes late changes nothing', () => {
    const muted = withMember(start, updated(3, { mutedUntil: LATER }), 'me');
    expect(withMember(muted, updated(2), 'me')).toEqual(muted);
  });

  test('that says that the viewer is gone leaves that to the event which says why', () => {
    expect(room(withMember(start, updated(2, { role: null }), 'me'))).toMatchObject({
      member: true,
      role: 'MEMBER',
    });
  });

  test('stands against an answer that was on its way, and yields to a later one', () => {
    const muted = withMember(start, updated(5, { mutedUntil: LATER }), 'me');
    const stale = withRoom(muted, roomEntry('a', { version: 4 }));
    expect(room(stale).mutedUntil).toBe(LATER);
    const fresh = withRoom(muted, roomEntry('a', { version: 6, role: 'ADMIN' }));
    expect(room(fresh)).toMatchObject({ role: 'ADMIN', mutedUntil: null });
  });
});

describe('a membership that has ended', () => {
  test('leaves neither role nor mute, and what it ended by', () => {
    const muted = withMember(start, updated(5, { mutedUntil: LATER }), 'me');
    expect(room(withoutRoom(muted, 'a', 'kicked'))).toMatchObject({
      member: false,
      role: null,
      mutedUntil: null,
      departure: 'kicked',
    });
  });

  test('that heads tell of as well keeps its reason', () => {
    const kicked = withoutRoom(start, 'a', 'kicked');
    expect(room(withHeads(kicked, [], true).rooms).departure).toBe('kicked');
    expect(room(withoutRoom(kicked, 'a')).departure).toBe('kicked');
    expect(room(withHeads(start, [], true).rooms)).toMatchObject({
      member: false,
      departure: null,
    });
  });

  test('is forgotten by who comes back, whose new role counts from the beginning', () => {
    const muted = withMember(start, updated(9, { mutedUntil: LATER }), 'me');
    const back = withRoom(withoutRoom(muted, 'a', 'kicked'), roomEntry('a', { version: 8 }));
    expect(room(back)).toMatchObject({ member: true, mutedUntil: null, departure: null });
  });

  test.each(['left', 'kicked', 'banned', 'room_deleted'] as const)('by %s is read', (reason) => {
    expect(readDeparture(reason)).toBe(reason);
  });

  test('by a reason that is not known counts as left', () => {
    expect(readDeparture('evaporated')).toBe('left');
  });
});

describe('what takes the place of a room', () => {
  const ending = (
    visibility: 'PUBLIC' | 'PRIVATE',
    departure: 'left' | 'kicked' | 'banned' | 'room_deleted' | null,
    unreadable = false,
  ) => endingOf(roomEntry('a', { member: false, visibility, departure }), unreadable);

  test('is nothing for a member, whatever was before', () => {
    expect(endingOf(roomEntry('a', { visibility: 'PRIVATE' }), true)).toBeNull();
  });

  test.each([
    ['PRIVATE', 'left', 'left'],
    ['PRIVATE', 'kicked', 'kicked'],
    ['PRIVATE', 'banned', 'banned'],
    ['PRIVATE', 'room_deleted', 'room_deleted'],
    ['PRIVATE', null, 'ended'],
    ['PUBLIC', 'left', null],
    ['PUBLIC', 'kicked', null],
    ['PUBLIC', 'banned', 'banned'],
    ['PUBLIC', 'room_deleted', 'room_deleted'],
    ['PUBLIC', null, null],
  ] as const)('%s, %s: %s', (visibility, departure, expected) => {
    expect(ending(visibility, departure)).toBe(expected);
  });

  test('is there for a public room too once it cannot be read', () => {
    expect(ending('PUBLIC', null, true)).toBe('ended');
    expect(ending('PUBLIC', 'kicked', true)).toBe('kicked');
  });
});

describe('who follows a leaving owner', () => {
  const owner = { user: { id: 'me' }, role: 'OWNER' as const };
  const other = (role: 'OWNER' | 'ADMIN' | 'MODERATOR' | 'MEMBER') => ({
    user: { id: 'ada' },
    role,
  });

  test.each(['ADMIN', 'MODERATOR', 'MEMBER'] as const)('the first other, a %s', (role) => {
    expect(successorOf('me', 'OWNER', [owner, other(role)])).toEqual({
      kind: 'member',
      who: { id: 'ada' },
    });
  });

  test('nobody while there is another owner, wherever the viewer stands', () => {
    expect(successorOf('me', 'OWNER', [owner, other('OWNER')])).toEqual({ kind: 'nobody' });
    expect(successorOf('me', 'OWNER', [other('OWNER'), owner])).toEqual({ kind: 'nobody' });
  });

  test('nobody when no owner leaves', () => {
    expect(successorOf('me', 'ADMIN', [other('OWNER'), other('MEMBER')])).toEqual({
      kind: 'nobody',
    });
  });

  test('nobody is left behind the last member', () => {
    expect(successorOf('me', 'OWNER', [owner])).toEqual({ kind: 'empty' });
  });
});
