import { afterEach, describe, expect, test } from 'vitest';
import { type Account, Api, unique } from './api.ts';
import { Profile, until } from './browser.ts';
import { baseUrl, baseUrlOff, control, fanoutThreshold } from './env.ts';

const MESSAGES = 200;
const open: Profile[] = [];
let down: string | null = null;

afterEach(async () => {
  if (down) await control('start', down);
  down = null;
  const complaints = open.flatMap((opened) => opened.complaints);
  await Promise.all(open.splice(0).map((opened) => opened.close()));
  expect(complaints).toEqual([]);
});

interface Two {
  api: Api;
  account: Account;
  roomId: string;
  people: [Profile, Profile];
}

/** Two people in two profiles with the same room open. */
async function two(base: string): Promise<Two> {
  const api = new Api(base);
  const [first, second] = [await api.register('Ada Boateng'), await api.register('Bo Lindqvist')];
  const roomId = await api.createRoom(first, `Talk ${unique()}`);
  await api.join(second, roomId);
  const people: [Profile, Profile] = [await Profile.open(base), await Profile.open(base)];
  open.push(...people);
  await people[0].login(first, `/rooms/${roomId}`);
  await people[1].login(second, `/rooms/${roomId}`);
  await Promise.all(people.map(({ composer }) => composer.waitFor()));
  return { api, account: first, roomId, people };
}

/** Others join, who only listen. */
async function makeLarge({ api, account, roomId }: Two): Promise<void> {
  for (let members = 2; members < fanoutThreshold(); members += 1) {
    await api.join(await api.register('Lena Fischer'), roomId);
  }
  expect(await api.fanout(account, roomId)).toBe('ROOM');
}

const line = (n: number) => `line ${String(n).padStart(3, '0')}`;
const LINE = /line \d{3}/;

/** They take turns; each waits for nothing but the own Enter. */
async function talk({ people }: Two, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) await people[n % 2 === 0 ? 1 : 0].send(line(n));
}

/** Each shows every message once, in the room's order, and nothing has failed. */
async function expectWhole({ api, account, roomId, people }: Two, count: number): Promise<void> {
  const stored = await until(
    () => api.history(account, roomId, count + 50),
    (texts) => texts.length >= count,
    60_000,
  );
  expect([...stored].sort()).toEqual(Array.from({ length: count }, (_, index) => line(index + 1)));
  for (const person of people) {
    const shown = await until(
      () => person.shown(LINE),
      (texts) => texts.length >= count,
      30_000,
    );
    expect(shown).toEqual(stored);
    expect(await person.log.getByText('Not sent').count()).toBe(0);
  }
}

describe('guarantee 6: no real-time layer, no outage', () => {
  test.each([
    ['kill', 'centrifugo', 'small'],
    ['stop', 'redis', 'small'],
    ['stop', 'publisher', 'small'],
    ['kill', 'centrifugo', 'large'],
  ] as const)(
    '%s %s in a conversation in a %s room: sending and reading go on, and all is caught up after',
    async (end, part, size) => {
      const talkers = await two(baseUrl());
      const { people } = talkers;
      if (size === 'large') await makeLarge(talkers);
      await Promise.all(people.map((person) => person.status('Live')));
      await talk(talkers, 1, 50);

      down = part;
      await control(end, part);
      await talk(talkers, 51, 80);
      await Promise.all(people.map((person) => person.status('Not live')));
      await talk(talkers, 81, 120);
      // Polled: what each wrote meanwhile is on the other's screen.
      await people[0].message(line(120)).waitFor({ timeout: 30_000 });
      await people[1].message(line(119)).waitFor({ timeout: 30_000 });
      await Promise.all(people.map((person) => person.status('Not live', 1_000)));

      await control('start', part);
      down = null;
      await talk(talkers, 121, 170);
      await Promise.all(people.map((person) => person.status('Live', 60_000)));
      await talk(talkers, 171, MESSAGES);
      await expectWhole(talkers, MESSAGES);
      await Promise.all(people.map((person) => person.status('Live', 1_000)));
    },
  );

  test('with real time switched off, the SPA says so and polls', async () => {
    const talkers = await two(baseUrlOff());
    const { people } = talkers;
    await Promise.all(people.map((person) => person.status('Not live')));
    await talk(talkers, 1, 40);
    await expectWhole(talkers, 40);
    // The list too.
    await people[1].page.getByRole('link', { name: 'Find rooms' }).click();
    await people[0].send(line(41));
    await people[1].page
      .getByRole('navigation', { name: 'Rooms' })
      .getByRole('link', { name: /Talk/ })
      .filter({ hasText: line(41) })
      .filter({ hasText: '1 unread' })
      .waitFor({ timeout: 20_000 });
    await Promise.all(people.map((person) => person.status('Not live', 1_000)));
  });
});

test('while auth is stopped, who is signed in goes on reading and sending', async () => {
  const { api, account, people } = await two(baseUrl());
  const [reader] = people;
  const writer = await api.register('Cleo Marsh');
  const name = `Archive ${unique()}`;
  const roomId = await api.createRoom(account, name);
  await api.join(writer, roomId);
  await api.send(writer, roomId, 'written before');
  const room = reader.page
    .getByRole('navigation', { name: 'Rooms' })
    .getByRole('link', { name: new RegExp(name) })
    .filter({ hasText: 'written before' });
  await room.waitFor();

  down = 'auth';
  await control('stop', 'auth');
  // Nobody can say who wrote it, but what was written is there.
  await room.click();
  await reader.message('written before').waitFor();
  await reader.send('written without auth');
  const sent = reader.message('written without auth');
  await sent.waitFor();
  await until(
    () => api.history(account, roomId, 2),
    (texts) => texts.includes('written without auth'),
  );
  expect(await sent.getByText('Not sent').count()).toBe(0);
});
