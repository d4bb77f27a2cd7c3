/** `npm run screenshots`: the pictures of docs/images, from a Plaza that runs. */

import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { Profile } from './browser.ts';
import { demo } from './demo.ts';
import { baseUrl } from './env.ts';

const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const WIDTHS = { wide: 1440, narrow: 500 } as const;

const open: Profile[] = [];
afterAll(async () => {
  await Promise.all(open.map((opened) => opened.close()));
});

test.each(['light', 'dark'] as const)('pictures in the %s theme', async (scheme) => {
  const { viewer, roomId } = await demo();
  for (const [name, width] of Object.entries(WIDTHS)) {
    const profile = await Profile.open(baseUrl(), { scheme, width });
    open.push(profile);
    const { page } = profile;
    const picture = async (screen: string) => {
      await page.mouse.move(width - 1, 899);
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: `${FOLDER}${screen}-${name}-${scheme}.png` });
    };

    await profile.go('/login');
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    await picture('login');

    await profile.login(viewer);
    await page.getByRole('navigation').getByRole('link', { name: 'Launch day' }).waitFor();
    await profile.status('Live');
    if (name === 'narrow') await picture('rooms');

    await page.getByRole('link', { name: 'Launch day' }).click();
    await profile.message('Then São Paulo goes.').waitFor();
    await profile.composer.waitFor();
    await page.waitForLoadState('networkidle');
    await picture('room');

    await profile.go('/discover');
    await page.getByRole('main').getByRole('listitem').first().waitFor();
    await page.waitForFunction(
      () => document.querySelector('nav [role=status]')?.textContent === 'Live',
    );
    await picture('discover');
    expect(profile.complaints).toEqual([]);
    expect(roomId).toBeTruthy();
  }
});
