// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { useSession } from '../features/auth/session.ts';
import { clearRooms, useRooms } from '../features/rooms/store.ts';
import { clearHistory, openRoom, setInView } from '../features/timeline/history.ts';
import { setOpenRoom } from '../features/timeline/open.ts';
import { clearTimelines, heldOf } from '../features/timeline/store.ts';
import type { ConnectionOptions } from '../shared/realtime/connection.ts';
import { type PlazaEvent, readPublication } from '../shared/realtime/events.ts';
import { type Server, stubServer } from '../testing/server.ts';
import { startSync, stopSync } from './sync.ts';

const ADA = { id: 'ada', username: 'ada', displayName: 'Ada' };

let page: ConnectionOptions;
/** What the connection was told last: something is being fetched. */
let syncing = false;

vi.mock('../shared/realtime/connection.ts', () => ({
  RealtimeConnection: class {
    constructor(options: ConnectionOptions) {
      page = options;
    }
    open() {}
    close() {}
    setSyncing(now: boolean) {
      syncing = now;
    }
    hold() {}
    connected = true;
    isSubscribed = () => false;
    isOpening = () => false;
  },
}));

let server: Server;
let epoch: string;
/** The number of messages of each room on the server. */
let counts: Record<string, number>;

const at = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
const wire = (n: number) => ({
  id: `m${n}`,
  seq: n,
  number: n,
  changedSeq: n,
  authorId: ADA.id,
  author: ADA,
  content: `${epoch} ${n}`,
  createdAt: at(n),
  editedAt: null,
  deletedAt: null,
  clientMessageId: `c${n}`,
  replyTo: null,
});
const countOf = (id: unknown) => counts[String(id)] ?? 0;
const visited = (id: string) => id.startsWith('visited');
const room = (id: string) => ({
  id,
  name: `${id} ${epoch}`,
  topic: null,
  visibility: 'PUBLIC',
  memberCount: 2,
  unreadCount: 0,
  readNumber: countOf(id),
  version: 1,
  epoch,
  createdAt: at(0),
  fanout: 'PERSONAL',
  realtime: null,
  viewerMembership: visited(id) ? null : { role: 'MEMBER', joinedAt: at(0) },
  lastMessage: wire(countOf(id)),
});
const connection = (id: unknown, from: number, to: number) => ({
  messages: {
    edges: Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => ({
      cursor: String(from + i),
      node: wire(from + i),
    })),
    pageInfo: { hasPreviousPage: from > 1, hasNextPage: to < countOf(id) },
    headSeq: countOf(id),
    epoch,
  },
});

const asked = (operation: string) => server.asked.filter((name) => name === operation).length;
const seqs = (id: string) => heldOf(id).timeline?.messages.map(({ seq }) => seq) ?? [];
const push = (...events: Record<string, unknown>[]) =>
  page.onEvents(
    readPublication({ v: 1, events: events.map((event) => ({ epoch, ...event })) }) as PlazaEvent[],
    true,
  );
const created = (id: string, n: number, change: object = {}) => {
  const { author, ...message } = wire(n);
  return {
    type: 'message.created',
    room: id,
    seq: n,
    message: { ...message, roomId: id },
    author,
    ...change,
  };
};

const heads = () => ({
  data: {
    heads: {
      pollAfter: 5_000,
      rooms: Object.entries(counts)
        .filter(([id]) => !visited(id))
        .map(([roomId, count]) => ({
          roomId,
          headSeq: count,
          version: 1,
          number: count,
          unreadCount: 0,
          lastMessageAt: at(count),
          preview: `${epoch} ${count}`,
          epoch,
          fanout: 'PERSONAL',
          realtime: null,
        })),
    },
  },
});

