import { describe, expect, test } from 'vitest';
import { roomEntry as entry } from '../../testing/entry.ts';
import {
  type Head,
  joinedByActivity,
  type RoomEntry,
  type Rooms,
  unreadOf,
  withHeadEvent,
  withHeads,
  withMessage,
  withoutEpochs,
  withoutRoom,
  withRead,
  withRoom,
} from './model.ts';

function head(roomId: string, change: Partial<Head> = {}): Head {
  return {
    roomId,
    headSeq: 0,
    version: 1,
    number: 0,
    unreadCount: 0,
    lastMessageAt: null,
    preview: null,
    epoch: 'e',
    ...change,
  };
}

const message = (number: number, authorId = 'other') => ({
  epoch: 'e',
  number,
  authorId,
  author: 'Ada Boateng',
  content: `message ${number}`,
  createdAt: `2026-01-01T11:00:0${number}.5Z`,
  deleted: false,
});

const of = (...entries: RoomEntry[]): Rooms =>
  Object.fromEntries(entries.map((room) => [room.id, room]));

const get = (rooms: Rooms, id: string): RoomEntry => {
  const room = rooms[id];
  if (!room) throw new Error(`no room ${id}`);
  return room;
};

describe('a message', () => {
  test('counts as unread, once, whatever the order in which it comes', () => {
    let rooms = of(entry('a'));
    for (const number of [1, 3, 2, 3]) rooms = withMessage(rooms, 'a', message(number), 'me');
    expect(unreadOf(get(rooms, 'a'))).toBe(3);
    expect(get(rooms, 'a').preview?.text).toBe('message 3');
  });

  test('of my own is read', () => {
    const rooms = withMessage(of(entry('a')), 'a', message(1, 'me'), 'me');
    expect(unreadOf(get(rooms, 'a'))).toBe(0);
  });

  test('moves its room to the top', () => {
    const rooms = of(entry('a', { activeAt: '2026-01-01T10:30:00Z' }), entry('b'));
    expect(joinedByActivity(rooms).map(({ id }) => id)).toEqual(['a', 'b']);
    const after = withMessage(rooms, 'b', message(1), 'me');
    expect(joinedByActivity(after).map(({ id }) => id)).toEqual(['b', 'a']);
  });

  test('that is edited or deleted changes the preview, not the place', () => {
    const before = withMessage(of(entry('a')), 'a', message(1), 'me');
    const edited = { ...message(1), content: 'other words', createdAt: '2026-01-01T12:00:00Z' };
    const after = withMessage(before, 'a', edited, 'me');
    expect(get(after, 'a').preview?.text).toBe('other words');
    expect(get(after, 'a').activeAt).toBe(get(before, 'a').activeAt);
  });
});

describe('heads', () => {
  test('bring what was missed, and never take a mark back', () => {
    const rooms = of(entry('a', { readNumber: 5, lastNumber: 5 }));
    const behind = withHeads(rooms, [head('a', { number: 8, unreadCount: 6 })], true);
    expect(get(behind.rooms, 'a')).toMatchObject({ readNumber: 5, lastNumber: 8 });
    expect(unreadOf(get(behind.rooms, 'a'))).toBe(3);
  });

  test('older than a push change nothing', () => {
    const rooms = withMessage(of(entry('a')), 'a', message(3), 'me');
    const { rooms: after } = withHeads(rooms, [head('a', { number: 2, unreadCount: 2 })], true);
    expect(after).toEqual(rooms);
  });

  test('ask for rooms that are new, changed, or of another epoch', () => {
    const rooms = of(entry('same'), entry('changed'), entry('restored'), entry('left'));
    const { rooms: after, ask } = withHeads(
      withoutRoom(rooms, 'same'),
      [head('changed', { version: 2 }), head('restored', { epoch: 'e2' }), head('new')],
      true,
    );
    expect(ask).toEqual(['changed', 'restored', 'new']);
    expect(get(after, 'left').member).toBe(false);
  });

  test('from before a join do not take the room away', () => {
    const { rooms } = withHeads(of(entry('a')), [], false);
    expect(get(rooms, 'a').member).toBe(true);
  });
});

describe('what a query answers', () => {
  test('does not undo what was pushed while it was on its way', () => {
    const pushed = withRead(withMessage(of(entry('a')), 'a', message(4), 'me'), 'a', 3);
    const stale = entry('a', { lastNumber: 2, readNumber: 1, memberCount: 9 });
    expect(get(withRoom(pushed, stale), 'a')).toMatchObject({
      lastNumber: 4,
      readNumber: 3,
      memberCount: 9,
      preview: { number: 4 },
    });
  });

  test('of another epoch replaces everything', () => {
    const rooms = of(entry('a', { lastNumber: 9, readNumber: 9 }));
    const restored = entry('a', { epoch: 'e2', lastNumber: 2, readNumber: 1 });
    expect(get(withRoom(rooms, restored), 'a')).toEqual(restored);
  });
});

describe('a head event', () => {
  const event = {
    room: 'a',
    epoch: 'e',
    version: 1,
    number: 5,
    lastMessageAt: '2026-01-02T10:00:00Z',
    preview: 'the newest',
  };

  test('brings number, time and preview', () => {
    const { rooms, ask } = withHeadEvent(of(entry('a', { readNumber: 2 })), event);
    expect(ask).toBe(false);
    const room = get(rooms, 'a');
    expect(room).toMatchObject({
      lastNumber: 5,
      activeAt: '2026-01-02T10:00:00Z',
      preview: { number: 5, text: 'the newest', deleted: false },
    });
    expect(unreadOf(room)).toBe(3);
  });

  test('that is not ahead changes nothing', () => {
    const rooms = of(entry('a', { lastNumber: 5 }));
    expect(withHeadEvent(rooms, event)).toEqual({ rooms, ask: false });
    expect(withHeadEvent(rooms, { ...event, number: null, version: null }).ask).toBe(false);
  });

  test('asks for the room when it says less than the list shows, or the room has changed', () => {
    const rooms = of(entry('a'));
    expect(withHeadEvent(rooms, { ...event, preview: undefined }).ask).toBe(true);
    expect(withHeadEvent(rooms, { ...event, lastMessageAt: null }).ask).toBe(true);
    expect(withHeadEvent(rooms, { ...event, number: 0, version: 2 }).ask).toBe(true);
    expect(withHeadEvent(rooms, { ...event, epoch: 'e2' })).toEqual({ rooms, ask: true });
    expect(withHeadEvent(rooms, { ...event, room: 'b' })).toEqual({ rooms, ask: true });
  });
});

test('a message of another epoch says nothing of this one', () => {
  const rooms = of(entry('a'));
  expect(withMessage(rooms, 'a', { ...message(9), epoch: 'e0' }, 'me')).toBe(rooms);
});

test('of another epoch only what is joined stays, until it is loaded again', () => {
  const rooms = of(entry('joined'), entry('read', { member: false }));
  expect(Object.keys(withoutEpochs(rooms, 'e2'))).toEqual(['joined']);
  expect(withoutEpochs(rooms, 'e')).toBe(rooms);
});
