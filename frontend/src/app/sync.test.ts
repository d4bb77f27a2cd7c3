// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useSession } from '../features/auth/session.ts';
import { clearRooms, useRooms } from '../features/rooms/store.ts';
import { clearHistory, loadNewest } from '../features/timeline/history.ts';
import { setOpenRoom } from '../features/timeline/open.ts';
import { clearTimelines, heldOf } from '../features/timeline/store.ts';
import { useLive } from '../shared/realtime/live.ts';
import { failure, type Server, stubServer } from '../testing/server.ts';
import { startSync, stopSync } from './sync.ts';

const ADA = { id: 'ada', username: 'ada', displayName: 'Ada' };

let server: Server;
/** The number of messages in the two rooms of the server. */
let count: number;
let pollAfter: number;

const wire = (n: number) => ({
  id: `m${n}`,
  seq: n,
  number: n,
  changedSeq: n,
  authorId: ADA.id,
  author: ADA,
  content: `text ${n}`,
  createdAt: '2026-01-01T10:00:00Z',
  editedAt: null,
  deletedAt: null,
  clientMessageId: `c${n}`,
  replyTo: null,
});

const room = (id: string) => ({
  id,
  name: id,
  topic: null,
  visibility: 'PUBLIC',
  memberCount: 2,
  unreadCount: 0,
  readNumber: 1,
  version: 1,
  epoch: 'e',
  createdAt: '2026-01-01T10:00:00Z',
  fanout: 'PERSONAL',
  realtime: null,
  viewerMembership: { role: 'MEMBER', joinedAt: '2026-01-01T10:00:00Z' },
  lastMessage: wire(1),
});

const asked = (operation: string) => server.asked.filter((name) => name === operation).length;
const seqs = (id: string) => heldOf(id).timeline?.messages.map(({ seq }) => seq);

beforeEach(async () => {
  vi.useFakeTimers();
  count = 1;
  pollAfter = 5_000;
  server = stubServer();
  useSession.setState({
    status: 'signed-in',
    viewer: { id: 'me', username: 'me', displayName: 'Me' },
  });
  server.on('ConnectionToken', () => ({ data: { connectionToken: null } }));
  server.on('Rooms', () => ({
    data: {
      rooms: {
        nodes: [room('open'), room('other')],
        pageInfo: { hasNextPage: false, endCursor: null },
      },
    },
  }));
  server.on('Heads', () => ({
    data: {
      heads: {
        pollAfter,
        rooms: ['open', 'other'].map((roomId) => ({
          roomId,
          headSeq: count,
          version: 1,
          number: count,
          unreadCount: count - 1,
          lastMessageAt: '2026-01-01T10:00:00Z',
          preview: `text ${count}`,
          epoch: 'e',
          fanout: 'PERSONAL',
          realtime: null,
        })),
      },
    },
  }));
  server.on('Newest', () => ({
    data: {
      room: {
        messages: {
          edges: [{ cursor: '1', node: wire(1) }],
          pageInfo: { hasNextPage: false, hasPreviousPage: false },
          headSeq: 1,
          epoch: 'e',
        },
      },
    },
  }));
  server.on('Changes', ({ sinceSeq }) => {
    const from = Number(sinceSeq) + 1;
    const messages = Array.from({ length: count - from + 1 }, (_, index) => wire(from + index));
    return {
      data: {
        room: {
          version: 1,
          changes: { messages, nextSeq: count, headSeq: count, epoch: 'e', reset: false },
        },
      },
    };
  });
  await loadNewest('open');
  await loadNewest('other');
  setOpenRoom('open');
  await startSync();
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  stopSync();
  setOpenRoom(null);
  clearHistory();
  clearTimelines();
  clearRooms();
  Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('while not live, heads are polled, and the changes of the open room alone', async () => {
  expect(useLive.getState().status).toBe('not-live');
  count = 3;
  await vi.advanceTimersByTimeAsync(7_000);
  expect(seqs('open')).toEqual([1, 2, 3]);
  expect(seqs('other')).toEqual([1]);
  expect(useRooms.getState().rooms.other?.lastNumber).toBe(3);
  expect(asked('Changes')).toBe(1);
  const heads = asked('Heads');
  await vi.advanceTimersByTimeAsync(60_000);
  const polls = asked('Heads') - heads;
  expect(polls).toBeGreaterThanOrEqual(9);
  expect(polls).toBeLessThanOrEqual(16);
  expect(asked('Changes')).toBe(1);
});

test('a hidden tab does not poll, and looks at once when it is back', async () => {
  Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
  await vi.advanceTimersByTimeAsync(10_000);
  const heads = asked('Heads');
  await vi.advanceTimersByTimeAsync(120_000);
  expect(asked('Heads')).toBe(heads);
  count = 2;
  Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(100);
  expect(seqs('open')).toEqual([1, 2]);
});

test('a poll that failed is no end of polling', async () => {
  server.on('Heads', () => failure('UNAVAILABLE'));
  await vi.advanceTimersByTimeAsync(30_000);
  const heads = asked('Heads');
  expect(heads).toBeGreaterThan(2);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(asked('Heads')).toBeGreaterThan(heads);
});

test.each([
  ['as told', 20_000, 20_000],
  ['not faster than each 5 s', 100, 5_000],
  ['not slower than once a minute', 3_600_000, 60_000],
])('polls by the word of the server, jittered: %s', async (_, told, expected) => {
  pollAfter = told;
  await vi.advanceTimersByTimeAsync(7_000);
  const times: number[] = [];
  let before = asked('Heads');
  for (let ms = 0; ms < expected * 12; ms += 100) {
    await vi.advanceTimersByTimeAsync(100);
    if (asked('Heads') > before) times.push(Date.now());
    before = asked('Heads');
  }
  const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  expect(pauses.length).toBeGreaterThanOrEqual(8);
  for (const pause of pauses) {
    expect(pause).toBeGreaterThanOrEqual(expected * 0.8 - 100);
    expect(pause).toBeLessThanOrEqual(expected * 1.2 + 100);
  }
  expect(new Set(pauses).size).toBeGreaterThan(1);
});
