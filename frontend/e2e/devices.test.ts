import { afterEach, expect, test } from 'vitest';
import { Api } from './api.ts';
import { Profile } from './browser.ts';
import { baseUrl } from './env.ts';

const open: Profile[] = [];

async function profile(): Promise<Profile> {
  const opened = await Profile.open(baseUrl());
  open.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()));
});

test('a device that is logged out from another one is out at once', async () => {
  const account = await new Api(baseUrl()).register('Ines Kowalska');
  const [here, there] = [await profile(), await profile()];
  await here.login(account);
  await there.login(account);
  await there.status('Live');

  await here.page.getByRole('button', { name: 'Settings' }).click();
  const devices = here.page.getByRole('region', { name: 'Where you are logged in' });
  // Two browsers, and the program that opened the account.
  await expect.poll(() => devices.getByRole('listitem').count()).toBe(3);
  await devices.getByText('This device').waitFor();
  await devices.getByRole('button', { name: 'Log out of Chrom' }).click();
  await expect.poll(() => devices.getByRole('listitem').count()).toBe(2);

  // Its connection is closed, so that it learns of it without being used.
  await there.page.getByRole('button', { name: 'Log in' }).waitFor({ timeout: 20_000 });
  await here.page.keyboard.press('Escape');
  await here.status('Live');
});
