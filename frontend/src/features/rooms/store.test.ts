import { afterEach, expect, test } from 'vitest';
import type { PlazaEvent } from '../../shared/realtime/events.ts';
import { entryFrom } from './model.ts';
import { applyRoomEvent, clearRooms, useRooms } from './store.ts';

const ROOM = 'r1';
const about = { room: ROOM, epoch: 'e1', time: '2026-01-01T00:00:00Z' };

function membership(type: 'joined' | 'left', version: number): PlazaEvent {
  return type === 'joined'
    ? { ...about, type, version, mode: 'PERSONAL' }
    : { ...about, type, version, reason: 'left' };
}

afterEach(() => {
  clearRooms();
});

test('a departure that is told again after the person came back changes nothing', () => {
  const room = entryFrom({
    id: ROOM,
    name: 'Square',
    topic: null,
    visibility: 'PUBLIC',
    memberCount: 2,
    unreadCount: 0,
    readNumber: 0,
    version: 1,
    epoch: 'e1',
    createdAt: about.time,
    fanout: 'PERSONAL',
    realtime: null,
    viewerMembership: { role: 'MEMBER', joinedAt: about.time },
    lastMessage: null,
  } as Parameters<typeof entryFrom>[0]);
  useRooms.setState({ rooms: { [ROOM]: room } });
  const isMember = () => useRooms.getState().rooms[ROOM]?.member;

  applyRoomEvent(membership('joined', 5));
  applyRoomEvent(membership('left', 4));
  expect(isMember()).toBe(true);
  applyRoomEvent(membership('left', 6));
  expect(isMember()).toBe(false);
});
