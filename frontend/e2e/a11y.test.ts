import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { afterEach, describe, expect, test } from 'vitest';
import { Profile } from './browser.ts';
import { demo } from './demo.ts';
import { baseUrl } from './env.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let opened: Profile | null = null;

afterEach(async () => {
  await opened?.close();
  opened = null;
});

/** What axe finds on the screen, one line each. */
async function findings({ page }: Profile): Promise<string[]> {
  await page.evaluate(AXE);
  const results = (await page.evaluate('axe.run()')) as AxeResults;
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  );
}

describe.each(['light', 'dark'] as const)('axe finds nothing in the %s theme', (scheme) => {
  test.each([1440, 500])('on the screens, %i pixels wide', async (width) => {
    const { viewer, roomId } = await demo();
    opened = await Profile.open(baseUrl(), { scheme, width });
    const { page } = opened;

    await opened.go('/login');
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    expect(await findings(opened), 'login').toEqual([]);
    await opened.go('/register');
    await page.getByRole('button', { name: 'Create account' }).waitFor();
    expect(await findings(opened), 'register').toEqual([]);

    await opened.login(viewer);
    await page.getByRole('navigation').getByRole('link', { name: 'Launch day' }).waitFor();
    expect(await findings(opened), 'rooms').toEqual([]);
    for (const dialog of ['New room', 'Settings']) {
      await page.getByRole('button', { name: dialog }).click();
      await page.getByRole('dialog', { name: dialog }).waitFor();
      expect(await findings(opened), dialog).toEqual([]);
      await page.keyboard.press('Escape');
    }

    await opened.go(`/rooms/${roomId}`);
    await opened.log.getByRole('article').last().waitFor();
    expect(await findings(opened), 'a room').toEqual([]);
    await page.getByRole('button', { name: 'Members' }).click();
    await page.getByRole('complementary').getByRole('listitem').first().waitFor();
    expect(await findings(opened), 'members').toEqual([]);

    await opened.go('/discover');
    await page.getByRole('main').getByRole('listitem').first().waitFor();
    expect(await findings(opened), 'discovery').toEqual([]);
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').waitFor();
    expect(await findings(opened), 'the switcher').toEqual([]);
  });
});
