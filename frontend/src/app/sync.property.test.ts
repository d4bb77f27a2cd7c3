// @vitest-environment jsdom
/**
 * Guarantee 4 on the screen, for the whole of what follows a room: whatever
 * comes, is lost, comes twice, late or in another order, the timeline ends as
 * the server has it, and on the way shows no message twice and claims no change
 * that it has not applied.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { useSession } from '../features/auth/session.ts';
import { clearRooms, useRooms } from '../features/rooms/store.ts';
import {
  clearHistory,
  loadNewer,
  loadNewest,
  loadOlder,
  openRoom,
  setInView,
} from '../features/timeline/history.ts';
import { buildRows } from '../features/timeline/model/rows.ts';
import { setOpenRoom } from '../features/timeline/open.ts';
import { forgetSends, send } from '../features/timeline/sending.ts';
import { clearTimelines, heldOf } from '../features/timeline/store.ts';
import { RequestError } from '../shared/graphql/errors.ts';
import type { ConnectionOptions } from '../shared/realtime/connection.ts';
import { readPublication } from '../shared/realtime/events.ts';
import { ADA, ME, ROOM, ServerRoom, wire } from '../testing/room.ts';
import { startSync, stopSync } from './sync.ts';

const SEEDED = 120;
/** The most changes of one answer, and how many may be missing before a reset. */
const FEW = 2;
const RESET = 6;

interface Asked {
  answer: unknown;
  serve(): unknown;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

let server: ServerRoom;
let epochs: Map<string, ServerRoom>;
let page: ConnectionOptions;
/** Requests on their way; an answer is what the server knew when it was served. */
let pending: Asked[] = [];

vi.mock('../shared/realtime/connection.ts', () => ({
  RealtimeConnection: class {
    constructor(options: ConnectionOptions) {
      page = options;
    }
    open() {}
    close() {}
    setSyncing() {}
  },
}));

vi.mock('../shared/graphql/request.ts', () => ({
  setTokenSource: () => {},
  request: (document: object, variables: Record<string, unknown>) => {
    const operation = /(?:query|mutation) (\w+)/.exec(String(document))?.[1] ?? '';
    return new Promise((resolve, reject) => {
      const serve = () => answerTo(operation, variables);
      pending.push({ answer: undefined, serve, resolve, reject });
    });
  },
}));

function answerTo(operation: string, variables: Record<string, unknown>): unknown {
  const { last, first, before, after, sinceSeq, input } = variables;
  switch (operation) {
    case 'Rooms':
      return {
        rooms: { nodes: [roomFields()], pageInfo: { hasNextPage: false, endCursor: null } },
      };
    case 'Room':
      return { room: roomFields() };
    case 'Heads': {
      const { head: headSeq, epoch } = server;
      const newest = server.all().at(-1);
      const number = newest?.number ?? 0;
      const head = { roomId: ROOM, headSeq, version: 1, number, unreadCount: 0, epoch };
      return {
        heads: {
          pollAfter: 5_000,
          rooms: [{ ...head, lastMessageAt: newest?.createdAt, preview: newest?.content }],
        },
      };
    }
    case 'Newest':
      return { room: { messages: server.connection((all) => all.slice(-Number(last))) } };
    case 'Older':
      return {
        room: {
          messages: server.connection((all) =>
            all.filter(({ seq }) => seq < Number(before)).slice(-Number(last)),
          ),
        },
      };
    case 'Newer':
      return {
        room: {
          messages: server.connection((all) =>
            all.filter(({ seq }) => seq > Number(after)).slice(0, Number(first)),
          ),
        },
      };
    case 'Changes':
      return { room: { changes: server.changes(Number(sinceSeq), FEW, RESET) } };
    case 'Send': {
      const { content, clientMessageId } = input as { content: string; clientMessageId: string };
      return { sendMessage: wire(server.create(ME.id, content, clientMessageId)) };
    }
    case 'Users':
      return { users: [ADA, ME] };
    default:
      throw new Error(`not expected: ${operation}`);
  }
}

function roomFields() {
  const newest = server.all().at(-1);
  return {
    id: ROOM,
    name: 'Room',
    topic: null,
    visibility: 'PUBLIC',
    memberCount: 2,
    unreadCount: 0,
    readNumber: newest?.number ?? 0,
    version: 1,
    epoch: server.epoch,
    createdAt: '2026-01-01T00:00:00Z',
    viewerMembership: { role: 'MEMBER', joinedAt: '2026-01-01T00:00:00Z' },
    lastMessage: newest ? wire(newest) : null,
  };
}

function serve(asked: Asked): void {
  asked.answer ??= asked.serve();
}

function take(pick: number): Asked | undefined {
  return pending.splice(pick % Math.max(1, pending.length), 1)[0];
}

function deliver(asked: Asked | undefined): void {
  if (!asked) return;
  serve(asked);
  // A copy of the moment: what the server changes later is not in it.
  asked.resolve(structuredClone(asked.answer));
}

/** Lets everything run that waits for nothing. */
const run = () => new Promise<void>((resume) => setImmediate(resume));

/** One publication: the changes of one epoch, in the order given. */
function publish(room: ServerRoom, seqs: readonly number[], unknown = false): void {
  const events = seqs.flatMap((seq) => {
    const message = room.log[seq - 1];
    if (!message) return [];
    const type =
      message.seq === seq ? 'created' : message.deletedAt === null ? 'edited' : 'deleted';
    return [
      {
        type: unknown ? 'message.painted' : `message.${type}`,
        room: ROOM,
        epoch: room.epoch,
        time: message.createdAt,
        seq,
        message: { ...message, roomId: ROOM },
      },
    ];
  });
  page.onEvents(readPublication({ v: 1, events }));
}

const pick = fc.nat({ max: 9 });
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
    step(5, 'create', {}),
    step(3, 'change', { pick, deletes: fc.boolean() }),
    /** The next changes, in one publication. */
    step(7, 'push', { count: fc.integer({ min: 1, max: 4 }) }),
    /** One that came before, or one that is ahead; twice in a publication, and out of order. */
    step(3, 'stray', { back: fc.integer({ min: -4, max: 4 }) }),
    step(1, 'late', { pick }),
    step(1, 'unknown', {}),
    step(2, 'own', {}),
    step(1, 'head', { preview: fc.boolean() }),
    step(1, 'reconnect', {}),
    step(1, 'silence', { live: fc.boolean() }),
    step(4, 'serve', { pick }),
    step(9, 'deliver', { pick }),
    step(2, 'lose', { pick, taken: fc.boolean() }),
    step(2, 'older', {}),
    step(1, 'newer', {}),
    step(1, 'newest', {}),
    step(1, 'scroll', { pick: fc.nat({ max: 150 }) }),
    step(1, 'restore', { lost: fc.nat({ max: 6 }) }),
    step(2, 'wait', { ms: fc.nat({ max: 5_000 }) }),
  ),
  { maxLength: 90, size: 'max' },
);
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never;

