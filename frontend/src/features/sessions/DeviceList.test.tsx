// @vitest-environment jsdom
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { queries } from '../../shared/graphql/Queries.tsx';
import { failure, type Server, stubServer } from '../../testing/server.ts';
import { DeviceList } from './DeviceList.tsx';

const device = (id: string, name: string, current = false) => ({
  id,
  device: name,
  createdAt: '2026-01-02T03:04:05Z',
  lastSeenAt: '2026-01-03T03:04:05Z',
  current,
});

let server: Server;
let root: Root;
let page: HTMLElement;

const buttons = () => [...page.querySelectorAll('button')].map((button) => button.ariaLabel);
const names = () => [...page.querySelectorAll('li')].map((row) => row.textContent);

/** Waits until what was asked is answered and shown. */
const shows = (check: () => void) => vi.waitFor(check);
const show = () => root.render(<DeviceList />);

async function click(label: string) {
  await shows(() => expect(buttons()).toContain(label));
  const button = page.querySelector<HTMLButtonElement>(`button[aria-label="${label}"]`);
  button?.click();
}

beforeEach(() => {
  server = stubServer();
  server.on('Sessions', () => ({
    data: {
      sessions: [
        device('1', 'Firefox on Linux', true),
        device('2', 'Safari on iOS'),
        device('3', ''),
      ],
    },
  }));
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

test('every device but this one can be logged out', async () => {
  show();
  await shows(() => expect(names()[0]).toContain('This device'));
  expect(buttons()).toEqual(['Log out of Safari on iOS', 'Log out of Unknown device']);
});

test('a device that was logged out leaves the list', async () => {
  const asked: unknown[] = [];
  server.on('RevokeSession', ({ id }) => {
    asked.push(id);
    return { data: { revokeSession: true } };
  });
  show();
  await click('Log out of Safari on iOS');
  await shows(() => expect(buttons()).toEqual(['Log out of Unknown device']));
  expect(asked).toEqual(['2']);
});

test('one that was logged out elsewhere leaves the list too', async () => {
  server.on('RevokeSession', () => failure('NOT_FOUND'));
  show();
  await click('Log out of Safari on iOS');
  await shows(() => expect(buttons()).toEqual(['Log out of Unknown device']));
});

test('one that could not be logged out stays and says why', async () => {
  server.on('RevokeSession', () => failure('UNAVAILABLE'));
  show();
  await click('Log out of Safari on iOS');
  const alert = () => page.querySelector('[role=alert]')?.textContent ?? '';
  await shows(() => expect(alert()).toContain('Try again'));
  expect(buttons()).toHaveLength(2);
});

test('a list that could not be loaded can be asked for again', async () => {
  let good = false;
  server.on('Sessions', () =>
    good ? { data: { sessions: [device('1', 'Firefox', true)] } } : failure('FORBIDDEN'),
  );
  show();
  await shows(() => expect(page.querySelector('[role=alert]')).not.toBeNull());
  good = true;
  page.querySelector('button')?.click();
  await shows(() => expect(names()).toHaveLength(1));
});
