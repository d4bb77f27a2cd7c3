/**
 * Who may do what to whom, for what is offered: the table of docs/security.md.
 * The server decides.
 */
import type { Role } from '../../gql/graphql.ts';

/** From the lowest to the highest. */
export const ROLES: readonly Role[] = ['MEMBER', 'MODERATOR', 'ADMIN', 'OWNER'];

export type Act = 'update' | 'delete' | 'setRole' | 'kick' | 'ban' | 'mute' | 'invite';

/** The lowest role that may do it. */
const NEEDS: Record<Act, Role> = {
  update: 'ADMIN',
  delete: 'OWNER',
  setRole: 'ADMIN',
  kick: 'MODERATOR',
  ban: 'MODERATOR',
  mute: 'MODERATOR',
  invite: 'MODERATOR',
};

const rank = (role: Role) => ROLES.indexOf(role);

/** Whether a role may do it, to somebody with the other one if that is given: only lower ones are acted on. */
export function may(role: Role | null, act: Act, other: Role | null = null): boolean {
  if (role === null || rank(role) < rank(NEEDS[act])) return false;
  return other === null || rank(other) < rank(role);
}

/** The roles that somebody may give another member: those below the own one; an owner may make owners. */
export function rolesToGive(role: Role | null, other: Role): Role[] {
  if (role === null || !may(role, 'setRole', other)) return [];
  return ROLES.filter((to) => to !== other && (role === 'OWNER' || rank(to) < rank(role)));
}

/** The roles that a member may step down to; a room keeps an owner. */
export function rolesBelow(role: Role | null, lastOwner: boolean): Role[] {
  if (role === null || (role === 'OWNER' && lastOwner)) return [];
  return ROLES.filter((to) => rank(to) < rank(role));
}

export function isRole(value: string | null): value is Role {
  return ROLES.some((role) => role === value);
}