async function perform(step: Step): Promise<void> {
  const position = heldOf(ROOM).timeline?.position ?? 0;
  switch (step.do) {
    case 'create':
      server.create(ADA.id, `${server.epoch} text ${server.head + 1}`, `c${server.head}`);
      break;
    case 'change':
      server.change(step.pick, step.deletes);
      break;
    case 'push':
      publish(
        server,
        Array.from({ length: step.count }, (_, index) => position + 1 + index),
      );
      break;
    case 'stray': {
      const seq = position + 1 - step.back;
      publish(server, [seq, seq - 1, seq]);
      break;
    }
    case 'late': {
      const all = [...epochs.values()];
      const room = all[step.pick % all.length];
      if (room) publish(room, [room.head - (step.pick % 4)]);
      break;
    }
    case 'unknown':
      publish(server, [position + 1], true);
      break;
    case 'own':
      send(ROOM, `mine ${server.head}`);
      break;
    case 'head': {
      const newest = server.all().at(-1);
      const head = { type: 'head', room: ROOM, epoch: server.epoch, headSeq: server.head };
      const shown = { lastMessageAt: newest?.createdAt, preview: newest?.content };
      const event = { ...head, number: newest?.number, ...(step.preview ? shown : {}) };
      page.onEvents(readPublication({ v: 1, events: [event] }));
      break;
    }
    case 'reconnect':
      page.onGap();
      break;
    case 'silence':
      page.onStatus(step.live ? 'live' : 'not-live');
      if (step.live) page.onGap();
      break;
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
      void loadOlder(ROOM);
      break;
    case 'newer':
      void loadNewer(ROOM);
      break;
    case 'newest':
      void loadNewest(ROOM);
      break;
    case 'scroll': {
      const { timeline } = heldOf(ROOM);
      setInView(ROOM, timeline?.messages[step.pick]?.id ?? null);
      break;
    }
    case 'restore':
      server = server.restored(Math.max(SEEDED, server.head - step.lost), `e${epochs.size + 1}`);
      epochs.set(server.epoch, server);
      break;
    case 'wait':
      await vi.advanceTimersByTimeAsync(step.ms);
      break;
  }
}

