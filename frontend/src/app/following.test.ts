// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { useSession } from '../features/auth/session.ts';
import { clearRooms, loadRoom, useRooms } from '../features/rooms/store.ts';
import { useHere } from '../features/timeline/here.ts';
import { clearHistory, openRoom } from '../features/timeline/history.ts';
import { forgetOpen, setOpenRoom } from '../features/timeline/open.ts';
import { clearTimelines, heldOf } from '../features/timeline/store.ts';
import { RequestError } from '../shared/graphql/errors.ts';
import { useLive } from '../shared/realtime/live.ts';
import { Hub } from '../testing/centrifugo.ts';
import { Place, Plaza, Refused } from '../testing/plaza.ts';
import { ADA, ME, ServerRoom } from '../testing/room.ts';
import { startSync, stopSync } from './sync.ts';

vi.mock('centrifuge', () => import('../testing/centrifugo.ts'));

let plaza: Plaza;
let hub: Hub;
/** The operations that were asked, and what channels were tried. */
let asked: string[];
let tried: { channel: string; at: number }[];
/** Answers of this operation are held up, though given. */
let late: { operation: string; until: Promise<void> } | null;
/** The next request of this operation is not answered. */
let lost: string | null;

vi.mock('../shared/graphql/request.ts', () => ({
  setTokenSource: () => {},
  request: async (document: object, variables: Record<string, unknown>) => {
    const operation = /(?:query|mutation) (\w+)/.exec(String(document))?.[1] ?? '';
    asked.push(operation);
    if (operation === lost) {
      lost = null;
      throw new RequestError('NETWORK', 'no answer');
    }
    try {
      const answer = structuredClone(plaza.answer(operation, variables));
      if (operation === late?.operation) await late.until;
      return answer;
    } catch (error) {
      throw error instanceof Refused ? new RequestError(error.code, 'refused') : error;
    }
  },
}));

const tick = (ms = 500) => vi.advanceTimersByTimeAsync(ms);
const count = (...operations: string[]) => asked.filter((name) => operations.includes(name)).length;
const contents = (id: string) => heldOf(id).timeline?.messages.map(({ content }) => content);

function add(id: string, mode: 'personal' | 'room', member = true): Place {
  const place = new Place(id, new ServerRoom('e', [], id), hub);
  plaza.places.set(id, place);
  place.create(ADA.id, `${id} 1`, `${id} 1`);
  if (mode === 'room') place.cross();
  if (!member) place.setMember(false);
  place.forward(9);
  return place;
}

function write(place: Place): void {
  const n = place.messages.head + 1;
  place.create(ADA.id, `${place.id} ${n}`, `${place.id} ${n}`);
  place.forward(1);
}

async function begin(open?: string): Promise<void> {
  await startSync();
  await tick();
  if (open) await visit(open);
  await tick(6_000);
  expect(useLive.getState().status).toBe('live');
  asked.length = 0;
  tried.length = 0;
}

/** Holds the answers of an operation up until what it returns is called. */
function holdUp(operation: string): () => void {
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  late = { operation, until };
  return release;
}

async function visit(id: string): Promise<void> {
  setOpenRoom(id);
  if (!useRooms.getState().rooms[id]) await loadRoom(id);
  await openRoom(id, 0);
  await tick();
}

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  tried = [];
  late = null;
  lost = null;
  plaza = new Plaza();
  hub = new Hub((channel, token) => {
    tried.push({ channel, at: Date.now() });
    return plaza.verdict(channel, token);
  });
  useSession.setState({ status: 'signed-in', viewer: ME });
});

afterEach(() => {
  stopSync();
  forgetOpen();
  clearHistory();
  clearTimelines();
  clearRooms();
  vi.clearAllTimers();
  vi.useRealTimers();
});

describe('a reconnect', () => {
  test('renews the tokens of all channels by one query, and goes on where it was', async () => {
    const places = Array.from({ length: 12 }, (_, n) => add(`r${n}`, 'room'));
    await begin('r0');
    hub.cut();
    for (const place of places) write(place);
    await tick(2_000);
    expect(count('HeadsWithTokens')).toBe(1);
    expect(count('Heads', 'Room', 'SubscriptionToken', 'Changes')).toBe(0);
    expect(hub.subscribed.size).toBe(12 + 2);
    expect(contents('r0')).toEqual(['r0 1', 'r0 2']);
    expect(useRooms.getState().rooms.r7?.lastNumber).toBe(2);
  });

  test('renews by one query where there is one large room, too, and when much was missed', async () => {
    const place = add('a', 'room');
    await begin('a');
    for (const more of [1, 9]) {
      // The tokens of before can no longer be used.
      await tick(6_000);
      asked.length = 0;
      hub.cut();
      for (let n = 0; n < more; n += 1) write(place);
      await tick(2_000);
      expect(count('HeadsWithTokens', 'Heads')).toBe(1);
      expect(count('SubscriptionToken', 'Room')).toBe(0);
      expect(contents('a')).toHaveLength(place.messages.head);
    }
  });

  test('that recovered asks nothing of who is in small rooms alone', async () => {
    add('small', 'personal');
    await begin('small');
    hub.cut();
    await tick(2_000);
    expect(asked.filter((name) => name !== 'Online')).toEqual(['ConnectionToken']);
  });
});

