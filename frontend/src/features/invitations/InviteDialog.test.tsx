// @vitest-environment jsdom
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { queries } from '../../shared/graphql/Queries.tsx';
import { stubBrowser } from '../../testing/browser.ts';
import { roomEntry } from '../../testing/entry.ts';
import { failure, type Server, stubServer } from '../../testing/server.ts';
import { useSession } from '../auth/session.ts';
import InviteDialog from './InviteDialog.tsx';
import { linkOf } from './invitations.ts';

interface Listed {
  id: string;
  roomId: string;
  roomName: string;
  inviter: { id: string; displayName: string } | null;
  invitee: { id: string; username: string; displayName: string } | null;
  maxUses: number;
  uses: number;
  createdAt: string;
  expiresAt: string;
}

const ENDS = new Date(Date.now() + 86_400_000).toISOString();

const link = (id: string, maxUses: number): Listed => ({
  id,
  roomId: 'r',
  roomName: 'Square',
  inviter: { id: 'me', displayName: 'Mei' },
  invitee: null,
  maxUses,
  uses: 0,
  createdAt: ENDS,
  expiresAt: ENDS,
});

let server: Server;
let open: Listed[];
let root: Root;
let page: HTMLElement;

const shows = (check: () => void) => vi.waitFor(check);
const rows = () => [...page.querySelectorAll('li')].map((row) => row.textContent ?? '');
const field = (label: string) => {
  const found = [...page.querySelectorAll('label')].find(
    ({ textContent }) => textContent === label,
  );
  const input = document.getElementById(found?.htmlFor ?? '');
  if (!input) throw new Error(`no field "${label}"`);
  return input as HTMLInputElement;
};

/** As React hears it. */
function type(label: string, value: string, of: object = HTMLInputElement.prototype) {
  const input = field(label);
  Object.getOwnPropertyDescriptor(of, 'value')?.set?.call(input, value);
  input.dispatchEvent(
    new Event(of === HTMLInputElement.prototype ? 'input' : 'change', { bubbles: true }),
  );
}

async function press(words: string) {
  const found = () =>
    [...page.querySelectorAll('button')].find(({ textContent }) => textContent === words);
  await shows(() => expect(found()?.disabled).toBe(false));
  found()?.click();
}

beforeEach(async () => {
  stubBrowser();
  server = stubServer();
  open = [];
  server.on('RoomInvitations', () => ({
    data: {
      room: {
        invitations: { nodes: [...open], pageInfo: { hasNextPage: false, endCursor: null } },
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
  root.render(<InviteDialog room={roomEntry('r', { name: 'Square' })} onClose={() => {}} />);
  await shows(() => field('Username'));
});

afterEach(() => {
  root.unmount();
  page.remove();
  queries.clear();
  vi.unstubAllGlobals();
});

test('a link is made within the chosen bounds, shown once, and listed without its token', async () => {
  const asked: unknown[] = [];
  server.on('Invite', ({ input }) => {
    asked.push(input);
    open = [link('l', 25)];
    return { data: { invite: { ...link('l', 25), token: 'a/secret' } } };
  });
  await shows(() => expect(page.textContent).toContain('There is none.'));
  type('Can be used', '25', HTMLSelectElement.prototype);
  type('Works for', '86400', HTMLSelectElement.prototype);
  await press('Make link');
  await shows(() => expect(field('Invitation link').value).toBe(linkOf('a/secret')));
  expect(asked).toEqual([{ roomId: 'r', maxUses: 25, expiresIn: 86_400 }]);
  expect(linkOf('a/secret', 'https://plaza.test')).toBe('https://plaza.test/invite/a%2Fsecret');
  await shows(() => expect(rows()[0]).toContain('0 of 25 uses'));
  expect(rows()[0]).not.toContain('secret');
});

test('without a clipboard the link is selected, and what to do is said', async () => {
  server.on('Invite', () => ({ data: { invite: { ...link('l', 1), token: 'secret' } } }));
  await press('Make link');
  document.execCommand = () => false;
  await press('Copy link');
  await shows(() => expect(page.textContent).toContain('Copying did not work.'));
});

test('nobody of that name: it says so at the field, and the name stays', async () => {
  server.on('Invite', () => failure('NOT_FOUND'));
  type('Username', ' @nobody ');
  await press('Invite');
  await shows(() => expect(page.textContent).toContain('Nobody is called nobody here.'));
  expect(field('Username').ariaInvalid).toBe('true');
  expect(field('Username').value).toBe(' @nobody ');
});

test('who is a member already: the server says so', async () => {
  const message = 'This person is a member already.';
  server.on('Invite', () => ({
    data: null,
    errors: [{ message, extensions: { code: 'CONFLICT' } }],
  }));
  type('Username', 'ada');
  await press('Invite');
  await shows(() => expect(page.textContent).toContain(message));
});

test('a revoked invitation leaves the list, one that has ended meanwhile too', async () => {
  open = [link('l', 1)];
  server.on('RevokeInvitation', () => {
    open = [];
    return failure('NOT_FOUND');
  });
  await queries.invalidateQueries();
  await shows(() => expect(rows()).toHaveLength(1));
  await press('Revoke');
  await shows(() => expect(page.textContent).toContain('There is none.'));
});
