/** What a member does to another one. */
import {
  BanMemberDocument,
  KickMemberDocument,
  type MemberFieldsFragment,
  MuteMemberDocument,
  type Role,
  SetRoleDocument,
  UnbanMemberDocument,
} from '../../gql/graphql.ts';
import { request } from '../../shared/graphql/request.ts';

export type MemberEntry = MemberFieldsFragment;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The longest mute that the server takes is what stands for "until lifted". */
const LONGEST_MUTE_MS = 365 * DAY_MS;

export const MUTES = {
  minutes: 10 * MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  lifted: LONGEST_MUTE_MS,
} as const;

export const BANS = {
  forever: null,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
} as const;

/** When what begins now and lasts so long (ms) ends; null: never. */
export function endOf(lasts: number | null, now = Date.now()): string | null {
  return lasts === null ? null : new Date(now + lasts).toISOString();
}

/** @throws RequestError */
export async function setRole(roomId: string, userId: string, role: Role): Promise<MemberEntry> {
  return (await request(SetRoleDocument, { input: { roomId, userId, role } })).setRole;
}

/** `until` null: they may write again. @throws RequestError */
export async function mute(
  roomId: string,
  userId: string,
  until: string | null,
): Promise<MemberEntry> {
  return (await request(MuteMemberDocument, { input: { roomId, userId, until } })).muteMember;
}

/** @throws RequestError */
export async function kick(roomId: string, userId: string): Promise<void> {
  await request(KickMemberDocument, { roomId, userId });
}

/** @throws RequestError */
export async function ban(
  roomId: string,
  userId: string,
  reason: string,
  until: string | null,
): Promise<void> {
  const input = { roomId, userId, reason: reason.trim() || null, until };
  await request(BanMemberDocument, { input });
}

/** @throws RequestError */
export async function unban(roomId: string, userId: string): Promise<void> {
  await request(UnbanMemberDocument, { roomId, userId });
}
