/** The viewer's own membership of a room: what pushes say of it, and how it ended. */

import type { Role } from '../../gql/graphql.ts';
import type { PlazaEvent } from '../../shared/realtime/events.ts';
import type { Departure, RoomEntry, Rooms } from './model.ts';
import { isRole } from './permissions.ts';

type MemberUpdated = Extract<PlazaEvent, { type: 'member.updated' }>;

/** Takes in what a push says of a member: how many there are, and what `me` may do. */
export function withMember(rooms: Rooms, event: MemberUpdated, me: string): Rooms {
  const known = rooms[event.room];
  if (!known) return rooms;
  const counted = withCount(known, event);
  const next = event.user.id === me ? withOwn(counted, event) : counted;
  return next === known ? rooms : { ...rooms, [event.room]: next };
}

function withCount(known: RoomEntry, { memberCount, version }: MemberUpdated): RoomEntry {
  return known.countVersion >= version ? known : { ...known, memberCount, countVersion: version };
}

/** That somebody is no longer a member is told by `left`. */
function withOwn(known: RoomEntry, { role, mutedUntil, version }: MemberUpdated): RoomEntry {
  if (!known.member || known.membershipVersion >= version || !isRole(role)) return known;
  return { ...known, role, mutedUntil, membershipVersion: version };
}

/** What a `left` event gives as its reason. */
export function readDeparture(reason: string): Departure {
  return reason === 'kicked' || reason === 'banned' || reason === 'room_deleted' ? reason : 'left';
}

/** What takes the place of a room that the viewer has no part in any more; `ended`: nobody said how. */
export type Ending = Departure | 'ended';

/**
 * How it ended for somebody who can no longer read here; null: they can. Who was
 * removed from a public room may still read it.
 */
export function endingOf(room: RoomEntry, unreadable: boolean): Ending | null {
  const { member, visibility, departure } = room;
  if (member) return null;
  if (departure === 'banned' || departure === 'room_deleted') return departure;
  if (visibility === 'PUBLIC' && !unreadable) return null;
  return departure ?? 'ended';
}

/** Who owns a room after its last owner has left. */
export type Successor<Person> =
  /** It has another owner, or the viewer is none. */
  | { kind: 'nobody' }
  | { kind: 'member'; who: Person }
  /** The viewer is the last member. */
  | { kind: 'empty' };

/**
 * Who follows when `me` leaves. `first` are the first two of the room's list:
 * higher roles first, then by when they joined.
 */
export function successorOf<Person extends { id: string }>(
  me: string,
  role: Role | null,
  first: readonly { user: Person; role: Role }[],
): Successor<Person> {
  const other = first.find(({ user }) => user.id !== me);
  if (!other) return { kind: 'empty' };
  if (role !== 'OWNER' || other.role === 'OWNER') return { kind: 'nobody' };
  return { kind: 'member', who: other.user };
}
