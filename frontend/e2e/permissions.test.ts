/** Private rooms, and what members may do to each other. */

import { afterEach, expect, test } from 'vitest';
import { type Account, Api, unique } from './api.ts';
import { Profile } from './browser.ts';
import { baseUrl } from './env.ts';

/** Access to a private room ends within this. */
const ENDS_MS = 5_000;
/** Long, for a loaded machine. */
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

const list = ({ page }: Profile) => page.getByRole('navigation', { name: 'Rooms' });
const inList = (at: Profile, name: string) => list(at).getByRole('link', { name });
const button = ({ page }: Profile, name: string) => page.getByRole('button', { name, exact: true });

interface Scene {
  api: Api;
  name: string;
  roomId: string;
  owner: Account;
  other: Account;
  /** The owner's browser, with the members beside the room. */
  ada: Profile;
  /** The other member's, with the room open. */
  bo: Profile;
}

/** An owner with the members panel open, and a member, in one room. */
async function scene(visibility: 'PUBLIC' | 'PRIVATE'): Promise<Scene> {
  const api = new Api(baseUrl());
  const [owner, other] = [await api.register('Ada Boateng'), await api.register('Bo Lindqvist')];
  const name = `Hall ${unique()}`;
  const roomId = await api.createRoom(owner, name, null, visibility);
  await api.bring(owner, other, roomId);
  await api.send(owner, roomId, 'for members only');
  const [ada, bo] = [await profile(), await profile()];
  await ada.login(owner, `/rooms/${roomId}`);
  await bo.login(other, `/rooms/${roomId}`);
  await bo.message('for members only').waitFor();
  await bo.composer.waitFor();
  await Promise.all([ada.status('Live'), bo.status('Live')]);
  await button(ada, 'Members').first().click();
  return { api, name, roomId, owner, other, ada, bo };
}

/** Picks an item of a member's menu. */
async function choose(at: Profile, person: string, item: string): Promise<void> {
  await button(at, `Actions for ${person}`).click();
  await at.page.getByRole('menu').getByText(item, { exact: true }).click();
}

test('a private room is entered by a link, and is not there for anybody else', async () => {
  const api = new Api(baseUrl());
  const run = unique();
  const owner = await api.register('Ada Boateng');
  const [guest, stranger] = [await api.register('Bo Lindqvist'), await api.register('Cleo Marsh')];
  const [ada, bo, cleo] = [await profile(), await profile(), await profile()];
  const name = `Vault ${run}`;

  // Made by hand, with a link that is good once.
  await ada.login(owner);
  await button(ada, 'New room').click();
  const create = ada.page.getByRole('dialog', { name: 'New room' });
  await create.getByLabel('Name', { exact: true }).fill(name);
  await create.getByRole('radio', { name: /^Private/ }).check();
  await create.getByRole('button', { name: 'Create room' }).click();
  await ada.page.getByRole('img', { name: 'Private room' }).waitFor();
  await ada.send(`secret ${run}`);
  const roomUrl = new URL(ada.page.url()).pathname;
  await button(ada, 'Members').first().click();
  await button(ada, 'Invite').click();
  await button(ada, 'Make link').click();
  const link = await ada.page.getByLabel('Invitation link').inputValue();
  const way = new URL(link).pathname;
  await ada.page.getByText('for one person').waitFor();

  // Nobody else sees it: not by its address, not by searching.
  await cleo.login(stranger, roomUrl);
  await cleo.page.getByText('There is no such room.').waitFor();
  const refusal = await cleo.page.getByRole('alert').textContent();
  await cleo.go('/rooms/01890000-0000-7000-8000-000000000000');
  await cleo.page.getByText('There is no such room.').waitFor();
  expect(await cleo.page.getByRole('alert').textContent()).toBe(refusal);
  await cleo.go(`/discover?q=${encodeURIComponent(name)}`);
  await cleo.page.getByText('No room matches.').waitFor();

  // Signed out, the link leads through the login and back.
  await bo.go(way);
  await bo.page.getByRole('link', { name: 'Log in' }).click();
  await bo.page.getByLabel('Username').fill(guest.username);
  await bo.page.getByLabel('Password').fill(guest.password);
  await button(bo, 'Log in').click();
  await bo.page.getByText('You join as Bo Lindqvist').waitFor();
  await button(bo, 'Join the room').click();
  await bo.message(`secret ${run}`).waitFor();
  await inList(bo, name).waitFor();
  await bo.status('Live');
  await bo.send(`I am in, ${run}`);
  await ada.message(`I am in, ${run}`).waitFor({ timeout: ARRIVES_MS });

  // A member already: nothing is used up, and the way in is shown.
  await bo.go(way);
  await button(bo, 'Join the room').click();
  await bo.page.getByRole('heading', { name: `You are already a member of ${name}.` }).waitFor();
  await bo.page.getByRole('link', { name: 'Open the room' }).click();
  await bo.composer.waitFor();

  // Used up for everybody else.
  await cleo.go(way);
  await button(cleo, 'Join the room').click();
  await cleo.page.getByRole('heading', { name: 'This link does not work any more.' }).waitFor();
});

