import { afterEach, expect, test } from 'vitest';
import { Api, unique } from './api.ts';
import { Profile, until } from './browser.ts';
import { baseUrl } from './env.ts';

/** While live nothing is polled: whatever comes was pushed. Long, for a loaded machine. */
const ARRIVES_MS = 15_000;

const open: Profile[] = [];

async function profile(): Promise<Profile> {
  const opened = await Profile.open(baseUrl());
  open.push(opened);
  return opened;
}

afterEach(async () => {
  const complaints = open.flatMap((opened) => opened.complaints);
  await Promise.all(open.splice(0).map((opened) => opened.close()));
  expect(complaints).toEqual([]);
});

test('a message by one appears live in the open room and in the room list of another', async () => {
  const [ada, bo] = [await profile(), await profile()];
  const run = unique();

  // Ada creates an account and a room; Bo finds it and joins.
  await ada.go('/register');
  await ada.page.getByLabel('Username').fill(`ada-${run}`);
  await ada.page.getByLabel('Name', { exact: true }).fill('Ada Boateng');
  await ada.page.getByLabel('Password').fill('a long password');
  await ada.page.getByRole('button', { name: 'Create account' }).click();
  await ada.page.getByRole('button', { name: 'New room' }).click();
  await ada.page.getByRole('dialog').getByLabel('Name', { exact: true }).fill(`Square ${run}`);
  await ada.page.getByRole('button', { name: 'Create room' }).click();
  await ada.page.getByRole('heading', { name: `Square ${run}` }).waitFor();

  const api = new Api(baseUrl());
  const account = await api.register('Bo Lindqvist');
  await bo.login(account, '/discover');
  await bo.page.getByRole('searchbox', { name: 'Search rooms' }).fill(`Square ${run}`);
  await bo.page.getByRole('button', { name: `Join Square ${run}` }).click();
  await bo.composer.waitFor();
  await Promise.all([ada.status('Live'), bo.status('Live')]);

  // In the open room.
  await ada.send(`hello ${run}`);
  await bo.message(`hello ${run}`).waitFor({ timeout: ARRIVES_MS });
  await bo.send(`hello back ${run}`);
  await ada.message(`hello back ${run}`).waitFor({ timeout: ARRIVES_MS });

  // An edit and a deletion.
  await ada.composer.press('ArrowUp');
  const editor = ada.page.getByRole('textbox', { name: 'Edit message' });
  await editor.fill(`greetings ${run}`);
  await editor.press('Enter');
  await bo.message(`greetings ${run}`).waitFor({ timeout: ARRIVES_MS });
  const own = ada.message(`greetings ${run}`);
  await own.hover();
  await own.getByRole('button', { name: 'Delete' }).click();
  await ada.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await bo.message('This message was deleted.').waitFor({ timeout: ARRIVES_MS });

  // In the list, while another screen is open.
  await bo.page.getByRole('link', { name: 'Find rooms' }).click();
  await bo.page.getByRole('searchbox', { name: 'Search rooms' }).waitFor();
  await ada.send(`are you there, ${run}?`);
  const row = bo.page.getByRole('navigation').getByRole('link', { name: `Square ${run}` });
  await row.filter({ hasText: `Ada: are you there, ${run}?` }).waitFor({ timeout: ARRIVES_MS });
  await row.filter({ hasText: '1 unread' }).waitFor({ timeout: ARRIVES_MS });
  await Promise.all([ada.status('Live', 1_000), bo.status('Live', 1_000)]);

  // Read where it is opened, with the New line above it.
  await row.click();
  await bo.log.getByText('New', { exact: true }).waitFor();
  await until(
    async () => (await row.textContent()) ?? '',
    (words) => !words.includes('unread'),
  );
});

test('a room that is only read is polled, and joined from its foot', async () => {
  const api = new Api(baseUrl());
  const [owner, guest] = [await api.register('Lena Fischer'), await api.register('Samir Haddad')];
  const roomId = await api.createRoom(owner, `Open ${unique()}`);
  await api.send(owner, roomId, 'before');
  const reader = await profile();
  await reader.login(guest, `/rooms/${roomId}`);
  await reader.message('before').waitFor();
  expect(await reader.composer.count()).toBe(0);
  await api.send(owner, roomId, 'while reading');
  await reader.message('while reading').waitFor({ timeout: 20_000 });
  await reader.page.getByRole('button', { name: 'Join room' }).click();
  await reader.composer.waitFor();
  await reader.status('Live');
  await api.send(owner, roomId, 'after joining');
  await reader.message('after joining').waitFor({ timeout: ARRIVES_MS });
});

test('joining right after typing opens the room, however slow its screen loads', async () => {
  const api = new Api(baseUrl());
  const [owner, guest] = [await api.register('Lena Fischer'), await api.register('Samir Haddad')];
  const name = `Hasty ${unique()}`;
  await api.createRoom(owner, name);
  const samir = await profile();
  await samir.login(guest, '/discover');
  await samir.page.route('**/assets/RoomScreen*.js', async (route) => {
    await new Promise((resume) => setTimeout(resume, 1_000));
    await route.continue();
  });
  const search = samir.page.getByRole('searchbox', { name: 'Search rooms' });
  await search.fill(name);
  const join = samir.page.getByRole('button', { name: `Join ${name}` });
  await join.waitFor();
  await search.fill(name.slice(0, -1));
  await join.click();
  await samir.composer.waitFor();
});

test('history scrolls back to its beginning, and what is read does not move by a pixel', async () => {
  const api = new Api(baseUrl());
  const account = await api.register('Mei Lin');
  const roomId = await api.createRoom(account, `History ${unique()}`);
  for (let n = 1; n <= 240; n += 1) {
    await api.send(account, roomId, `entry ${n}. ${'More words. '.repeat(n % 9)}`);
  }
  const mei = await profile();
  await mei.login(account, `/rooms/${roomId}`);
  await mei.message('entry 240.').waitFor();

  const loaded = () => mei.log.getByRole('article').count();
  while ((await mei.log.getByText('This is the beginning').count()) === 0) {
    const before = await loaded();
    const held = await mei.log.evaluate((log) => {
      log.scrollTop = 120;
      const top = log.getBoundingClientRect().top;
      const row = [...log.querySelectorAll('article')].find(
        (article) => article.getBoundingClientRect().top >= top + 40,
      );
      return { key: row?.dataset.key ?? '', at: row?.getBoundingClientRect().top };
    });
    await until(loaded, (count) => count > before);
    const at = await mei.log.evaluate(
      (log, key) =>
        [...log.querySelectorAll('article')]
          .find((article) => article.dataset.key === key)
          ?.getBoundingClientRect().top,
      held.key,
    );
    expect(Math.abs((at ?? 0) - (held.at ?? 0))).toBeLessThan(1);
  }
  const numbers = (await mei.shown(/entry \d+/)).map((text) => Number(text.slice(6)));
  expect(numbers).toEqual(Array.from({ length: 240 }, (_, index) => index + 1));
});

test('tabs share a session, and logging out in one ends all', async () => {
  const api = new Api(baseUrl());
  const account = await api.register('Tomás Oliveira');
  const first = await profile();
  await first.login(account);
  const second = await first.context.newPage();
  await second.goto(`${baseUrl()}/rooms`);
  await second.getByRole('navigation', { name: 'Rooms' }).waitFor();
  await first.page.getByRole('button', { name: 'Settings' }).click();
  await first.page.getByRole('button', { name: 'Log out', exact: true }).click();
  for (const page of [first.page, second]) {
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/login');
  }
  await second.reload();
  await second.getByRole('button', { name: 'Log in' }).waitFor();
});