describe('a channel that is refused', () => {
  test('is tried again slowly, never twice at the same pace; until then the open room is polled', async () => {
    const place = add('a', 'room');
    await begin();
    plaza.verdict = (channel) => (channel.startsWith('room:') ? 'refused' : 'yes');
    await visit('a');
    write(place);
    await tick(7_000);
    expect(contents('a')).toEqual(['a 1', 'a 2']);
    await tick(15 * 60_000);
    const times = tried.filter(({ channel }) => channel.startsWith('room:')).map(({ at }) => at);
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(times.length).toBeGreaterThan(8);
    expect(times.length).toBeLessThan(35);
    expect(Math.min(...pauses.slice(6))).toBeGreaterThanOrEqual(30_000);
    expect(new Set(pauses).size).toBe(pauses.length);

    plaza.verdict = () => 'yes';
    await tick(95_000);
    asked.length = 0;
    write(place);
    await tick(0);
    expect(contents('a')).toEqual(['a 1', 'a 2', 'a 3']);
    await tick(30_000);
    expect(count('Changes')).toBe(0);
  });

  test('is not tried again once the room is closed to the viewer', async () => {
    const place = add('a', 'room');
    place.changeVisibility();
    place.forward(9);
    await begin('a');
    place.setMember(false);
    hub.unsubscribe(place.channel ?? '');
    await tick(10 * 60_000);
    expect(tried.filter(({ channel }) => channel === place.channel).length).toBeLessThanOrEqual(1);
    expect(hub.client?.channels).toEqual([]);
  });
});

describe('large rooms in the list', () => {
  test('up to 100 say where they stand: nothing is asked', async () => {
    const places = Array.from({ length: 100 }, (_, n) => add(`r${n}`, 'room'));
    await begin();
    for (const place of places) write(place);
    await tick(3 * 60_000);
    expect(useRooms.getState().rooms.r42).toMatchObject({
      lastNumber: 2,
      preview: { text: 'r42 2' },
    });
    expect(asked).toEqual([]);
  });

  test('beyond 100 are asked for once a minute, but not by a hidden tab', async () => {
    const places = Array.from({ length: 103 }, (_, n) => add(`r${n}`, 'room'));
    await begin();
    expect([...hub.subscribed.keys()].filter((name) => name.startsWith('head:'))).toHaveLength(100);
    for (const place of places) write(place);
    await tick(75_000);
    for (const { id } of places) expect(useRooms.getState().rooms[id]?.lastNumber).toBe(2);
    asked.length = 0;
    await tick(10 * 60_000);
    expect(count('Heads', 'HeadsWithTokens')).toBeGreaterThanOrEqual(8);
    expect(count('Heads', 'HeadsWithTokens')).toBeLessThanOrEqual(13);
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    asked.length = 0;
    await tick(10 * 60_000);
    expect(asked).toEqual([]);
    Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
  });
});

describe('crossing', () => {
  test.each([
    [50, 0, 100],
    [20_000, 500, 2_000],
  ])('with %i members asks for the channels within %i to %i ms', async (members, least, most) => {
    const place = add('a', 'personal');
    await begin();
    const waits: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      if (place.mode === 'room') {
        place.cross();
        place.forward(1);
        await tick(5_000);
      }
      useRooms.setState(({ rooms }) => {
        const { a } = rooms;
        return a ? { rooms: { ...rooms, a: { ...a, memberCount: members } } } : { rooms };
      });
      asked.length = 0;
      place.cross();
      place.forward(1);
      const before = Date.now();
      while (count('Room') === 0) await tick(10);
      waits.push(Date.now() - before);
      await tick(3_000);
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(most + 20);
    expect(Math.max(...waits)).toBeGreaterThanOrEqual(least);
  });

  test('up and down, the open room misses nothing, and asks changes once each time', async () => {
    const place = add('a', 'personal');
    await begin('a');
    for (let n = 0; n < 6; n += 1) {
      asked.length = 0;
      place.cross();
      write(place);
      place.forward(9);
      // Not only when the list hears of it.
      await tick(150);
      expect(contents('a')).toHaveLength(place.messages.head);
      await tick(3_000);
      expect(count('Changes')).toBe(1);
      expect([...hub.subscribed.keys()].length).toBe(place.mode === 'room' ? 3 : 1);
    }
  });

  test('and back before its channel was opened: what was sent there is asked for', async () => {
    const place = add('a', 'personal');
    await begin('a');
    place.cross();
    place.forward(1);
    place.create(ADA.id, 'a 2', 'a 2');
    place.cross();
    await tick(3_000);
    expect(useRooms.getState().rooms.a?.route?.mode).toBe('PERSONAL');
    place.forward(9);
    await tick();
    expect(contents('a')).toEqual(['a 1', 'a 2']);
  });
});

