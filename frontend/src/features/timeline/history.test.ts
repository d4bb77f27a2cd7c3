// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { failure, type Server, stubServer } from '../../testing/server.ts';
import {
  catchUpIfBehind,
  clearHistory,
  learnHead,
  loadNewest,
  loadOlder,
  openRoom,
  receive,
  setInView,
} from './history.ts';
import { clearTimelines, heldOf } from './store.ts';

const ROOM = 'room';
const AUTHOR = { id: 'ada', username: 'ada', displayName: 'Ada' };

/** A room on the server: message n is change n, unless it was edited. */
let head: number;
let epoch: string;
let edited: Map<number, number>;
let server: Server;

function wire(n: number) {
  return {
    id: `m${n}`,
    seq: n,
    number: n,
    changedSeq: edited.get(n) ?? n,
    authorId: AUTHOR.id,
    author: AUTHOR,
    content: `text ${n}`,
    createdAt: '2026-01-01T10:00:00Z',
    editedAt: null,
    deletedAt: null,
    clientMessageId: `c${n}`,
    replyTo: null,
  };
}

function page(from: number, to: number, count: number) {
  const numbers = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  return {
    edges: numbers.map((n) => ({ cursor: String(n), node: wire(n) })),
    pageInfo: { hasPreviousPage: from > 1, hasNextPage: to < count },
    headSeq: head,
    epoch,
  };
}

const room = (fields: object) => ({ data: { room: fields } });
const messageCount = () => head - edited.size;

function push(n: number) {
  const { author: _, replyTo: __, ...message } = wire(n);
  receive(ROOM, { seq: n, epoch, message: { ...message, roomId: ROOM, replyTo: null } });
}

const shown = () => heldOf(ROOM).timeline?.messages.map(({ seq }) => seq) ?? [];
const settled = () => vi.waitFor(() => expect(heldOf(ROOM).loading.first).toBe(false));

beforeEach(() => {
  head = 60;
  epoch = 'e';
  edited = new Map();
  server = stubServer();
  server.on('Newest', ({ last }) =>
    room({
      messages: page(
        Math.max(1, messageCount() - Number(last) + 1),
        messageCount(),
        messageCount(),
      ),
    }),
  );
  server.on('Older', ({ last, before }) =>
    room({
      messages: page(
        Math.max(1, Number(before) - Number(last)),
        Number(before) - 1,
        messageCount(),
      ),
    }),
  );
  server.on('Newer', ({ first, after }) =>
    room({
      messages: page(
        Number(after) + 1,
        Math.min(messageCount(), Number(after) + Number(first)),
        messageCount(),
      ),
    }),
  );
  server.on('Changes', ({ sinceSeq, first }) => {
    const all = Array.from({ length: messageCount() }, (_, i) => wire(i + 1))
      .filter(({ changedSeq }) => changedSeq > Number(sinceSeq))
      .sort((a, b) => a.changedSeq - b.changedSeq);
    const messages = all.slice(0, Number(first));
    const nextSeq = messages.length < all.length ? messages.at(-1)?.changedSeq : head;
    return room({
      version: 1,
      changes: { messages, nextSeq, headSeq: head, epoch, reset: all.length > 500 },
    });
  });
});