test('an invitation by name is found below the rooms, and accepted or declined', async () => {
  const api = new Api(baseUrl());
  const [owner, guest] = [await api.register('Ada Boateng'), await api.register('Bo Lindqvist')];
  const names = [`Study ${unique()}`, `Attic ${unique()}`] as const;
  for (const name of names) {
    const roomId = await api.createRoom(owner, name, null, 'PRIVATE');
    await api.invite(owner, { roomId, username: guest.username });
  }
  const bo = await profile();
  await bo.login(guest);
  const invitations = bo.page.getByRole('list', { name: 'Invitations' });
  await invitations.getByText('Ada Boateng invites you').first().waitFor();
  await button(bo, `Decline ${names[1]}`).click();
  await invitations.getByText(names[1]).waitFor({ state: 'detached' });
  await button(bo, `Join ${names[0]}`).click();
  await bo.page.getByRole('heading', { name: names[0] }).waitFor();
  await bo.composer.waitFor();
  await inList(bo, names[0]).waitFor();
  expect(await invitations.count()).toBe(0);
  await bo.page.reload();
  await bo.composer.waitFor();
  expect(await invitations.count()).toBe(0);
});

test('who is removed from a private room is told within 5 s, and it is gone from their list', async () => {
  const { ada, bo, name, roomId } = await scene('PRIVATE');
  await bo.composer.focus();
  await choose(ada, 'Bo Lindqvist', 'Remove from room');
  await ada.page
    .getByRole('dialog', { name: 'Remove Bo Lindqvist?' })
    .getByRole('button', { name: 'Remove' })
    .click();
  await bo.page
    .getByRole('alert')
    .getByText(`You were removed from ${name}.`)
    .waitFor({ timeout: ENDS_MS });
  await inList(bo, name).waitFor({ state: 'detached', timeout: ENDS_MS });
  expect(await bo.page.getByText('for members only').count()).toBe(0);
  const back = bo.page.getByRole('link', { name: 'To your rooms' });
  await expect.poll(() => back.evaluate((link) => link === document.activeElement)).toBe(true);
  await ada.page.getByRole('heading', { name: '1 member' }).waitFor({ timeout: ARRIVES_MS });
  // Asked for anew, it is not there.
  await bo.go(`/rooms/${roomId}`);
  await bo.page.getByText('There is no such room.').waitFor();
});

test('who is banned from a public room is told, can neither read nor join, and comes back once the ban is lifted', async () => {
  const { ada, bo, name, roomId } = await scene('PUBLIC');
  await choose(ada, 'Bo Lindqvist', 'Ban from room');
  const ban = ada.page.getByRole('dialog', { name: 'Ban Bo Lindqvist?' });
  await ban.getByLabel('Reason').fill('Advertising');
  await ban.getByLabel('How long').selectOption({ label: 'A week' });
  await ban.getByRole('button', { name: 'Ban', exact: true }).click();
  await bo.page
    .getByRole('alert')
    .getByText(`You were banned from ${name}.`)
    .waitFor({ timeout: ENDS_MS });
  await inList(bo, name).waitFor({ state: 'detached', timeout: ENDS_MS });
  await bo.go(`/rooms/${roomId}`);
  await bo.page.getByText('There is no such room.').waitFor();

  await button(ada, 'Banned').click();
  await ada.page.getByText('Advertising').waitFor();
  await button(ada, 'Lift ban of Bo Lindqvist').click();
  await ada.page.getByText('Nobody is banned.').waitFor();
  await bo.page.reload();
  await button(bo, 'Join room').click();
  await bo.composer.waitFor();
});

