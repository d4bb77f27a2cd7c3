/** The rooms that this tab knows: pure functions over immutable values. */

import type { Role, RoomFieldsFragment, Visibility } from '../../gql/graphql.ts';

export interface RoomEntry {
  id: string;
  name: string;
  topic: string;
  visibility: Visibility;
  memberCount: number;
  /** Of name, topic and visibility: the newer stands. */
  version: number;
  /** Of the number of members that a push brought: the newer stands. */
  countVersion: number;
  epoch: string;
  member: boolean;
  /** What the viewer may do here; null: not a member. */
  role: Role | null;
  /** Until when the viewer may not write, if that is still to come. */
  mutedUntil: string | null;
  /** Of role and mute: the newer stands. */
  membershipVersion: number;
  /** How the viewer's membership ended, where that was told. */
  departure: Departure | null;
  /** Everything up to this number is read; only grows. */
  readNumber: number;
  lastNumber: number;
  /** When something last happened: the newest message, else the joining. */
  activeAt: string;
  preview: Preview | null;
}

/** Why somebody is no longer a member. */
export type Departure = 'left' | 'kicked' | 'banned' | 'room_deleted';

export interface Preview {
  number: number;
  authorId: string | null;
  author: string | null;
  text: string;
  deleted: boolean;
}

export type Rooms = Readonly<Record<string, RoomEntry>>;

export interface Head {
  roomId: string;
  headSeq: number;
  version: number;
  number: number;
  unreadCount: number;
  lastMessageAt: string | null;
  preview: string | null;
  epoch: string;
}

export function entryFrom(room: RoomFieldsFragment): RoomEntry {
  const last = room.lastMessage;
  return {
    id: room.id,
    name: room.name,
    topic: room.topic ?? '',
    visibility: room.visibility,
    memberCount: room.memberCount,
    version: room.version,
    countVersion: 0,
    epoch: room.epoch,
    member: room.viewerMembership !== null,
    role: room.viewerMembership?.role ?? null,
    mutedUntil: room.viewerMembership?.mutedUntil ?? null,
    membershipVersion: 0,
    departure: null,
    readNumber: room.readNumber,
    lastNumber: last?.number ?? room.readNumber,
    activeAt: last?.createdAt ?? room.viewerMembership?.joinedAt ?? room.createdAt,
    preview: last && {
      number: last.number,
      authorId: last.authorId,
      author: last.author?.displayName ?? null,
      text: last.content,
      deleted: last.deletedAt !== null,
    },
  };
}

/** Takes in what a query answered; what a push brought since then stands. */
export function withRoom(rooms: Rooms, entry: RoomEntry): Rooms {
  const known = rooms[entry.id];
  if (!known || known.epoch !== entry.epoch) return { ...rooms, [entry.id]: entry };
  const ahead = known.lastNumber > entry.lastNumber;
  const attributes = known.version > entry.version ? known : entry;
  const membership = known.membershipVersion > entry.version ? known : entry;
  return {
    ...rooms,
    [entry.id]: {
      ...entry,
      name: attributes.name,
      topic: attributes.topic,
      visibility: attributes.visibility,
      version: attributes.version,
      role: entry.member ? membership.role : null,
      mutedUntil: entry.member ? membership.mutedUntil : null,
      membershipVersion: known.membershipVersion,
      departure: entry.member ? null : known.departure,
      countVersion: known.countVersion,
      readNumber: Math.max(known.readNumber, entry.readNumber),
      lastNumber: Math.max(known.lastNumber, entry.lastNumber),
      activeAt: ahead ? known.activeAt : entry.activeAt,
      preview: ahead ? known.preview : entry.preview,
    },
  };
}

export function withoutRoom(rooms: Rooms, id: string, why: Departure | null = null): Rooms {
  const known = rooms[id];
  return known ? { ...rooms, [id]: departed(known, why) } : rooms;
}

function departed(known: RoomEntry, why: Departure | null): RoomEntry {
  return {
    ...known,
    member: false,
    role: null,
    mutedUntil: null,
    membershipVersion: 0,
    departure: why ?? known.departure,
  };
}

export interface NewMessage {
  /** Numbers of two epochs cannot be compared. */
  epoch: string;
  number: number;
  authorId: string;
  author: string | null;
  content: string;
  createdAt: string;
  deleted: boolean;
}

