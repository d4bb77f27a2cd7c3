/**
 * Two people in browsers, through the Services of a chat in Kubernetes that is
 * backed up, loses its data, and begins again with the backup. Whoever runs this
 * does that at PLAZA_E2E_URL/e2e/STEP, and answers when it is done.
 */

import { afterEach, expect, test } from 'vitest';
import { Api } from './api.ts';
import { Profile, until } from './browser.ts';
import { baseUrl } from './env.ts';

/** While live nothing is polled: whatever comes was pushed. Long, for a loaded machine. */
const ARRIVES_MS = 15_000;
/** Until a browser that was left alone is connected again: it waits up to 20 s between two tries. */
const BACK_MS = 90_000;

const open: Profile[] = [];

async function profile(): Promise<Profile> {
  const opened = await Profile.open(baseUrl());
  open.push(opened);
  return opened;
}

async function step(name: string): Promise<void> {
  const response = await fetch(`${baseUrl()}/e2e/${name}`, { method: 'POST' });
  expect(response.status).toBe(204);
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()));
});

test('browsers that were left open show exactly what was restored, and go on', async () => {
  const api = new Api(baseUrl());
  const [ada, bo] = [await api.register('Ada Boateng'), await api.register('Bo Lindqvist')];
  const roomId = await api.createRoom(ada, 'Square');
  await api.join(bo, roomId);
  const [adas, bos] = [await profile(), await profile()];
  await adas.login(ada, `/rooms/${roomId}`);
  await bos.login(bo, `/rooms/${roomId}`);
  await Promise.all([adas.status('Live'), bos.status('Live')]);

  /** One writes, and the other sees it. */
  const told: string[] = [];
  let lines = 0;
  const tell = async (from: Profile, to: Profile) => {
    lines += 1;
    const text = `line ${lines}.`;
    told.push(text);
    await from.send(text);
    await to.message(text).waitFor({ timeout: ARRIVES_MS });
  };
  const shows = async (profile: Profile, timeout: number) => {
    const shown = await until(
      () => profile.shown(/line \d+\./),
      (texts) => texts.join() === told.join(),
      timeout,
    );
    expect(shown).toEqual(told);
  };

  await tell(adas, bos);
  await tell(bos, adas);
  await step('backup');
  const kept = told.length;
  await tell(adas, bos);
  await tell(bos, adas);
  await tell(adas, bos);
  await Promise.all([shows(adas, ARRIVES_MS), shows(bos, ARRIVES_MS)]);

  // What was said since the backup is gone, for who saw it as well.
  await step('restore');
  told.splice(kept);
  await Promise.all([shows(adas, BACK_MS), shows(bos, BACK_MS)]);
  await Promise.all([adas.status('Live', BACK_MS), bos.status('Live', BACK_MS)]);

  await tell(bos, adas);
  await tell(adas, bos);
  await Promise.all([shows(adas, ARRIVES_MS), shows(bos, ARRIVES_MS)]);
  expect(await api.history(ada, roomId, 100)).toEqual(told);
});