afterEach(() => {
  clearHistory();
  clearTimelines();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('catching up', () => {
  test('a gap asks changes once, and the waiting push is applied with them', async () => {
    await loadNewest(ROOM);
    head = 63;
    push(63);
    push(62);
    expect(shown().at(-1)).toBe(60);
    await vi.waitFor(() => expect(shown().slice(-3)).toEqual([61, 62, 63]));
    expect(server.asked.filter((name) => name === 'Changes')).toHaveLength(1);
  });

  test('a head that is not ahead asks nothing', async () => {
    await loadNewest(ROOM);
    learnHead(ROOM, 60, 'e');
    await catchUpIfBehind(ROOM);
    expect(server.asked).toEqual(['Newest']);
  });

  test('many changes come page by page', async () => {
    await loadNewest(ROOM);
    head = 310;
    learnHead(ROOM, 310, 'e');
    await catchUpIfBehind(ROOM);
    expect(shown()).toEqual(Array.from({ length: 300 }, (_, i) => i + 11));
    expect(server.asked.filter((name) => name === 'Changes')).toHaveLength(3);
  });

  test('a request that failed is asked again', async () => {
    vi.useFakeTimers();
    await loadNewest(ROOM);
    head = 61;
    let fails = 1;
    const before = server.asked.length;
    server.on('Changes', () => {
      if (fails-- > 0) return failure('UNAVAILABLE');
      return room({
        changes: { messages: [wire(61)], nextSeq: 61, headSeq: 61, epoch, reset: false },
      });
    });
    learnHead(ROOM, 61, 'e');
    await catchUpIfBehind(ROOM);
    expect(shown().at(-1)).toBe(60);
    await vi.advanceTimersByTimeAsync(7_000);
    expect(shown().at(-1)).toBe(61);
    expect(server.asked.length - before).toBe(2);
  });

  test('pushes during the first load are not lost', async () => {
    const loading = loadNewest(ROOM);
    head = 61;
    push(61);
    await loading;
    expect(shown().at(-1)).toBe(61);
    expect(new Set(shown()).size).toBe(shown().length);
  });
});

describe('a reset', () => {
  test('drops the pages and loads the newest', async () => {
    await loadNewest(ROOM);
    head = 1_000;
    learnHead(ROOM, 1_000, 'e');
    await catchUpIfBehind(ROOM);
    await settled();
    expect(shown()).toEqual(Array.from({ length: 50 }, (_, i) => i + 951));
    expect(heldOf(ROOM).timeline).toMatchObject({ position: 1_000, stale: false });
  });

  test('of a reader who is scrolled up loads what is around the message in view', async () => {
    await loadNewest(ROOM);
    setInView(ROOM, 'm30');
    head = 1_000;
    learnHead(ROOM, 1_000, 'e');
    await catchUpIfBehind(ROOM);
    await settled();
    expect(shown()).toEqual(Array.from({ length: 79 }, (_, i) => i + 1));
    expect(heldOf(ROOM).timeline).toMatchObject({ hasOlder: false, hasNewer: true });
  });

  test('happens with another epoch too', async () => {
    await loadNewest(ROOM);
    epoch = 'e2';
    head = 12;
    push(12);
    await vi.waitFor(() => expect(heldOf(ROOM).timeline?.epoch).toBe('e2'));
    expect(shown()).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });
});

describe('pages', () => {
  test('of history follow each other to the beginning', async () => {
    head = 230;
    await openRoom(ROOM, 0);
    while (heldOf(ROOM).timeline?.hasOlder) await loadOlder(ROOM);
    expect(shown()).toEqual(Array.from({ length: 230 }, (_, i) => i + 1));
  });

  test('that were read before an edit was pushed show it all the same', async () => {
    await openRoom(ROOM, 0);
    let release = () => {};
    const old = page(1, 10, 60);
    server.on('Older', async () => {
      await new Promise<void>((resume) => {
        release = resume;
      });
      return room({ messages: old });
    });
    const loading = loadOlder(ROOM);
    await vi.waitFor(() => expect(server.asked).toContain('Older'));
    head = 61;
    edited.set(5, 61);
    const { author: _, replyTo: __, ...message } = wire(5);
    receive(ROOM, { seq: 61, epoch, message: { ...message, roomId: ROOM, replyTo: null } });
    expect(heldOf(ROOM).timeline?.position).toBe(61);
    release();
    await loading;
    await vi.waitFor(() => {
      const five = heldOf(ROOM).timeline?.messages.find(({ id }) => id === 'm5');
      expect(five?.changedSeq).toBe(61);
    });
    expect(heldOf(ROOM).timeline?.position).toBe(61);
  });

  test('that cannot be loaded say so, and leave what is there', async () => {
    await openRoom(ROOM, 0);
    server.on('Older', () => failure('UNAVAILABLE'));
    await loadOlder(ROOM);
    expect(heldOf(ROOM).failed.older).toBe('UNAVAILABLE');
    expect(shown()).toHaveLength(50);
  });
});
