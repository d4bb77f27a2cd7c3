// @vitest-environment jsdom
/**
 * Guarantee 4 on the screen, for all that follows rooms: whatever comes, is
 * lost, comes twice, late or in another order, by whichever channel, refused,
 * recovered or not, every timeline ends as the server has it, and on the way
 * shows no message twice and claims no change that it has not applied.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { useSession } from '../features/auth/session.ts';
import { clearRooms, loadRoom, useRooms } from '../features/rooms/store.ts';
import {
  clearHistory,
  loadNewer,
  loadNewest,
  loadOlder,
  openRoom,
  setInView,
} from '../features/timeline/history.ts';
import { buildRows } from '../features/timeline/model/rows.ts';
import { forgetOpen, openRoomOf, setOpenRoom, useOpen } from '../features/timeline/open.ts';
import { forgetSends, send } from '../features/timeline/sending.ts';
import { clearTimelines, heldOf } from '../features/timeline/store.ts';
import { RequestError } from '../shared/graphql/errors.ts';
import { Hub } from '../testing/centrifugo.ts';
import { Place, Plaza, Refused } from '../testing/plaza.ts';
import { ADA, ME, ROOM, ServerRoom } from '../testing/room.ts';
import { startSync, stopSync } from './sync.ts';

vi.mock('centrifuge', () => import('../testing/centrifugo.ts'));

/** As many rooms as are followed, and one more. */
const ROOMS = [ROOM, 'second', 'third', 'fourth'];
const SEEDED = 60;

interface Asked {
  answer: unknown;
  serve(): unknown;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

let plaza: Plaza;
let hub: Hub;
/** What each epoch's rooms were, by epoch and room. */
let epochs: Map<string, Map<string, ServerRoom>>;
/** Requests on their way; an answer is what the server knew when it was served. */
let pending: Asked[] = [];

vi.mock('../shared/graphql/request.ts', () => ({
  setTokenSource: () => {},
  request: (document: object, variables: Record<string, unknown>) => {
    const operation = /(?:query|mutation) (\w+)/.exec(String(document))?.[1] ?? '';
    return new Promise((resolve, reject) => {
      const serve = () => {
        try {
          return structuredClone(plaza.answer(operation, variables));
        } catch (error) {
          if (error instanceof Refused) return error;
          throw error;
        }
      };
      pending.push({ answer: undefined, serve, resolve, reject });
    });
  },
}));

function serve(asked: Asked): void {
  asked.answer ??= asked.serve();
}

function take(pick: number): Asked | undefined {
  return pending.splice(pick % Math.max(1, pending.length), 1)[0];
}

function deliver(asked: Asked | undefined): void {
  if (!asked) return;
  serve(asked);
  const { answer } = asked;
  if (answer instanceof Refused) asked.reject(new RequestError(answer.code, 'refused'));
  else asked.resolve(answer);
}

/** Lets everything run that waits for nothing. */
const run = () => new Promise<void>((resume) => setImmediate(resume));

const pick = fc.nat({ max: 9 });
const room = fc.nat({ max: ROOMS.length - 1 });
const step = <Name extends string, Rest extends object>(
  weight: number,
  name: Name,
  rest: { [Key in keyof Rest]: fc.Arbitrary<Rest[Key]> },
) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(name), ...rest }) as fc.Arbitrary<{ do: Name } & Rest>,
});

