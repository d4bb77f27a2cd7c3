// @vitest-environment jsdom
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { stubBrowser } from '../../testing/browser.ts';
import { roomEntry } from '../../testing/entry.ts';
import { type Server, stubServer } from '../../testing/server.ts';
import type { RoomEntry } from './model.ts';
import RoomSettings from './RoomSettings.tsx';

vi.mock('@tanstack/react-router', () => ({ useNavigate: () => async () => {} }));

let server: Server;
let root: Root;
let page: HTMLElement;

const shows = (check: () => void) => vi.waitFor(check);
const inputs = () => [...page.querySelectorAll<HTMLInputElement>('input:not([type=radio])')];
const button = (words: string) =>
  [...page.querySelectorAll('button')].find(({ textContent }) => textContent === words);

function show(change: Partial<RoomEntry>) {
  const room = roomEntry('r', { name: 'Square', topic: 'Old', visibility: 'PRIVATE', ...change });
  root.render(<RoomSettings room={room} onClose={() => {}} />);
}

function type(at: number, value: string) {
  const input = inputs()[at];
  if (!input) throw new Error(`no input ${at}`);
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, value);
  input.dispatchEvent(new Event('input', { bubbles: true }));
}

beforeEach(() => {
  stubBrowser();
  server = stubServer();
  page = document.createElement('div');
  document.body.append(page);
  root = createRoot(page);
});

afterEach(() => {
  root.unmount();
  page.remove();
  vi.unstubAllGlobals();
});

test('who may not change the room reads what it is, and may leave', async () => {
  show({ role: 'MODERATOR' });
  await shows(() => expect(page.textContent).toContain('Only members can find and read it.'));
  expect(inputs()).toHaveLength(0);
  expect(button('Leave room')).toBeDefined();
  expect(button('Delete room')).toBeUndefined();
});

test('only what was changed is sent; what others change meanwhile is shown, not undone', async () => {
  const sent: unknown[] = [];
  server.on('UpdateRoom', ({ input }) => {
    sent.push(input);
    return {
      data: null,
      errors: [{ message: 'Too long.', extensions: { code: 'BAD_USER_INPUT', field: 'topic' } }],
    };
  });
  show({ role: 'ADMIN' });
  await shows(() => expect(inputs()).toHaveLength(2));
  type(1, 'New');
  show({ role: 'ADMIN', name: 'Renamed' });
  await shows(() => expect(inputs()[0]?.value).toBe('Renamed'));
  expect(inputs()[1]?.value).toBe('New');
  await shows(() => expect(button('Save')?.disabled).toBe(false));
  button('Save')?.click();
  await shows(() => expect(page.textContent).toContain('Too long.'));
  expect(sent).toEqual([{ roomId: 'r', topic: 'New' }]);
});

test('opening a private room says that all of it can be read then', async () => {
  show({ role: 'OWNER' });
  await shows(() => expect(page.querySelectorAll('input[type=radio]')).toHaveLength(2));
  page.querySelector<HTMLInputElement>('input[type=radio]')?.click();
  await shows(() => expect(page.textContent).toContain('with all that has been written so far'));
});

test('deleting takes the name', async () => {
  let deleted = false;
  server.on('DeleteRoom', () => {
    deleted = true;
    return { data: { deleteRoom: true } };
  });
  show({ role: 'OWNER' });
  await shows(() => expect(button('Delete room')).toBeDefined());
  button('Delete room')?.click();
  await shows(() => expect(button('Delete for good')?.disabled).toBe(true));
  type(2, 'square');
  await shows(() => expect(inputs()[2]?.value).toBe('square'));
  expect(button('Delete for good')?.disabled).toBe(true);
  type(2, 'Square');
  await shows(() => expect(button('Delete for good')?.disabled).toBe(false));
  button('Delete for good')?.click();
  await shows(() => expect(deleted).toBe(true));
});
