/** Changing, leaving and deleting a room. */
import {
  DeleteRoomDocument,
  FirstMembersDocument,
  type FirstMembersQuery,
  UpdateRoomDocument,
  type UpdateRoomInput,
} from '../../gql/graphql.ts';
import { RequestError } from '../../shared/graphql/errors.ts';
import { request } from '../../shared/graphql/request.ts';
import { noteDeparted, noteRoom } from './store.ts';

export type FirstMember = NonNullable<FirstMembersQuery['room']>['members']['nodes'][number];

/** @throws RequestError */
export async function updateRoom(input: UpdateRoomInput): Promise<void> {
  const { updateRoom: room } = await request(UpdateRoomDocument, { input });
  noteRoom(room);
}

/** @throws RequestError */
export async function deleteRoom(roomId: string): Promise<void> {
  await request(DeleteRoomDocument, { roomId });
  noteDeparted(roomId, 'room_deleted');
}

/** The first two of the room's list: higher roles first, then by when they joined. @throws RequestError */
export async function firstMembers(roomId: string): Promise<readonly FirstMember[]> {
  const { room } = await request(FirstMembersDocument, { roomId });
  if (!room) throw new RequestError('NOT_FOUND', 'no such room');
  return room.members.nodes;
}
