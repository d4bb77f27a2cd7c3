// @vitest-environment jsdom
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Role } from '../../gql/graphql.ts';
import { queries } from '../../shared/graphql/Queries.tsx';
import { stubBrowser } from '../../testing/browser.ts';
import { roomEntry } from '../../testing/entry.ts';
import { failure, type Server, stubServer } from '../../testing/server.ts';
import { useSession } from '../auth/session.ts';
import MembersPanel from './MembersPanel.tsx';

interface Listed {
  role: Role;
  mutedUntil: string | null;
  user: { id: string; username: string; displayName: string };
}

const listed = (id: string, displayName: string, role: Role): Listed => ({
  role,
  mutedUntil: null,
  user: { id, username: id, displayName },
});

let server: Server;
let members: Listed[];
let root: Root;
let page: HTMLElement;

const shows = (check: () => void) => vi.waitFor(check);
const rows = () => [...page.querySelectorAll('li')].map((row) => row.textContent ?? '');
const menus = () =>
  [...page.querySelectorAll<HTMLElement>('[aria-haspopup=menu]')].map(({ ariaLabel }) => ariaLabel);
const items = () => [...page.querySelectorAll<HTMLElement>('[role^=menuitem]')];
const words = () => items().map(({ textContent }) => textContent);
const alerts = () => [...page.querySelectorAll('[role=alert]')].map((one) => one.textContent ?? '');

function show(role: Role) {
  const room = roomEntry('r', { name: 'Square', visibility: 'PRIVATE', role });
  root.render(<MembersPanel room={room} onClose={() => {}} />);
}

function press(button: string) {
  const found = [...page.querySelectorAll('button')].find(
    ({ textContent, ariaLabel }) => (ariaLabel ?? textContent) === button,
  );
  if (!found) throw new Error(`no button "${button}"`);
  found.click();
}

async function choose(name: string, item: string) {
  await shows(() => expect(menus()).toContain(`Actions for ${name}`));
  press(`Actions for ${name}`);
  await shows(() => expect(words()).toContain(item));
  items()
    .find(({ textContent }) => textContent === item)
    ?.click();
}

beforeEach(() => {
  stubBrowser();
  server = stubServer();
  members = [
    listed('o', 'Owen', 'OWNER'),
    listed('me', 'Mei', 'MODERATOR'),
    listed('t', 'Tomás', 'MODERATOR'),
    listed('a', 'Ada', 'MEMBER'),
  ];
  server.on('Members', () => ({
    data: {
      room: {
        members: { nodes: [...members], pageInfo: { hasNextPage: false, endCursor: null } },
      },
    },
  }));
  useSession.setState({
    status: 'signed-in',
    viewer: { id: 'me', username: 'mei', displayName: 'Mei' },
  });
  page = document.createElement('div');
  document.body.append(page);
  root = createRoot(page);
});

afterEach(() => {
  root.unmount();
  page.remove();
  queries.clear();
  vi.unstubAllGlobals();
});

describe('what is offered', () => {
  test('to a member: nothing', async () => {
    members = [listed('o', 'Owen', 'OWNER'), listed('me', 'Mei', 'MEMBER')];
    show('MEMBER');
    await shows(() => expect(rows()).toHaveLength(2));
    expect(menus()).toEqual([]);
    expect(page.textContent).not.toContain('Invite');
    expect(page.textContent).not.toContain('Banned');
  });

  test('to a moderator: moderation of members, and the own role', async () => {
    show('MODERATOR');
    await shows(() => expect(menus()).toEqual(['Actions for Mei', 'Actions for Ada']));
    press('Actions for Ada');
    await shows(() =>
      expect(words()).toEqual([
        'For 10 minutes',
        'For an hour',
        'For a day',
        'Until lifted',
        'Remove from room',
        'Ban from room',
      ]),
    );
  });

  test('to an admin: the roles below, with the present one marked', async () => {
    show('ADMIN');
    await shows(() => expect(menus()).toContain('Actions for Tomás'));
    press('Actions for Tomás');
    await shows(() => expect(words().slice(0, 2)).toEqual(['Moderator', 'Member']));
    expect(items()[0]?.ariaChecked).toBe('true');
  });
});