const steps = fc.array(
  fc.oneof(
    step(6, 'create', { room }),
    step(3, 'change', { room, pick, deletes: fc.boolean() }),
    /** The publisher goes on. */
    step(9, 'forward', { room, count: fc.integer({ min: 1, max: 4 }) }),
    /** It does something again, late perhaps. */
    step(2, 'repeat', { room, pick }),
    /** A change that came before, or is ahead; twice in a publication, and out of order. */
    step(2, 'stray', { room, back: fc.integer({ min: -4, max: 4 }) }),
    step(1, 'late', { room, pick }),
    step(1, 'unknown', { room }),
    step(1, 'head', { room, whole: fc.boolean() }),
    /** What the list is told, now and then. */
    step(2, 'tell', { room }),
    step(3, 'cross', { room }),
    step(1, 'visibility', { room }),
    step(2, 'member', { room, member: fc.boolean() }),
    step(3, 'visit', { room }),
    step(2, 'own', {}),
    /** The connection: cut, ended as the SDK takes for final, away, slow. */
    step(2, 'cut', {}),
    step(1, 'end', {}),
    step(1, 'down', { up: fc.boolean() }),
    step(2, 'slow', { ms: fc.constantFrom(0, 0, 50, 900, 3_000, 7_000) }),
    step(1, 'silence', { ticking: fc.boolean() }),
    /** What is kept is gone, or some publications are not sent. */
    step(1, 'flush', {}),
    step(1, 'swallow', { count: fc.integer({ min: 1, max: 3 }) }),
    step(1, 'positions', {}),
    /** Subscriptions that are refused, ended, or have to try again. */
    step(2, 'refuse', { count: fc.integer({ min: 1, max: 3 }), later: fc.boolean() }),
    step(1, 'unsubscribe', { pick }),
    step(5, 'serve', { pick }),
    step(14, 'deliver', { pick }),
    step(2, 'lose', { pick, taken: fc.boolean() }),
    step(1, 'older', {}),
    step(1, 'newer', {}),
    step(1, 'newest', {}),
    step(1, 'scroll', { pick: fc.nat({ max: 150 }) }),
    step(1, 'restore', { lost: fc.nat({ max: 6 }) }),
    step(3, 'wait', { ms: fc.nat({ max: 5_000 }) }),
  ),
  { maxLength: 110, size: 'max' },
);
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never;

function placeOf(step: { room: number }): Place {
  return plaza.place(ROOMS[step.room]);
}

/** As the screen of a room does: its messages are loaded once it is known. */
function visit(roomId: string): void {
  setOpenRoom(roomId);
  shown = null;
  show();
  if (!shown) void loadRoom(roomId);
}

let shown: string | null = null;
function show(): void {
  const open = openRoomOf();
  if (open === null || open === shown || !useRooms.getState().rooms[open]) return;
  shown = open;
  void openRoom(open, 0);
}
useRooms.subscribe(show);

async function perform(step: Step): Promise<void> {
  const open = openRoomOf() ?? ROOM;
  switch (step.do) {
    case 'create': {
      const place = placeOf(step);
      const { epoch, head } = place.messages;
      place.create(ADA.id, `${epoch} text ${head + 1}`, `c${head}`);
      break;
    }
    case 'change':
      placeOf(step).change(step.pick, step.deletes);
      break;
    case 'forward':
      placeOf(step).forward(step.count);
      break;
    case 'repeat':
      placeOf(step).repeat(step.pick);
      break;
    case 'stray': {
      const place = placeOf(step);
      const seq = (heldOf(place.id).timeline?.position ?? 0) + 1 - step.back;
      place.stray(place.messages, [seq, seq - 1, seq]);
      break;
    }
    case 'late': {
      const place = placeOf(step);
      const all = [...epochs.values()];
      const earlier = all[step.pick % all.length]?.get(place.id);
      if (earlier) place.stray(earlier, [earlier.head - (step.pick % 4)]);
      break;
    }
    case 'unknown': {
      const place = placeOf(step);
      place.stray(place.messages, [(heldOf(place.id).timeline?.position ?? 0) + 1], true);
      break;
    }
    case 'head':
      placeOf(step).sendHead(step.whole);
      break;
    case 'tell':
      placeOf(step).tellHead();
      break;
    case 'cross':
      placeOf(step).cross();
      break;
    case 'visibility':
      placeOf(step).changeVisibility();
      break;
    case 'member':
      placeOf(step).setMember(step.member);
      break;
    case 'visit':
      visit(ROOMS[step.room] ?? ROOM);
      break;
    case 'own':
      if (useRooms.getState().rooms[open]?.member) {
        send(open, `mine ${plaza.place(open).messages.head}`);
      }
      break;
    case 'cut':
      hub.cut();
      break;
    case 'end':
      hub.end();
      break;
    case 'down':
      hub.up = step.up;
      if (!step.up) hub.cut();
      break;
    case 'slow':
      hub.latencyMs = step.ms;
      break;
    case 'silence':
      hub.ticking = step.ticking;
      break;
    case 'flush':
      hub.flush();
      break;
    case 'swallow':
      hub.swallow += step.count;
      break;
    case 'positions':
      hub.checkPositions();
      break;
    case 'refuse':
      for (let n = 0; n < step.count; n += 1) {
        plaza.verdicts.push(step.later ? 'later' : 'refused');
      }
      break;
    case 'unsubscribe': {
      const channels = [...hub.subscribed.keys()];
      const channel = channels[step.pick % Math.max(1, channels.length)];
      if (channel) hub.unsubscribe(channel);
      break;
    }
    case 'serve': {
      const asked = pending[step.pick % Math.max(1, pending.length)];
      if (asked) serve(asked);
      break;
    }
    case 'deliver':
      deliver(take(step.pick));
      break;
    case 'lose': {
      const asked = take(step.pick);
      if (asked && step.taken) serve(asked);
      asked?.reject(new RequestError('NETWORK', 'no answer'));
      break;
    }
    case 'older':
      void loadOlder(open);
      break;
    case 'newer':
      void loadNewer(open);
      break;
    case 'newest':
      void loadNewest(open);
      break;
    case 'scroll':
      setInView(open, heldOf(open).timeline?.messages[step.pick]?.id ?? null);
      break;
    case 'restore': {
      const epoch = `e${epochs.size + 1}`;
      for (const place of plaza.places.values()) {
        place.restore(Math.max(SEEDED, place.messages.head - step.lost), epoch);
      }
      note(epoch);
      hub.flush();
      break;
    }
    case 'wait':
      await vi.advanceTimersByTimeAsync(step.ms);
      break;
  }
}