test('who is removed from a public room reads on, and may join again', async () => {
  const { api, owner, bo, name, roomId, other } = await scene('PUBLIC');
  await api.kick(owner, roomId, other);
  await bo.page.getByRole('alert').getByText('You were removed from this room.').waitFor({
    timeout: ENDS_MS,
  });
  await bo.message('for members only').waitFor();
  await inList(bo, name).waitFor({ state: 'detached' });
  await button(bo, 'Join room').click();
  await bo.composer.waitFor();
  await inList(bo, name).waitFor();
});

test('who is muted sees why and until when, keeps the draft, and writes again once it is lifted', async () => {
  const { ada, bo } = await scene('PRIVATE');
  await bo.composer.fill('half a thought');
  await choose(ada, 'Bo Lindqvist', 'For an hour');
  await bo.page.getByText(/^You are muted until \d/).waitFor({ timeout: ARRIVES_MS });
  expect(await bo.composer.count()).toBe(0);
  const told = ada.page.getByRole('complementary').getByText(/^Muted until \d/);
  await told.waitFor();

  await choose(ada, 'Bo Lindqvist', 'Lift the mute');
  await bo.composer.waitFor({ timeout: ARRIVES_MS });
  await told.waitFor({ state: 'detached' });
  expect(await bo.composer.inputValue()).toBe('half a thought');
  // Whoever was in the composer is there again.
  await expect.poll(() => bo.composer.evaluate((box) => box === document.activeElement)).toBe(true);
  await bo.composer.press('Enter');
  await ada.message('half a thought').waitFor({ timeout: ARRIVES_MS });
});

test('a mute that is short ends by itself on the screen', async () => {
  const { api, owner, other, roomId, bo } = await scene('PRIVATE');
  await api.mute(owner, roomId, other, 8);
  await bo.page.getByText(/^You are muted until/).waitFor({ timeout: 7_000 });
  await bo.composer.waitFor();
});

test('a new role is offered its acts at once; the last owner who leaves is told who follows', async () => {
  const { ada, bo, name } = await scene('PRIVATE');
  await button(bo, 'Members').first().click();
  await bo.page.getByRole('complementary').getByRole('listitem').nth(1).waitFor();
  expect(await button(bo, 'Invite').count()).toBe(0);
  await button(bo, 'Room settings').click();
  await bo.page.getByText('Admins and owners can change this.').waitFor();
  await bo.page.keyboard.press('Escape');

  await choose(ada, 'Bo Lindqvist', 'Admin');
  await button(bo, 'Invite').waitFor({ timeout: ARRIVES_MS });
  await button(bo, 'Room settings').click();
  const settings = bo.page.getByRole('dialog', { name: 'Room settings' });
  const renamed = `${name} East`;
  await settings.getByLabel('Name', { exact: true }).fill(renamed);
  await settings.getByRole('button', { name: 'Save' }).click();
  await settings.getByText('Saved.').waitFor();
  await ada.page.getByRole('heading', { name: renamed }).waitFor({ timeout: ARRIVES_MS });
  expect(await settings.getByRole('button', { name: 'Delete room' }).count()).toBe(0);
  await bo.page.keyboard.press('Escape');

  await button(ada, 'Room settings').click();
  await button(ada, 'Leave room').click();
  const leave = ada.page.getByRole('dialog', { name: `Leave ${renamed}?` });
  await leave.getByText('You are the last owner. Bo Lindqvist becomes the owner.').waitFor();
  await leave.getByRole('button', { name: 'Leave room' }).click();
  await inList(ada, renamed).waitFor({ state: 'detached' });

  // Who follows has everything, to the end of the room.
  await bo.page
    .getByRole('complementary')
    .getByText('Owner', { exact: true })
    .waitFor({ timeout: ARRIVES_MS });
  await button(bo, 'Room settings').click();
  await settings.getByRole('button', { name: 'Delete room' }).click();
  const remove = bo.page.getByRole('dialog', { name: `Delete ${renamed}?` });
  const confirm = remove.getByRole('button', { name: 'Delete for good' });
  expect(await confirm.isDisabled()).toBe(true);
  await remove.getByLabel(/^Type/).fill(renamed);
  await confirm.click();
  await bo.page.getByRole('heading', { name: 'Pick a room' }).waitFor();
  expect(await inList(bo, renamed).count()).toBe(0);
});
