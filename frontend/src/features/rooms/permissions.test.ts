import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Role } from '../../gql/graphql.ts';
import { type Act, may, ROLES, rolesBelow, rolesToGive } from './permissions.ts';

const docs = readFileSync(new URL('../../../../docs/security.md', import.meta.url), 'utf8');

const HEADS = ['owner', 'admin', 'moderator', 'member'];

/** The table's rows by act, each with its cells for those who are members. */
const TABLE = new Map<string, ReadonlyMap<Role, string>>(
  docs
    .slice(docs.indexOf('| act |'))
    .split('\n\n')[0]
    ?.split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, act = '', ...cells]) => [
      act,
      new Map(HEADS.map((head, at) => [head.toUpperCase() as Role, cells[at] ?? ''])),
    ]),
);

function cell(act: string, role: Role): string {
  const found = TABLE.get(act)?.get(role);
  if (found === undefined) throw new Error(`no row "${act}" in docs/security.md`);
  return found;
}

const listed = (act: string, role: Role, other: string) =>
  cell(act, role).split(', ').includes(other.toLowerCase());

test('the table of docs/security.md has the columns that are read here', () => {
  expect([...(TABLE.get('act')?.values() ?? [])]).toEqual(HEADS);
});

describe.each(ROLES)('%s', (role) => {
  test.each<[string, Act]>([
    ['update', 'update'],
    ['delete', 'delete'],
    ['make a link', 'invite'],
    ['see invitations', 'invite'],
    ['revoke an invitation', 'invite'],
    ['see bans', 'ban'],
  ])('%s, as the docs say', (row, act) => {
    expect(may(role, act)).toBe(cell(row, role) === 'yes');
  });

  test.each<[string, Act]>([
    ['invite by name', 'invite'],
    ['ban', 'ban'],
  ])('%s somebody who is no member, as the docs say', (row, act) => {
    expect(may(role, act)).toBe(listed(row, role, 'stranger'));
  });

  test.each<[string, Act]>([
    ['kick', 'kick'],
    ['mute', 'mute'],
    ['ban', 'ban'],
  ])('%s: those that the docs name, and nobody else', (row, act) => {
    for (const other of ROLES) {
      expect(may(role, act, other), `${role} ${act} ${other}`).toBe(listed(row, role, other));
    }
  });

  test('gives the roles that the docs say, to those that they name', () => {
    for (const other of ROLES) {
      for (const to of ROLES) {
        const offered = rolesToGive(role, other).includes(to);
        const allowed = to !== other && listed(`make ${to.toLowerCase()}`, role, other);
        expect(offered, `${role} makes ${other} ${to}`).toBe(allowed);
      }
      const acts = listed('make member', role, other);
      expect(may(role, 'setRole', other), `${role} sets the role of ${other}`).toBe(acts);
    }
  });

  test('acts on lower roles only', () => {
    for (const act of ['setRole', 'kick', 'ban', 'mute'] as const) {
      for (const other of ROLES) {
        const lower = ROLES.indexOf(other) < ROLES.indexOf(role);
        if (!lower) expect(may(role, act, other), `${role} ${act} ${other}`).toBe(false);
      }
    }
  });

  test('may step down to every lower role, but the last owner to none', () => {
    expect(rolesBelow(role, false)).toEqual(ROLES.slice(0, ROLES.indexOf(role)));
    expect(rolesBelow(role, true)).toEqual(
      role === 'OWNER' ? [] : ROLES.slice(0, ROLES.indexOf(role)),
    );
  });
});

test('who is no member does nothing', () => {
  for (const act of ['update', 'delete', 'setRole', 'kick', 'ban', 'mute', 'invite'] as const) {
    expect(may(null, act)).toBe(false);
  }
  expect(rolesToGive(null, 'MEMBER')).toEqual([]);
  expect(rolesBelow(null, false)).toEqual([]);
});
