/** Ways into rooms: making them, ending them, and coming in by them. */
import {
  AcceptInvitationDocument,
  type InvitationFieldsFragment,
  InviteDocument,
  type InviteInput,
  JoinedRoomsDocument,
  RevokeInvitationDocument,
} from '../../gql/graphql.ts';
import { codeOf } from '../../shared/graphql/errors.ts';
import { request } from '../../shared/graphql/request.ts';
import { noteJoined } from '../rooms/store.ts';

export type Invitation = InvitationFieldsFragment;

/** One that was just made, with the token of a link. */
export type Made = Invitation & { token: string | null };

/** @throws RequestError */
export async function invite(input: InviteInput): Promise<Made> {
  return (await request(InviteDocument, { input })).invite;
}

/** One that is not there any more has ended as well. @throws RequestError */
export async function revokeInvitation(id: string): Promise<void> {
  try {
    await request(RevokeInvitationDocument, { id });
  } catch (error) {
    if (codeOf(error) !== 'NOT_FOUND') throw error;
  }
}

/** Comes in by an invitation by name or by a link; answers the room. @throws RequestError */
export async function acceptInvitation(
  by: { id: string } | { token: string },
): Promise<{ id: string; name: string }> {
  const { acceptInvitation: room } = await request(AcceptInvitationDocument, by);
  noteJoined(room);
  return { id: room.id, name: room.name };
}

/** The ids of the rooms that the viewer is in. @throws RequestError */
export async function joinedRooms(): Promise<ReadonlySet<string>> {
  const { heads } = await request(JoinedRoomsDocument, {});
  return new Set(heads.rooms.map(({ roomId }) => roomId));
}

/** The address that lets its reader in. */
export function linkOf(token: string, origin = location.origin): string {
  return `${origin}/invite/${encodeURIComponent(token)}`;
}