function note(epoch: string): void {
  epochs.set(epoch, new Map([...plaza.places].map(([id, { messages }]) => [id, messages])));
}

/** What holds at any moment. */
function check(): void {
  for (const roomId of ROOMS) checkTimeline(roomId);
  // One subscription a channel, and none that nothing accounts for: at most the new and the old one of each.
  expect(hub.client?.channels.length ?? 0).toBeLessThanOrEqual(3 * ROOMS.length);
}

function checkTimeline(roomId: string): void {
  const { timeline, sends } = heldOf(roomId);
  if (!timeline) return;
  const { messages, position } = timeline;
  const server = epochs.get(timeline.epoch)?.get(roomId);
  if (!server) throw new Error('an epoch that never was');

  // None twice, none out of order.
  for (const [index, { seq }] of messages.entries()) {
    const before = messages[index - 1];
    // Until it learns of a restore, an own message may stand beside the one that it took the place of.
    if (before && plaza.place(roomId).messages === server && seq <= before.seq) {
      throw new Error(`out of order: ${before.seq}, ${seq}`);
    }
  }
  const rows = buildRows({ messages, sends, me: ME.id, newAfter: null, hasOlder: false });
  const keys = rows.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);

  // The position claims nothing that was not applied.
  expect(position).toBeLessThanOrEqual(server.head);
  const low = timeline.hasOlder ? (messages[0]?.seq ?? Number.POSITIVE_INFINITY) : 0;
  const high = timeline.hasNewer ? (messages.at(-1)?.seq ?? 0) : Number.POSITIVE_INFINITY;
  const held = new Map(messages.map((message) => [message.id, message]));
  for (const state of server.all()) {
    if (state.seq < low || state.seq > high || state.changedSeq > position) continue;
    const shown = held.get(state.id)?.changedSeq;
    if (shown === undefined || shown < state.changedSeq) {
      throw new Error(`at ${position} without change ${state.changedSeq} of ${state.id}: ${shown}`);
    }
  }
}

/** What holds once no more messages come. */
function checkTimelines(): void {
  const { room: open, left } = useOpen.getState();
  for (const roomId of ROOMS) {
    const { member, readable } = plaza.place(roomId);
    const held = heldOf(roomId).timeline !== null;
    const followed = roomId === open || (left.includes(roomId) && member && held);
    if (followed && readable) checkTimelineEnd(roomId);
  }
}

/** What holds once the list was told, too. */
function checkList(): void {
  for (const roomId of ROOMS) {
    const place = plaza.place(roomId);
    const known = useRooms.getState().rooms[roomId];
    expect(known?.member ?? false, `member of ${roomId}`).toBe(place.member);
    expect(unsent(roomId)).toEqual([]);
    if (place.member) {
      const { epoch, states } = place.messages;
      expect(known).toMatchObject({
        epoch,
        lastNumber: states.size,
        visibility: place.visibility.toUpperCase(),
      });
    }
  }
  checkChannels();
}

const unsent = (roomId: string) => heldOf(roomId).sends.filter(({ state }) => state !== 'failed');

function checkTimelineEnd(roomId: string): void {
  const { messages: server } = plaza.place(roomId);
  const { timeline } = heldOf(roomId);
  expect(timeline, roomId).toMatchObject({
    epoch: server.epoch,
    position: server.head,
    stale: false,
  });
  const messages = timeline?.messages ?? [];
  const low = timeline?.hasOlder ? (messages[0]?.seq ?? 0) : 0;
  const high = timeline?.hasNewer ? (messages.at(-1)?.seq ?? 0) : server.head;
  expect(messages).toEqual(server.all().filter(({ seq }) => seq >= low && seq <= high));
}

