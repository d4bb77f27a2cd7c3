import { afterEach, expect, test } from 'vitest';
import { type Account, Api, unique } from './api.ts';
import { Profile, until } from './browser.ts';
import { baseUrl, fanoutThreshold } from './env.ts';

/** While live nothing is polled: whatever comes was pushed. Long, for a loaded machine. */
const ARRIVES_MS = 20_000;

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

/** Lets people come until the room has so many members, one after another. */
async function comeUntil(api: Api, roomId: string, people: Account[], members: number) {
  while (people.length + 2 < members) {
    const one = await api.register('Passer By');
    await api.join(one, roomId);
    people.push(one);
  }
}

async function leaveUntil(api: Api, roomId: string, people: Account[], members: number) {
  while (people.length + 2 > members) {
    const one = people.pop();
    if (one) await api.leave(one, roomId);
  }
}

test('a room becomes large and small again while both write, and both screens miss nothing', async () => {
  const api = new Api(baseUrl());
  const threshold = fanoutThreshold();
  const [ada, bo] = [await api.register('Ada Boateng'), await api.register('Bo Lindqvist')];
  const name = `Growing ${unique()}`;
  const roomId = await api.createRoom(ada, name);
  await api.join(bo, roomId);
  const [left, right] = [await profile(), await profile()];
  await left.login(ada, `/rooms/${roomId}`);
  await right.login(bo, `/rooms/${roomId}`);
  await Promise.all([left.composer.waitFor(), right.composer.waitFor()]);
  await Promise.all([left.status('Live'), right.status('Live')]);

  let written = 0;
  let writing = true;
  const write = async (who: Profile, label: string) => {
    while (writing) {
      written += 1;
      await who.send(`${label} line ${written}.`);
      await new Promise((resume) => setTimeout(resume, 150));
    }
  };
  const writers = [write(left, 'ada'), write(right, 'bo')];
  const people: Account[] = [];
  for (let round = 0; round < 2; round += 1) {
    await comeUntil(api, roomId, people, threshold);
    expect(await api.fanout(ada, roomId)).toBe('ROOM');
    await new Promise((resume) => setTimeout(resume, 3_000));
    await leaveUntil(api, roomId, people, Math.floor(threshold / 2));
    expect(await api.fanout(ada, roomId)).toBe('PERSONAL');
    await new Promise((resume) => setTimeout(resume, 2_000));
  }
  writing = false;
  await Promise.all(writers);

  // Every message, once, in the server's order, on both screens.
  const stored = () => api.history(ada, roomId, 500);
  await until(stored, (texts) => texts.length === written, ARRIVES_MS);
  const tail = (await stored()).slice(-30);
  for (const screen of [left, right]) {
    const shown = await until(
      () => screen.shown(/(ada|bo) line \d+\./),
      (texts) => texts.slice(-30).join() === tail.join(),
      ARRIVES_MS,
    );
    expect(new Set(shown).size).toBe(shown.length);
    await screen.status('Live', 1_000);
  }
});

test('a large room says who is here, who types and how many they are, and reaches the list', async () => {
  const api = new Api(baseUrl());
  const [ada, bo] = [await api.register('Ada Boateng'), await api.register('Bo Lindqvist')];
  const [name, other] = [`Large ${unique()}`, `Small ${unique()}`];
  const roomId = await api.createRoom(ada, name);
  const smallId = await api.createRoom(bo, other);
  await api.join(bo, roomId);
  const people: Account[] = [];
  await comeUntil(api, roomId, people, fanoutThreshold());
  const [left, right] = [await profile(), await profile()];
  await left.login(ada, `/rooms/${roomId}`);
  await right.login(bo, `/rooms/${roomId}`);
  await Promise.all([left.status('Live'), right.status('Live')]);
  for (const screen of [left, right]) {
    await screen.page.getByText('2 here', { exact: true }).waitFor({ timeout: ARRIVES_MS });
  }

  await right.composer.pressSequentially('hm', { delay: 50 });
  await left.page.getByText('1 person is typing').waitFor({ timeout: ARRIVES_MS });
  await right.send('hello from a large room');
  await left.message('hello from a large room').waitFor({ timeout: ARRIVES_MS });

  // Members are counted without an event for each.
  const one = await api.register('Late Comer');
  await api.join(one, roomId);
  await api.send(one, roomId, 'here I am');
  await left.page
    .getByText(`${fanoutThreshold() + 1} members`, { exact: true })
    .waitFor({ timeout: ARRIVES_MS });

  // The list hears of it while another room is open, and beyond the last two that were left.
  await right.page.goto(`${baseUrl()}/rooms/${smallId}`);
  await right.composer.waitFor();
  await right.status('Live');
  await api.send(ada, roomId, 'still there?');
  const row = right.page.getByRole('navigation').getByRole('link', { name });
  await row.filter({ hasText: 'still there?' }).waitFor({ timeout: ARRIVES_MS });
  await row.click();
  await right.message('still there?').waitFor({ timeout: ARRIVES_MS });
});

test('somebody who only reads a large room sees it live', async () => {
  const api = new Api(baseUrl());
  const [ada, guest] = [await api.register('Ada Boateng'), await api.register('Samir Haddad')];
  const roomId = await api.createRoom(ada, `Public ${unique()}`);
  await comeUntil(api, roomId, [], fanoutThreshold() + 1);
  const reader = await profile();
  let [polls, subscribed] = [0, false];
  reader.page.on('request', (request) => {
    if (/query Changes/.test(request.postData() ?? '')) polls += 1;
  });
  reader.page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => {
      subscribed ||= String(payload).includes(`room:${roomId}.`);
    });
  });
  await reader.login(guest, `/rooms/${roomId}`);
  await reader.status('Live');
  await until(
    async () => subscribed,
    (done) => done,
    ARRIVES_MS,
  );
  // It asks once then, for what was written before.
  await api.send(ada, roomId, 'message zero');
  await reader.message('message zero').waitFor({ timeout: 5_000 });
  polls = 0;
  for (const text of ['one', 'two', 'three']) {
    await api.send(ada, roomId, `message ${text}`);
    await reader.message(`message ${text}`).waitFor({ timeout: 5_000 });
  }
  expect(polls).toBe(0);
});
