import { create } from 'zustand';
import {
  CreateRoomDocument,
  type CreateRoomInput,
  HeadsDocument,
  JoinRoomDocument,
  LeaveRoomDocument,
  RoomDocument,
  type RoomFieldsFragment,
  RoomsDocument,
  type RoomsQuery,
} from '../../gql/graphql.ts';
import { codeOf, type ErrorCode, RequestError } from '../../shared/graphql/errors.ts';
import { request } from '../../shared/graphql/request.ts';
import type { PlazaEvent } from '../../shared/realtime/events.ts';
import { useSession } from '../auth/session.ts';
import { readDeparture, withMember } from './membership.ts';
import {
  type Departure,
  entryFrom,
  type Head,
  type HeadEvent,
  type NewMessage,
  type Rooms,
  withHeadEvent,
  withHeads,
  withMessage,
  withoutEpochs,
  withoutRoom,
  withRead,
  withRoom,
} from './model.ts';

interface RoomsState {
  rooms: Rooms;
  /** Of the joined list. */
  list: 'loading' | 'ready' | 'failed';
  /** Rooms that could not be read, and why. */
  failures: Readonly<Record<string, ErrorCode>>;
}

const START: RoomsState = { rooms: {}, list: 'loading', failures: {} };
const PAGE = 50;
/** Above this many rooms to ask for, the list is loaded anew. */
const MANY = 5;

export const useRooms = create<RoomsState>(() => START);

/** The latest joining that was told, by room: a departure before it may be told later. */
const joinedAt = new Map<string, number>();

/** Counts joins, so that an answer from before one is not taken for a departure. */
let joins = 0;

const update = (change: (rooms: Rooms) => Rooms) =>
  useRooms.setState(({ rooms }) => ({ rooms: change(rooms) }));

export function clearRooms(): void {
  joinedAt.clear();
  useRooms.setState(START, true);
}

/** Loads every page of the joined list; what is there already stays on the screen. */
export async function loadRooms(): Promise<void> {
  if (useRooms.getState().list === 'failed') useRooms.setState({ list: 'loading' });
  try {
    let after: string | null = null;
    do {
      const page: RoomsQuery = await request(RoomsDocument, { first: PAGE, after });
      const { nodes, pageInfo } = page.rooms;
      update((known) => nodes.reduce((all, room) => withRoom(all, entryFrom(room)), known));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after !== null);
    useRooms.setState({ list: 'ready' });
  } catch {
    if (useRooms.getState().list === 'loading') useRooms.setState({ list: 'failed' });
  }
}

/** Loads one room, joined or not. */
export async function loadRoom(id: string): Promise<void> {
  const before = joins;
  try {
    const { room } = await request(RoomDocument, { id });
    if (!room) throw new RequestError('NOT_FOUND', 'no such room');
    update((rooms) => {
      const entry = entryFrom(room);
      const member = entry.member || (joins !== before && rooms[id]?.member === true);
      return withRoom(rooms, { ...entry, member });
    });
    setFailure(id, null);
  } catch (error) {
    setFailure(id, codeOf(error));
  }
}

function setFailure(id: string, code: ErrorCode | null): void {
  const { [id]: _, ...others } = useRooms.getState().failures;
  useRooms.setState({ failures: code ? { ...others, [id]: code } : others });
}

export interface Comparison {
  heads: readonly Head[];
  pollAfter: number;
  /** Rooms of which more has to be asked. */
  ask: readonly string[];
}

/** Compares with the server's heads. @throws RequestError */
export async function compareHeads(): Promise<Comparison> {
  const before = joins;
  const { heads } = await request(HeadsDocument, {});
  const { rooms, ask } = withHeads(useRooms.getState().rooms, heads.rooms, joins === before);
  useRooms.setState({ rooms });
  return { heads: heads.rooms, pollAfter: heads.pollAfter, ask };
}

/** Loads what a comparison left to ask. */
export async function askRooms(ids: readonly string[]): Promise<void> {
  if (ids.length > MANY) await loadRooms();
  else await Promise.all(ids.map(loadRoom));
}

/** @throws RequestError */
export async function joinRoom(roomId: string): Promise<void> {
  const { joinRoom: room } = await request(JoinRoomDocument, { roomId });
  noteJoined(room);
}

/** The viewer has become a member. */
export function noteJoined(room: RoomFieldsFragment): void {
  joins += 1;
  noteRoom(room);
}

/** A room as a mutation has answered it. */
export function noteRoom(room: RoomFieldsFragment): void {
  update((rooms) => withRoom(rooms, entryFrom(room)));
}

/** The viewer is no longer a member. */
export function noteDeparted(roomId: string, why: Departure): void {
  update((rooms) => withoutRoom(rooms, roomId, why));
}

/** @throws RequestError */
export async function leaveRoom(roomId: string): Promise<void> {
  await request(LeaveRoomDocument, { roomId });
  noteDeparted(roomId, 'left');
}

/** Answers the new room's id. @throws RequestError */
export async function createRoom(input: CreateRoomInput): Promise<string> {
  const { createRoom: room } = await request(CreateRoomDocument, { input });
  noteJoined(room);
  return room.id;
}

/** The present state of a message, whatever brought it. */
export function noteMessage(roomId: string, message: NewMessage): void {
  const me = useSession.getState().viewer?.id ?? '';
  update((rooms) => withMessage(rooms, roomId, message, me));
}

export function noteRead(roomId: string, number: number): void {
  update((rooms) => withRead(rooms, roomId, number));
}

/** Takes in a `head` event; true: `loadRoom` has more to bring. */
export function noteHeadEvent(head: HeadEvent): boolean {
  const { rooms, ask } = withHeadEvent(useRooms.getState().rooms, head);
  useRooms.setState({ rooms });
  return ask;
}

/** The installation has begun anew: what was only read, not joined, is forgotten. */
export function forgetOtherRooms(epoch: string): void {
  update((rooms) => withoutEpochs(rooms, epoch));
}

/** Applies what events say about rooms themselves. */
export function applyRoomEvent(event: PlazaEvent): void {
  switch (event.type) {
    case 'room.updated':
      update((rooms) => {
        const known = rooms[event.room];
        if (!known || known.version >= event.version) return rooms;
        const { name, topic, version } = event;
        const visibility = event.visibility === 'private' ? 'PRIVATE' : 'PUBLIC';
        return { ...rooms, [event.room]: { ...known, name, topic, version, visibility } };
      });
      break;
    case 'member.updated':
      update((rooms) => withMember(rooms, event, useSession.getState().viewer?.id ?? ''));
      break;
    case 'joined':
      joins += 1;
      joinedAt.set(event.room, Math.max(event.version, joinedAt.get(event.room) ?? 0));
      void loadRoom(event.room);
      break;
    case 'left':
      if (event.version < (joinedAt.get(event.room) ?? 0)) break;
      noteDeparted(event.room, readDeparture(event.reason));
      break;
    case 'read':
      noteRead(event.room, event.number);
      break;
  }
}