/** Every channel that should be held is, once, and no other. */
function checkChannels(): void {
  const { room: open, left } = useOpen.getState();
  const needed: string[] = [];
  const allowed: string[] = [];
  for (const place of plaza.places.values()) {
    const { id, live, channel, headChannel, member, readable } = place;
    if (id === open && readable) needed.push(live, ...(channel ? [channel] : []));
    if (left.includes(id) && readable && channel) {
      (member && heldOf(id).timeline ? needed : allowed).push(channel);
    }
    if (member && headChannel) needed.push(headChannel);
  }
  const held = hub.client?.channels ?? [];
  expect(held).toEqual(expect.arrayContaining(needed));
  expect([...needed, ...allowed]).toEqual(expect.arrayContaining(held));
  expect([...hub.subscribed.keys()].sort()).toEqual([...held].sort());
}

async function deliverAll(): Promise<void> {
  for (let round = 0; pending.length > 0; round += 1) {
    expect(round).toBeLessThan(1_000);
    deliver(take(0));
    await run();
    check();
  }
}

/** Delays that are spread, spread the same way each time (mulberry32). */
function throwDice(seed: number): void {
  let state = seed;
  vi.spyOn(Math, 'random').mockImplementation(() => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  });
}

async function begin(dice: number): Promise<void> {
  throwDice(dice);
  pending = [];
  plaza = new Plaza();
  hub = new Hub((channel, token) => plaza.verdict(channel, token));
  epochs = new Map();
  for (const [index, id] of ROOMS.entries()) {
    const messages = new ServerRoom('e1', [], id);
    const place = new Place(id, messages, hub);
    for (let n = 1; n <= SEEDED; n += 1) place.create(ADA.id, `e1 text ${n}`, `seed${n}`);
    plaza.places.set(id, place);
    place.tellsHeads = false;
    if (index % 2 === 1) place.cross();
    place.forward(Number.POSITIVE_INFINITY);
  }
  note('e1');
  await startSync();
  visit(ROOM);
  await run();
}

/** Time goes by: everything that is asked is answered, what is committed is sent. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    await deliverAll();
    for (const place of plaza.places.values()) place.forward(Number.POSITIVE_INFINITY);
    await vi.advanceTimersByTimeAsync(1_000);
    await run();
  }
  await deliverAll();
}

/** Nothing fails any more; what was lost is found. */
async function settleDown(): Promise<void> {
  hub.up = true;
  hub.ticking = true;
  hub.latencyMs = 0;
  hub.swallow = 0;
  plaza.verdicts.length = 0;
  await pass(45_000);
  hub.checkPositions();
  await pass(15_000);
}

async function end(): Promise<void> {
  forgetSends();
  stopSync();
  forgetOpen();
  // Nothing of this run may reach into the next.
  for (let asked = take(0); asked; asked = take(0)) {
    asked.reject(new RequestError('NETWORK', 'over'));
    await run();
  }
  vi.clearAllTimers();
  clearHistory();
  clearTimelines();
  clearRooms();
  for (const roomId of ROOMS) setInView(roomId, null);
  await run();
}

beforeAll(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  });
  useSession.setState({ status: 'signed-in', viewer: ME });
});
afterAll(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('guarantee 4 on the screen', { timeout: 1_200_000 }, () => {
  test('whatever is pushed, asked, lost, repeated, refused, late, crossing, reset or restored: it ends as the server has it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), steps, async (dice, sequence) => {
        try {
          await begin(dice);
          for (const one of sequence) {
            await perform(one);
            await run();
            check();
          }
          await settleDown();
          checkTimelines();
          for (const place of plaza.places.values()) place.tellHead();
          await pass(5_000);
          checkTimelines();
          checkList();
          // What was followed no longer is up to date as soon as it is opened.
          for (const roomId of ROOMS.filter((id) => plaza.place(id).readable)) {
            visit(roomId);
            await pass(3_000);
            checkTimelineEnd(roomId);
          }
          checkChannels();
        } finally {
          await end();
        }
      }),
      // The same cases each time, unless others are asked for.
      {
        numRuns: Number(process.env.PLAZA_PROPERTY_RUNS ?? 100),
        seed: Number(process.env.PLAZA_PROPERTY_SEED ?? 403),
        ...(process.env.PLAZA_PROPERTY_PATH ? { path: process.env.PLAZA_PROPERTY_PATH } : {}),
      },
    );
  });
});
