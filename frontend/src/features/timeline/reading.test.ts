// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Server, stubServer } from '../../testing/server.ts';
import { entryFrom } from '../rooms/model.ts';
import { clearRooms, useRooms } from '../rooms/store.ts';
import { forgetMarks, markRead, tellMarks } from './reading.ts';

let server: Server;
/** What was told, by room. */
let told: [string, number][];

function know(id: string, mode: 'PERSONAL' | 'ROOM') {
  const room = entryFrom({
    id,
    name: id,
    topic: null,
    visibility: 'PUBLIC',
    memberCount: 2,
    unreadCount: 0,
    readNumber: 0,
    version: 1,
    epoch: 'e',
    createdAt: '2026-01-01T00:00:00Z',
    fanout: mode,
    realtime: null,
    viewerMembership: null,
    lastMessage: null,
  });
  useRooms.setState(({ rooms }) => ({ rooms: { ...rooms, [id]: room } }));
}

function setVisibility(value: 'visible' | 'hidden') {
  Object.defineProperty(document, 'visibilityState', { value, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}

/** Somebody reads on, and moves the pointer, for so long. */
async function read(id: string, seconds: number) {
  for (let n = 1; n <= seconds * 2; n += 1) {
    markRead(id, n);
    dispatchEvent(new Event('pointermove'));
    await vi.advanceTimersByTimeAsync(500);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  server = stubServer();
  server.on('MarkRead', ({ roomId, number }) => {
    told.push([String(roomId), Number(number)]);
    return { data: { markRead: { id: roomId, readNumber: number } } };
  });
  know('small', 'PERSONAL');
  know('large', 'ROOM');
});

afterEach(() => {
  setVisibility('visible');
  forgetMarks();
  clearRooms();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test.each([
  ['small', 5],
  ['large', 15],
])('while reading on in a %s room, marks are told each %i s', async (id, interval) => {
  await read(id, 58);
  expect(told.length).toBe(60 / interval);
  expect(told.at(-1)?.[1]).toBeGreaterThan(60 * 2 - interval * 2 - 2);
});

test('going idle tells the rest, once', async () => {
  await read('large', 4);
  expect(told).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual([
    ['large', 1],
    ['large', 8],
  ]);
  // Messages go on coming to somebody who only looks.
  for (let n = 9; n <= 18; n += 1) {
    markRead('large', n);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(told).toHaveLength(2);
});

test('hiding the tab tells what was read, in every room', async () => {
  for (const number of [1, 2]) {
    for (const id of ['small', 'large']) markRead(id, number);
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(told).toHaveLength(2);
  setVisibility('hidden');
  await vi.advanceTimersByTimeAsync(0);
  expect(told.slice(2)).toEqual([
    ['small', 2],
    ['large', 2],
  ]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toHaveLength(4);
});

test('going to another room tells what was read in the one before', async () => {
  markRead('large', 1);
  markRead('small', 1);
  await vi.advanceTimersByTimeAsync(0);
  markRead('large', 2);
  markRead('small', 2);
  tellMarks('large');
  await vi.advanceTimersByTimeAsync(0);
  expect(told.slice(2)).toEqual([['large', 2]]);
});

test('what could not be told is told again', async () => {
  server.on('MarkRead', () => new Error('no answer'));
  markRead('small', 3);
  await vi.advanceTimersByTimeAsync(100);
  server.on('MarkRead', ({ roomId, number }) => {
    told.push([String(roomId), Number(number)]);
    return { data: { markRead: { id: roomId, readNumber: number } } };
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual([['small', 3]]);
});