test.each(['becomes small', 'is closed to the public'])(
  'the channel of a room that %s is left once changes was answered, not before',
  async (how) => {
    const place = add('a', 'room');
    await begin('a');
    const before = place.channel ?? '';
    const answer = holdUp('Changes');
    if (how === 'becomes small') place.cross();
    else place.changeVisibility();
    place.forward(9);
    await tick(5_000);
    const channels = () => hub.client?.channels ?? [];
    expect(channels()).toContain(before);
    if (place.channel) expect(channels()).toContain(place.channel);
    answer();
    await tick(200);
    expect(channels()).not.toContain(before);
    expect(count('Changes')).toBe(1);
  },
);

describe('somebody who only reads', () => {
  test('polls a small room, and gets the channel of a large one', async () => {
    const place = add('a', 'personal', false);
    await begin('a');
    expect(hub.client?.channels).toEqual([place.live]);
    await tick(60_000);
    expect(count('Changes')).toBeGreaterThan(8);
    place.cross();
    place.forward(9);
    await tick(10_000);
    expect(hub.client?.channels.sort()).toEqual([place.live, place.channel].sort());
    await tick(5_000);
    asked.length = 0;
    write(place);
    await tick(60_000);
    expect(contents('a')).toEqual(['a 1', 'a 2']);
    expect(asked).toEqual([]);
  });

  test('sees the room again that was closed to them and opened anew', async () => {
    const place = add('a', 'personal', false);
    await begin('a');
    place.changeVisibility();
    place.forward(9);
    await tick(15_000);
    expect(useRooms.getState().failures.a).toBe('NOT_FOUND');
    place.changeVisibility();
    place.forward(9);
    await tick(15_000);
    expect(useRooms.getState().failures.a).toBeUndefined();
    expect(hub.client?.channels).toEqual([place.live]);
  });
});

describe('somebody who has left a room and looks at it', () => {
  test.each([null, 'Room'])('gets the channel that it has since then; lost: %s', async (not) => {
    const place = add('a', 'personal');
    add('b', 'personal');
    await begin('b');
    place.setMember(false);
    place.forward(9);
    await tick(3_000);
    place.cross();
    place.forward(9);
    lost = not;
    await visit('a');
    await tick(3_000);
    expect(lost).toBeNull();
    expect(hub.client?.channels).toContain(place.channel);
  });
});

test('a room that nobody looks at is asked for again when that was not answered', async () => {
  add('a', 'personal');
  const other = add('b', 'personal');
  await begin('a');
  other.changeVisibility();
  hub.flush();
  lost = 'Room';
  hub.cut();
  await tick(20_000);
  expect(lost).toBeNull();
  expect(useRooms.getState().rooms.b?.visibility).toBe('PRIVATE');
});

test('what was written after a first page that is still on its way is asked for', async () => {
  const place = add('a', 'room', false);
  await begin();
  hub.latencyMs = 300;
  const answer = holdUp('Newest');
  const shown = visit('a');
  await tick(100);
  write(place);
  await tick(700);
  expect(hub.subscribed.has(place.channel ?? '')).toBe(true);
  expect(contents('a')).toBeUndefined();
  answer();
  await shown;
  await tick(100);
  expect(contents('a')).toEqual(['a 1', 'a 2']);
});

test('what was written between the first page and the channel is asked for once the channel is there', async () => {
  const place = add('a', 'room', false);
  await begin();
  hub.latencyMs = 300;
  const shown = visit('a');
  await tick(100);
  expect(contents('a')).toEqual(['a 1']);
  write(place);
  await shown;
  await tick(400);
  expect(contents('a')).toEqual(['a 1', 'a 2']);
});

test('a large room that was left long ago is not caught up with before it is opened', async () => {
  const [first] = ['a', 'b', 'c', 'd'].map((id) => add(id, 'room'));
  await begin('a');
  for (const id of ['b', 'c', 'd']) await visit(id);
  asked.length = 0;
  if (first) write(first);
  await tick(5_000);
  expect(useRooms.getState().rooms.a?.lastNumber).toBe(2);
  expect(count('Changes')).toBe(0);
  await visit('a');
  expect(contents('a')).toEqual(['a 1', 'a 2']);
});

test('an answer from before a departure is not taken for what is', async () => {
  const place = add('a', 'room');
  await begin('a');
  const answer = holdUp('Room');
  const asking = loadRoom('a');
  place.setMember(false);
  place.forward(1);
  await tick(50);
  answer();
  await asking;
  expect(useRooms.getState().rooms.a?.member).toBe(false);
});

test('what is said of the open room is shown, and forgotten with it', async () => {
  const [a] = [add('a', 'room'), add('b', 'room')];
  await begin('a');
  const say = (event: object) => hub.publish(a?.live ?? '', { v: 1, events: [event] });
  say({ type: 'typing', room: 'a', from: 'rooms-0', count: 12 });
  say({ type: 'online', room: 'a', count: 9_204 });
  await tick(0);
  expect(useHere.getState()).toEqual({ online: 9_204, people: [], count: 12 });
  await visit('b');
  expect(useHere.getState()).toMatchObject({ people: [], count: 0 });
  expect(hub.client?.channels).not.toContain(a?.live);
});