/** A message was accepted, edited or deleted; `me` has read what `me` wrote. */
export function withMessage(rooms: Rooms, id: string, message: NewMessage, me: string): Rooms {
  const known = rooms[id];
  if (known?.epoch !== message.epoch || message.number < known.lastNumber) return rooms;
  const preview: Preview = {
    number: message.number,
    authorId: message.authorId,
    author:
      message.author ??
      (known.preview?.authorId === message.authorId ? known.preview.author : null),
    text: message.content,
    deleted: message.deleted,
  };
  const isNew = message.number > known.lastNumber;
  return {
    ...rooms,
    [id]: {
      ...known,
      preview,
      lastNumber: message.number,
      activeAt: isNew ? message.createdAt : known.activeAt,
      readNumber:
        isNew && message.authorId === me
          ? Math.max(known.readNumber, message.number)
          : known.readNumber,
    },
  };
}

export function withRead(rooms: Rooms, id: string, number: number): Rooms {
  const known = rooms[id];
  if (!known || known.readNumber >= number) return rooms;
  return { ...rooms, [id]: { ...known, readNumber: number } };
}

/** What a comparison with the server's heads leaves to ask. */
export interface HeadsResult {
  rooms: Rooms;
  /** Rooms of which more has to be asked: new ones, or with other attributes. */
  ask: string[];
}

/**
 * `heads` names every joined room: what is not there has been left, unless
 * something was joined while the answer was on its way (not `complete`).
 */
export function withHeads(rooms: Rooms, heads: readonly Head[], complete: boolean): HeadsResult {
  const next: Record<string, RoomEntry> = { ...rooms };
  const ask: string[] = [];
  const joined = new Set(heads.map(({ roomId }) => roomId));
  for (const entry of Object.values(rooms)) {
    if (complete && entry.member && !joined.has(entry.id)) next[entry.id] = departed(entry, null);
  }
  for (const head of heads) {
    const known = next[head.roomId];
    if (!known?.member || known.epoch !== head.epoch || head.version > known.version) {
      ask.push(head.roomId);
    }
    if (known && known.epoch === head.epoch) next[head.roomId] = atHead(known, head);
  }
  return { rooms: next, ask };
}

function atHead(known: RoomEntry, head: Head): RoomEntry {
  const newer = head.number > known.lastNumber;
  const sameMessage = head.number === known.preview?.number;
  const read = Math.max(0, head.number - head.unreadCount);
  return {
    ...known,
    readNumber: Math.max(known.readNumber, read),
    lastNumber: Math.max(known.lastNumber, head.number),
    activeAt: newer && head.lastMessageAt ? head.lastMessageAt : known.activeAt,
    preview:
      newer && !sameMessage
        ? {
            number: head.number,
            authorId: null,
            author: null,
            text: head.preview ?? '',
            deleted: head.preview === null,
          }
        : known.preview,
  };
}

/** What a `head` event says of a room; what it leaves out is null, a preview undefined. */
export interface HeadEvent {
  room: string;
  epoch: string;
  version: number | null;
  number: number | null;
  lastMessageAt: string | null;
  preview: string | null | undefined;
}

/** Takes in a `head` event; `ask`: more of the room has to be asked than it says. */
export function withHeadEvent(rooms: Rooms, head: HeadEvent): { rooms: Rooms; ask: boolean } {
  const known = rooms[head.room];
  if (!known || known.epoch !== head.epoch) return { rooms, ask: true };
  const { number, lastMessageAt, preview } = head;
  const newer = number !== null && number > known.lastNumber;
  const whole = preview !== undefined && lastMessageAt !== null;
  const ask = (head.version ?? 0) > known.version || (newer && !whole);
  if (!newer) return { rooms, ask };
  const entry: RoomEntry = {
    ...known,
    lastNumber: number,
    activeAt: lastMessageAt ?? known.activeAt,
    preview:
      preview === undefined
        ? known.preview
        : { number, authorId: null, author: null, text: preview ?? '', deleted: preview === null },
  };
  return { rooms: { ...rooms, [head.room]: entry }, ask };
}

/** The rooms without those that are only known from another epoch, and not joined. */
export function withoutEpochs(rooms: Rooms, epoch: string): Rooms {
  const kept = Object.entries(rooms).filter(([, room]) => room.member || room.epoch === epoch);
  return kept.length === Object.keys(rooms).length ? rooms : Object.fromEntries(kept);
}

export function unreadOf(room: RoomEntry): number {
  return room.member ? Math.max(0, room.lastNumber - room.readNumber) : 0;
}

/** The joined rooms, by last activity. */
export function joinedByActivity(rooms: Rooms): RoomEntry[] {
  return Object.values(rooms)
    .filter(({ member }) => member)
    .sort((a, b) => compare(b.activeAt, a.activeAt) || compare(b.id, a.id));
}

/** Times on the wire differ in their number of decimals. */
function compare(a: string, b: string): number {
  return Date.parse(a) - Date.parse(b) || (a < b ? -1 : a > b ? 1 : 0);
}
