import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { afterEach, describe, expect, test } from 'vitest';
import { Api } from './api.ts';
import { Profile } from './browser.ts';
import { demo, privateDemo } from './demo.ts';
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

  test.each([1440, 500])(
    'where people are invited and moderated, %i pixels wide',
    async (width) => {
      const { roomId, name, owner, member, muted, invited, token } = await privateDemo();
      const api = new Api(baseUrl());
      opened = await Profile.open(baseUrl(), { scheme, width });
      const { page } = opened;
      const button = (label: string) => page.getByRole('button', { name: label, exact: true });
      const expectNone = async (screen: string) => {
        if (opened) expect(await findings(opened), screen).toEqual([]);
      };
      const enter = async (who: typeof owner, path: string) => {
        await page.context().clearCookies();
        await opened?.login(who, path);
      };

      await opened.go(`/invite/${token}`);
      await page.getByRole('link', { name: 'Create account' }).waitFor();
      await expectNone('a link, signed out');

      await enter(owner, `/rooms/${roomId}`);
      await button('Room settings').click();
      await page.getByRole('radio', { name: /^Public/ }).check();
      await page.getByText('with all that has been written').waitFor();
      await expectNone('room settings');
      await button('Leave room').click();
      await page.getByText('becomes the owner').waitFor();
      await expectNone('leaving');
      await button('Cancel').click();
      await button('Delete room').click();
      await page.getByLabel(/^Type/).waitFor();
      await expectNone('deleting');
      await button('Cancel').click();
      await page.keyboard.press('Escape');

      await button('Members').first().click();
      const panel = page.getByRole('complementary');
      await panel.getByText('Muted until').waitFor();
      await expectNone('members with roles');
      await button('Actions for Ada Boateng').click();
      await page.getByRole('menu').waitFor();
      await expectNone('the menu of a member');
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog', { name: 'Ban Ada Boateng?' }).waitFor();
      await expectNone('banning');
      await page.keyboard.press('Escape');
      await button('Banned').click();
      await panel.getByText('Posted the customer list').waitFor();
      await expectNone('bans');
      await button('Invite').click();
      await page.getByText('0 of 25 uses').waitFor();
      await button('Make link').click();
      await page.getByLabel('Invitation link').waitFor();
      await page.getByText('for one person').waitFor();
      await expectNone('inviting');

      await opened.go(`/invite/${token}`);
      await button('Join the room').waitFor();
      await expectNone('a link, signed in');
      await button('Join the room').click();
      await page.getByRole('link', { name: 'Open the room' }).waitFor();
      await expectNone('a link of a room that one is in');
      await opened.go('/invite/none');
      await button('Join the room').click();
      await page.getByRole('heading', { name: 'This link does not work any more.' }).waitFor();
      await expectNone('a link that has ended');

      await enter(invited, '/rooms');
      await button(`Join ${name}`).waitFor();
      await expectNone('own invitations');

      await enter(muted, `/rooms/${roomId}`);
      await page.getByText('You are muted until').waitFor();
      await expectNone('muted');
      await button('Room settings').click();
      await page.getByText('Admins and owners can change this.').waitFor();
      await expectNone('room settings of a member');

      await enter(member, `/rooms/${roomId}`);
      await opened.composer.waitFor();
      // How a membership ended is pushed; who is not connected yet learns only that it has.
      await opened.status('Live');
      await api.kick(owner, roomId, member);
      await page.getByText(`You were removed from ${name}.`).waitFor();
      await expectNone('removed');
      await page.reload();
      await page.getByText('There is no such room.').waitFor();
      await expectNone('not there');
    },
  );
});