beforeEach(async () => {
  vi.useFakeTimers();
  epoch = 'e1';
  counts = { open: 60, held: 60, other: 60 };
  server = stubServer();
  useSession.setState({
    status: 'signed-in',
    viewer: { id: 'me', username: 'me', displayName: 'Me' },
  });
  server.on('Rooms', () => ({
    data: {
      rooms: {
        nodes: Object.keys(counts)
          .filter((id) => !visited(id))
          .map(room),
        pageInfo: { hasNextPage: false, endCursor: null },
      },
    },
  }));
  server.on('Room', ({ id }) => ({ data: { room: room(String(id)) } }));
  server.on('Heads', heads);
  server.on('Newest', ({ roomId, last }) => ({
    data: {
      room: connection(roomId, Math.max(1, countOf(roomId) - Number(last) + 1), countOf(roomId)),
    },
  }));
  server.on('Older', ({ roomId, last, before }) => ({
    data: {
      room: connection(roomId, Math.max(1, Number(before) - Number(last)), Number(before) - 1),
    },
  }));
  server.on('Newer', ({ roomId, first, after }) => ({
    data: {
      room: connection(
        roomId,
        Number(after) + 1,
        Math.min(countOf(roomId), Number(after) + Number(first)),
      ),
    },
  }));
  server.on('Changes', ({ roomId, sinceSeq }) => {
    const [count, from] = [countOf(roomId), Number(sinceSeq) + 1];
    const messages = Array.from({ length: Math.max(0, count - from + 1) }, (_, i) =>
      wire(from + i),
    );
    const changes = { messages, nextSeq: count, headSeq: count, epoch, reset: false };
    return { data: { room: { version: 1, changes } } };
  });
  await startSync();
  for (const id of ['held', 'open']) await openRoom(id, 0);
  setOpenRoom('open');
  page.onStatus('live');
  page.onGap();
  await vi.advanceTimersByTimeAsync(100);
  server.asked.length = 0;
});

