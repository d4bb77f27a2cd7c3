/** Which channels this tab holds: pure functions over what it knows of rooms. */

import { joinedByActivity, type RoomEntry, type Rooms } from '../features/rooms/model.ts';

/** Channels of where rooms stand: of the large rooms that were active last. */
export const MOST_HEADS = 100;

export interface Wanted {
  roomId: string;
  /** The room's events, where it stands, or who is there. */
  kind: 'room' | 'head' | 'live';
}

export type WantedChannels = ReadonlyMap<string, Wanted>;

interface Place {
  /** The open room. */
  room: string | null;
  /** The rooms left last whose events still come. */
  left: readonly string[];
}

/** The channels to hold, by name. */
export function wantedChannels(rooms: Rooms, { room: open, left }: Place): WantedChannels {
  const wanted = new Map<string, Wanted>();
  const want = (channel: string | null | undefined, roomId: string, kind: Wanted['kind']) => {
    if (channel) wanted.set(channel, { roomId, kind });
  };
  if (open !== null) want(rooms[open]?.route?.live, open, 'live');
  for (const roomId of open === null ? left : [open, ...left]) {
    want(rooms[roomId]?.route?.channel, roomId, 'room');
  }
  for (const { id, route } of largeByActivity(rooms).slice(0, MOST_HEADS)) {
    want(route?.headChannel, id, 'head');
  }
  return wanted;
}

/** The joined rooms with channels of their own. */
function largeByActivity(rooms: Rooms): RoomEntry[] {
  const large = Object.values(rooms).filter(({ member, route }) => member && route?.headChannel);
  if (large.length <= MOST_HEADS) return large;
  return joinedByActivity(Object.fromEntries(large.map((room) => [room.id, room])));
}

/** Whether the room's events come by themselves, as long as the connection is live. */
export function isPushed(room: RoomEntry, isHeld: (channel: string) => boolean): boolean {
  const { member, route } = room;
  if (route?.mode === 'ROOM') return route.channel !== null && isHeld(route.channel);
  // Before it is known, a member's events are taken to come by the own channel.
  return member;
}

/** Whether of some large room nothing says where it stands: that has to be asked. */
export function hasSilentRooms(rooms: Rooms, isHeld: (channel: string) => boolean): boolean {
  return Object.values(rooms).some(
    ({ member, route }) =>
      member && route?.mode === 'ROOM' && !(route.headChannel && isHeld(route.headChannel)),
  );
}

export interface Leaving {
  /** Channels to let go of now. */
  drop: readonly string[];
  /** Rooms of which `changes` has to be answered before their old channel is left. */
  settle: readonly string[];
}

/**
 * What becomes of held channels that are no longer wanted. The old channel of a
 * room that is still followed is left only once the new one is there and
 * `changes` was answered after that (`settled`, by channel).
 */
export function leaving(
  held: WantedChannels,
  wanted: WantedChannels,
  rooms: Rooms,
  { room: open, left }: Place,
  isHeld: (channel: string) => boolean,
  settled: (channel: string) => boolean,
): Leaving {
  const drop: string[] = [];
  const settle = new Set<string>();
  for (const [channel, { roomId, kind }] of held) {
    if (wanted.has(channel)) continue;
    const room = rooms[roomId];
    const followed = roomId === open || left.includes(roomId);
    if (kind !== 'room' || !followed || !room?.route || settled(channel)) drop.push(channel);
    else if (isPushed(room, isHeld) || room.route.mode === 'PERSONAL') settle.add(roomId);
  }
  return { drop, settle: [...settle] };
}