/** What holds at any moment. */
function check(): void {
  const { timeline, sends } = heldOf(ROOM);
  if (!timeline) return;
  const { messages, position } = timeline;
  const room = epochs.get(timeline.epoch);
  if (!room) throw new Error('an epoch that never was');

  // None twice, none out of order.
  for (const [index, { seq }] of messages.entries()) {
    const before = messages[index - 1];
    // Until it learns of a restore, an own message may stand beside the one that it took the place of.
    if (before && room === server && seq <= before.seq) {
      throw new Error(`out of order: ${before.seq}, ${seq}`);
    }
  }
  const rows = buildRows({ messages, sends, me: ME.id, newAfter: null, hasOlder: false });
  const keys = rows.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);

  // The position claims nothing that was not applied.
  expect(position).toBeLessThanOrEqual(room.head);
  const low = timeline.hasOlder ? (messages[0]?.seq ?? Number.POSITIVE_INFINITY) : 0;
  const high = timeline.hasNewer ? (messages.at(-1)?.seq ?? 0) : Number.POSITIVE_INFINITY;
  const held = new Map(messages.map((message) => [message.id, message]));
  for (const state of room.all()) {
    if (state.seq < low || state.seq > high || state.changedSeq > position) continue;
    const shown = held.get(state.id)?.changedSeq;
    if (shown === undefined || shown < state.changedSeq) {
      throw new Error(`at ${position} without change ${state.changedSeq} of ${state.id}: ${shown}`);
    }
  }
}

/** What holds once nothing more comes. */
function checkEnd(): void {
  const { timeline, sends } = heldOf(ROOM);
  expect(timeline).toMatchObject({ epoch: server.epoch, position: server.head, stale: false });
  expect(sends).toEqual([]);
  const messages = timeline?.messages ?? [];
  const low = timeline?.hasOlder ? (messages[0]?.seq ?? 0) : 0;
  const high = timeline?.hasNewer ? (messages.at(-1)?.seq ?? 0) : server.head;
  expect(messages).toEqual(server.all().filter(({ seq }) => seq >= low && seq <= high));
  expect(useRooms.getState().rooms[ROOM]).toMatchObject({
    epoch: server.epoch,
    lastNumber: server.states.size,
  });
}

async function deliverAll(): Promise<void> {
  for (let round = 0; pending.length > 0; round += 1) {
    expect(round).toBeLessThan(1_000);
    deliver(take(0));
    await run();
    check();
  }
}

async function begin(): Promise<void> {
  pending = [];
  server = new ServerRoom('e1');
  epochs = new Map([['e1', server]]);
  for (let n = 1; n <= SEEDED; n += 1) server.create(ADA.id, `e1 text ${n}`, `seed${n}`);
  await startSync();
  void openRoom(ROOM, 0);
  setOpenRoom(ROOM);
  await run();
}

/** Everything that was asked is answered, and the client compares its heads. */
async function settleDown(): Promise<void> {
  const quiet = async () => {
    for (let round = 0; round < 2; round += 1) {
      await deliverAll();
      await vi.advanceTimersByTimeAsync(31_000);
      await run();
    }
    await deliverAll();
  };
  await quiet();
  expect(heldOf(ROOM).sends).toEqual([]);
  page.onStatus('live');
  page.onGap();
  await quiet();
}

async function end(): Promise<void> {
  forgetSends();
  stopSync();
  setOpenRoom(null);
  // Nothing of this run may reach into the next.
  for (let asked = take(0); asked; asked = take(0)) {
    asked.reject(new RequestError('NETWORK', 'over'));
    await run();
  }
  vi.clearAllTimers();
  clearHistory();
  clearTimelines();
  clearRooms();
  setInView(ROOM, null);
  await run();
}

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  useSession.setState({ status: 'signed-in', viewer: ME });
});
afterAll(() => {
  vi.useRealTimers();
});

describe('guarantee 4 on the screen', { timeout: 300_000 }, () => {
  test('whatever is pushed, asked, lost, repeated, late, reset or restored: it ends as the server has it', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        try {
          await begin();
          for (const one of sequence) {
            await perform(one);
            await run();
            check();
          }
          await settleDown();
          checkEnd();
        } finally {
          await end();
        }
      }),
      { numRuns: Number(process.env.PLAZA_PROPERTY_RUNS ?? 100) },
    );
  });
});