afterEach(() => {
  stopSync();
  setOpenRoom(null);
  clearHistory();
  clearTimelines();
  clearRooms();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('a head event', () => {
  const head = (id: string, change: object = {}) => ({
    type: 'head',
    room: id,
    headSeq: countOf(id),
    version: 1,
    number: countOf(id),
    lastMessageAt: at(countOf(id)),
    preview: `e1 ${countOf(id)}`,
    ...change,
  });

  test('that is ahead makes an open timeline ask changes, within 2 s and not at once', async () => {
    const waits: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      counts.open = 61 + n;
      push(head('open'), head('open'));
      expect(heldOf('open').timeline?.position).toBe(60 + n);
      const before = Date.now();
      while (asked('Changes') === n) await vi.advanceTimersByTimeAsync(20);
      waits.push(Date.now() - before);
      await vi.advanceTimersByTimeAsync(0);
      expect(seqs('open').at(-1)).toBe(61 + n);
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(2_020);
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(200);
    expect(server.asked.every((name) => name === 'Changes')).toBe(true);
    expect(asked('Changes')).toBe(12);
  });

  test('of a room without a timeline is shown in the list, and asks nothing', async () => {
    counts.other = 64;
    push(head('other'));
    expect(useRooms.getState().rooms.other).toMatchObject({
      lastNumber: 64,
      activeAt: at(64),
      preview: { number: 64, text: 'e1 64' },
    });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.asked).toEqual([]);
  });

  test('without a preview makes it ask for the room; one that is not ahead asks nothing', async () => {
    push(head('other'), head('open'), head('held'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.asked).toEqual([]);
    counts.other = 64;
    push(head('other', { preview: undefined, lastMessageAt: undefined }));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(server.asked).toEqual(['Room']);
    expect(useRooms.getState().rooms.other?.preview).toMatchObject({ number: 64, text: 'e1 64' });
  });
});

describe('another epoch', () => {
  const restore = () => {
    epoch = 'e2';
    counts = { ...counts, open: 55, held: 50, other: 40 };
  };

  test('forgets everything and loads it again, also where the new head is lower', async () => {
    counts.visited = 60;
    await openRoom('visited', 0);
    restore();
    counts.visited = 30;
    push(created('open', 55));
    expect(server.asked.includes('Heads')).toBe(false);
    await vi.advanceTimersByTimeAsync(2_500);
    for (const id of ['open', 'held']) {
      expect(heldOf(id).timeline).toMatchObject({
        epoch: 'e2',
        position: countOf(id),
        stale: false,
      });
      expect(seqs(id).at(-1)).toBe(countOf(id));
      expect(heldOf(id).timeline?.messages.at(-1)?.content).toBe(`e2 ${countOf(id)}`);
    }
    expect(useRooms.getState().rooms.other).toMatchObject({ epoch: 'e2', lastNumber: 40 });
    expect(asked('Heads')).toBe(1);
    // What is not on the screen is loaded when it is opened.
    expect(heldOf('visited').timeline?.stale).toBe(true);
    await openRoom('visited', 0);
    expect(heldOf('visited').timeline).toMatchObject({ epoch: 'e2', position: 30, stale: false });
  });

  test('keeps the place of a reader who is scrolled up', async () => {
    setInView('open', 'm20');
    restore();
    // Far from the newest page.
    counts.open = 90;
    push(created('open', 90));
    await vi.advanceTimersByTimeAsync(2_500);
    const timeline = heldOf('open').timeline;
    expect(timeline).toMatchObject({ epoch: 'e2', stale: false, hasNewer: true });
    expect(timeline?.messages.find(({ id }) => id === 'm20')?.content).toBe('e2 20');
  });

  test('shows the newest to a reader whose place is gone', async () => {
    setInView('open', 'm58');
    server.on('Newer', () => ({
      data: null,
      errors: [{ message: 'no such cursor', extensions: { code: 'BAD_USER_INPUT' } }],
    }));
    restore();
    push(created('open', 55));
    await vi.advanceTimersByTimeAsync(2_500);
    expect(seqs('open').at(-1)).toBe(55);
  });

  test('makes late events of the one before harmless', async () => {
    const late = created('open', 61, { epoch: 'e1' });
    restore();
    push(created('open', 55));
    await vi.advanceTimersByTimeAsync(2_500);
    server.asked.length = 0;
    push(late, { type: 'head', room: 'other', headSeq: 99, number: 99, epoch: 'e1' });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.asked).toEqual([]);
    counts.open = 56;
    push(created('open', 56));
    expect(seqs('open').at(-1)).toBe(56);
  });
});

describe('missed events', () => {
  test('a return from sleep asks heads once, and changes where a held timeline is behind', async () => {
    counts = { open: 63, held: 60, other: 70 };
    page.onGap();
    await vi.advanceTimersByTimeAsync(0);
    expect(seqs('open').at(-1)).toBe(63);
    expect(useRooms.getState().rooms.other?.lastNumber).toBe(70);
    expect(server.asked).toEqual(['Heads', 'Changes']);
  });

  test('a poll that was not answered is made up for as soon as real time is back', async () => {
    server.on('Heads', () => new Error('no answer'));
    page.onStatus('not-live');
    while (asked('Heads') === 0) await vi.advanceTimersByTimeAsync(100);
    expect(syncing).toBe(true);
    counts.open = 61;
    server.on('Heads', heads);
    page.onStatus('catching-up');
    await vi.advanceTimersByTimeAsync(100);
    expect(syncing).toBe(false);
    expect(seqs('open').at(-1)).toBe(61);
  });

  test('while live, heads are compared every 5 minutes, jittered', async () => {
    for (let round = 1; round <= 3; round += 1) {
      counts.open = 60 + round;
      const before = Date.now();
      while (asked('Heads') < round) await vi.advanceTimersByTimeAsync(1_000);
      const minutes = (Date.now() - before) / 60_000;
      expect(minutes).toBeGreaterThan(3.9);
      expect(minutes).toBeLessThan(6.1);
      expect(seqs('open').at(-1)).toBe(60 + round);
    }
    // Nothing else is asked while live.
    expect(asked('Heads')).toBe(3);
    expect(asked('Changes')).toBe(3);
  });
});
