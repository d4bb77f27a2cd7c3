import { describe, expect, test } from 'vitest';
import type { Role } from '../../gql/graphql.ts';
import { BANS, endOf, MUTES } from './moderation.ts';
import { choicesOf, hasOneOwner, isNothing, offersFor } from './offers.ts';

const member = (id: string, role: Role) => ({
  user: { id, username: id, displayName: id },
  role,
});

const offers = (viewer: Role | null, other: Role) =>
  offersFor({ id: 'me', role: viewer }, member('ada', other), true);

describe('what a viewer is offered for a member', () => {
  test.each([
    ['OWNER', 'ADMIN', ['MEMBER', 'MODERATOR', 'OWNER'], true],
    ['OWNER', 'MEMBER', ['MODERATOR', 'ADMIN', 'OWNER'], true],
    ['OWNER', 'OWNER', [], false],
    ['ADMIN', 'MODERATOR', ['MEMBER'], true],
    ['ADMIN', 'MEMBER', ['MODERATOR'], true],
    ['ADMIN', 'ADMIN', [], false],
    ['MODERATOR', 'MEMBER', [], true],
    ['MODERATOR', 'MODERATOR', [], false],
    ['MEMBER', 'MEMBER', [], false],
    [null, 'MEMBER', [], false],
  ] as const)('%s for %s: roles %j, moderation %s', (viewer, other, roles, moderates) => {
    expect(offers(viewer, other)).toEqual({
      roles,
      mute: moderates,
      kick: moderates,
      ban: moderates,
    });
    expect(isNothing(offers(viewer, other))).toBe(roles.length === 0 && !moderates);
  });

  test('for themselves: to step down, and no more; the last owner nothing', () => {
    const own = (role: Role, last: boolean) =>
      offersFor({ id: 'me', role }, member('me', role), last);
    expect(own('ADMIN', true)).toMatchObject({ roles: ['MEMBER', 'MODERATOR'], kick: false });
    expect(own('OWNER', false).roles).toEqual(['MEMBER', 'MODERATOR', 'ADMIN']);
    expect(isNothing(own('OWNER', true))).toBe(true);
    expect(isNothing(own('MEMBER', true))).toBe(true);
  });
});

test('the roles to choose from are shown from the highest, the present one among them', () => {
  expect(choicesOf(['MEMBER'], 'MODERATOR')).toEqual(['MODERATOR', 'MEMBER']);
});

test('a list that begins with one owner has no other', () => {
  expect(hasOneOwner([{ role: 'OWNER' }, { role: 'ADMIN' }])).toBe(true);
  expect(hasOneOwner([{ role: 'OWNER' }])).toBe(true);
  expect(hasOneOwner([{ role: 'OWNER' }, { role: 'OWNER' }])).toBe(false);
});

test('mutes and bans end when they say, and within what the server takes', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(endOf(MUTES.minutes, now)).toBe('2026-01-01T00:10:00.000Z');
  expect(endOf(MUTES.day, now)).toBe('2026-01-02T00:00:00.000Z');
  expect(MUTES.lifted).toBeLessThan(366 * 86_400_000);
  expect(endOf(BANS.forever, now)).toBeNull();
  expect(endOf(BANS.week, now)).toBe('2026-01-08T00:00:00.000Z');
});