test('a menu is walked by arrows, and gives the focus back on Esc', async () => {
  show('MODERATOR');
  await shows(() => expect(menus()).toContain('Actions for Ada'));
  const opener = page.querySelector<HTMLElement>('[aria-label="Actions for Ada"]');
  opener?.click();
  await shows(() => expect(document.activeElement?.textContent).toBe('For 10 minutes'));
  const key = (name: string) =>
    document.activeElement?.dispatchEvent(
      new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }),
    );
  key('ArrowUp');
  expect(document.activeElement?.textContent).toBe('Ban from room');
  key('ArrowDown');
  expect(document.activeElement?.textContent).toBe('For 10 minutes');
  key('r');
  expect(document.activeElement?.textContent).toBe('Remove from room');
  document.querySelector('dialog')?.dispatchEvent(new Event('cancel', { cancelable: true }));
  await shows(() => expect(document.activeElement).toBe(opener));
});

test('a mute is asked for as long as was chosen, and shown', async () => {
  server.on('MuteMember', ({ input }) => {
    const { until } = input as { until: string };
    const minutes = (Date.parse(until) - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(9);
    expect(minutes).toBeLessThanOrEqual(10);
    return { data: { muteMember: { ...listed('a', 'Ada', 'MEMBER'), mutedUntil: until } } };
  });
  show('MODERATOR');
  await choose('Ada', 'For 10 minutes');
  await shows(() => expect(rows()[3]).toContain('Muted until'));
  press('Actions for Ada');
  await shows(() => expect(words()[0]).toBe('Lift the mute'));
});

test('what the server refuses stands beside the member, with the list as it is now', async () => {
  const refusal = 'You can do this only to people whose role is below yours.';
  server.on('MuteMember', () => {
    members = members.map((one) => (one.user.id === 'a' ? { ...one, role: 'ADMIN' } : one));
    return {
      data: null,
      errors: [{ message: refusal, extensions: { code: 'FORBIDDEN' } }],
    };
  });
  server.on('Room', () => failure('UNAVAILABLE'));
  show('MODERATOR');
  await choose('Ada', 'For an hour');
  await shows(() => expect(alerts()[0]).toContain(refusal));
  expect(alerts()[0]).toContain('What you see is how things are now.');
  await shows(() => expect(rows()[3]).toContain('Admin'));
  expect(menus()).toEqual(['Actions for Mei']);
});

test('removing is confirmed, takes the row away, and keeps the focus in the list', async () => {
  const asked: unknown[] = [];
  server.on('KickMember', (variables) => {
    asked.push(variables);
    members = members.filter(({ user }) => user.id !== 'a');
    return { data: { kickMember: true } };
  });
  show('MODERATOR');
  await choose('Ada', 'Remove from room');
  await shows(() => expect(page.textContent).toContain('Remove Ada?'));
  expect(page.textContent).toContain('by a new invitation');
  expect(asked).toEqual([]);
  press('Remove');
  await shows(() => expect(rows()).toHaveLength(3));
  expect(asked).toEqual([{ roomId: 'r', userId: 'a' }]);
  await shows(() => expect(document.activeElement?.ariaLabel).toBe('Members'));
});

test('a ban that is refused stays in its dialog', async () => {
  server.on('BanMember', () => failure('UNAVAILABLE'));
  show('MODERATOR');
  await choose('Ada', 'Ban from room');
  await shows(() => expect(page.textContent).toContain('Ban Ada?'));
  press('Ban');
  await shows(() => expect(alerts()[0]).toContain('Try again in a moment'));
  expect(rows()).toHaveLength(4);
});

test('bans are listed with their reasons, and lifted', async () => {
  let banned = true;
  server.on('Bans', () => ({
    data: {
      room: {
        bans: {
          nodes: banned
            ? [
                {
                  user: { id: 'b', username: 'bo', displayName: 'Bo' },
                  by: { id: 'o', displayName: 'Owen' },
                  reason: 'Advertising',
                  createdAt: '2026-01-01T00:00:00Z',
                  until: null,
                },
              ]
            : [],
          pageInfo: { hasNextPage: false, endCursor: null },
        },
      },
    },
  }));
  server.on('UnbanMember', () => {
    banned = false;
    return { data: { unbanMember: true } };
  });
  show('MODERATOR');
  await shows(() => expect(rows()).toHaveLength(4));
  press('Banned');
  await shows(() => expect(rows()[0]).toContain('Advertising'));
  expect(rows()[0]).toContain('For good · by Owen');
  press('Lift ban of Bo');
  await shows(() => expect(page.textContent).toContain('Nobody is banned.'));
});
