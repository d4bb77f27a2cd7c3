import type { Role } from '../../gql/graphql.ts';
import { may, ROLES, rolesBelow, rolesToGive } from '../rooms/permissions.ts';
import type { MemberEntry } from './moderation.ts';

/** What a viewer may do to a member of the list. */
export interface Offers {
  roles: readonly Role[];
  mute: boolean;
  kick: boolean;
  ban: boolean;
}

export function offersFor(
  viewer: { id: string; role: Role | null },
  { user, role }: Pick<MemberEntry, 'user' | 'role'>,
  lastOwner: boolean,
): Offers {
  if (user.id === viewer.id) {
    return { roles: rolesBelow(viewer.role, lastOwner), mute: false, kick: false, ban: false };
  }
  const to = (act: 'mute' | 'kick' | 'ban') => may(viewer.role, act, role);
  return {
    roles: rolesToGive(viewer.role, role),
    mute: to('mute'),
    kick: to('kick'),
    ban: to('ban'),
  };
}

export function isNothing({ roles, mute, kick, ban }: Offers): boolean {
  return roles.length === 0 && !mute && !kick && !ban;
}

/** From the highest to the lowest, with the present one among them. */
export function choicesOf(offered: readonly Role[], present: Role): Role[] {
  return ROLES.filter((role) => role === present || offered.includes(role)).reverse();
}

/** Whether a list that begins with the owners shows that there is one only. */
export function hasOneOwner(first: readonly { role: Role }[]): boolean {
  return first[0]?.role === 'OWNER' && first[1]?.role !== 'OWNER';
}
