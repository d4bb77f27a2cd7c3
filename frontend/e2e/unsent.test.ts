/** Messages that could not be sent at once. */

import type { Page } from 'playwright-core';
import { afterEach, expect, test } from 'vitest';
import { type Account, Api, unique } from './api.ts';
import { Profile, until } from './browser.ts';
import { baseUrl } from './env.ts';

const open: Profile[] = [];

afterEach(async () => {
  const complaints = open.flatMap((opened) => opened.complaints);
  await Promise.all(open.splice(0).map((opened) => opened.close()));
  expect(complaints).toEqual([]);
});

interface Scene {
  api: Api;
  account: Account;
  roomId: string;
  noor: Profile;
}

/** One person in a room of their own. */
async function scene(): Promise<Scene> {
  const api = new Api(baseUrl());
  const account = await api.register('Noor Karimi');
  const roomId = await api.createRoom(account, `Tunnel ${unique()}`);
  const noor = await Profile.open(baseUrl());
  open.push(noor);
  await noor.login(account, `/rooms/${roomId}`);
  await noor.composer.waitFor();
  await noor.status('Live');
  return { api, account, roomId, noor };
}

const history = ({ api, account, roomId }: Scene) => api.history(account, roomId, 20);

async function anotherTab({ noor, roomId }: Scene): Promise<Page> {
  const page = await noor.context.newPage();
  await page.goto(`${baseUrl()}/rooms/${roomId}`);
  await page.getByRole('textbox', { name: /^Message / }).waitFor();
  return page;
}

const articles = (page: Page) => page.getByRole('log').getByRole('article');

async function expectOnce(at: Scene, page: Page, texts: string[]): Promise<void> {
  await until(
    () => history(at),
    (stored) => stored.length >= texts.length,
  );
  await page.getByText('Not sent').first().waitFor({ state: 'detached' });
  const shown = await until(
    () => articles(page).allInnerTexts(),
    (rows) => rows.length >= texts.length,
  );
  expect(shown).toHaveLength(texts.length);
  for (const [at, text] of texts.entries()) expect(shown[at]).toContain(text);
  expect(await history(at)).toEqual(texts);
}

/** How many messages the browser keeps. */
const kept = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const opening = indexedDB.open('plaza-unsent');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const counting = opening.result.transaction('unsent').objectStore('unsent').count();
          counting.onsuccess = () => {
            opening.result.close();
            resolve(counting.result);
          };
        };
      }),
  );

test('what was written offline says so, and goes out by itself when the network is back', async () => {
  const at = await scene();
  const { noor } = at;
  await noor.context.setOffline(true);
  await noor.status('Offline');
  await noor.send('one from the tunnel');
  await noor.send('two from the tunnel');
  await noor.log.getByText('Not sent yet: you are offline.').first().waitFor();
  await noor.context.setOffline(false);
  await expectOnce(at, noor.page, ['one from the tunnel', 'two from the tunnel']);
  expect(await kept(noor.page)).toBe(0);
});

test('written offline in a tab that is closed, it is sent once by another tab', async () => {
  const at = await scene();
  const { noor } = at;
  const other = await anotherTab(at);
  await noor.context.setOffline(true);
  await noor.send('before closing');
  // The other tab shows it as well.
  await articles(other)
    .filter({ hasText: 'before closing' })
    .getByText('Not sent yet: you are offline.')
    .waitFor();
  await noor.page.close();
  await noor.context.setOffline(false);
  await expectOnce(at, other, ['before closing']);
});

test('written offline in the only tab, it is sent once by the next', async () => {
  const at = await scene();
  const { noor } = at;
  const blank = await noor.context.newPage();
  await noor.context.setOffline(true);
  await noor.send('one');
  await noor.send('two');
  await noor.log.getByText('Not sent yet: you are offline.').waitFor();
  await until(
    () => kept(noor.page),
    (count) => count === 2,
  );
  await noor.page.close();
  await noor.context.setOffline(false);
  expect(await history(at)).toEqual([]);
  await blank.goto(`${baseUrl()}/rooms/${at.roomId}`);
  await expectOnce(at, blank, ['one', 'two']);
});

test.each([
  ['after the server has taken it', true],
  ['before the server has it', false],
])('a tab that is closed in the middle of sending, %s: sent once', async (_, taken) => {
  const at = await scene();
  const { noor } = at;
  let begun = () => {};
  const sending = new Promise<void>((resolve) => {
    begun = resolve;
  });
  await noor.page.route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('mutation Send')) return route.continue();
    // The answer never comes.
    if (taken) await route.fetch();
    begun();
  });
  await noor.send('half way');
  await noor.send('behind it');
  await sending;
  expect(await history(at)).toEqual(taken ? ['half way'] : []);
  const blank = await noor.context.newPage();
  await noor.page.close();
  await blank.goto(`${baseUrl()}/rooms/${at.roomId}`);
  await expectOnce(at, blank, ['half way', 'behind it']);
  expect(await kept(blank)).toBe(0);
});

test('logging out asks before it discards what is unsent', async () => {
  const at = await scene();
  const { noor } = at;
  await noor.page.route('**/graphql', (route) =>
    route.request().postData()?.includes('mutation Send') ? route.abort() : route.continue(),
  );
  await noor.send('never sent');
  await noor.log.getByText('Not sent yet').waitFor();
  await noor.page.getByRole('button', { name: 'Settings', exact: true }).click();
  await noor.page.getByRole('button', { name: 'Log out', exact: true }).click();
  const question = noor.page.getByRole('dialog', { name: 'Log out with unsent messages?' });
  await question.getByText('1 message has not been sent.').waitFor();
  await question.getByRole('button', { name: 'Cancel' }).click();
  expect(await kept(noor.page)).toBe(1);
  await noor.page.getByRole('button', { name: 'Log out', exact: true }).click();
  await question.getByRole('button', { name: 'Discard and log out' }).click();
  await noor.page.getByRole('button', { name: 'Log in' }).waitFor();
  expect(await kept(noor.page)).toBe(0);
  expect(await history(at)).toEqual([]);
});
