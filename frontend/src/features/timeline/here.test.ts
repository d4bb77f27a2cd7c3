// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useLive } from '../../shared/realtime/live.ts';
import { type Server, stubServer } from '../../testing/server.ts';
import { useSession } from '../auth/session.ts';
import {
  askOnline,
  forgetHere,
  noteOnline,
  noteTyping,
  noteTypingCount,
  sayTyping,
  stopTyping,
  useHere,
} from './here.ts';
import { forgetOpen, setOpenRoom } from './open.ts';

const ADA = { id: 'ada', username: 'ada', displayName: 'Ada' };
const BO = { id: 'bo', username: 'bo', displayName: 'Bo' };
const ME = { id: 'me', username: 'me', displayName: 'Me' };

let server: Server;

beforeEach(() => {
  vi.useFakeTimers();
  server = stubServer();
  server.on('SetTyping', () => ({ data: { setTyping: true } }));
  useSession.setState({ status: 'signed-in', viewer: ME });
  useLive.setState({ status: 'live' });
  setOpenRoom('open');
});

afterEach(() => {
  forgetHere();
  forgetOpen();
  useLive.setState({ status: 'catching-up' });
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const names = () => useHere.getState().people.map(({ displayName }) => displayName);

test('who writes is shown until they stop, have sent, or another room is open', async () => {
  noteTyping('open', ADA);
  await vi.advanceTimersByTimeAsync(3_000);
  noteTyping('open', BO);
  noteTyping('open', ME);
  noteTyping('other', { ...ADA, id: 'x' });
  expect(names()).toEqual(['Bo', 'Ada']);
  await vi.advanceTimersByTimeAsync(2_500);
  expect(names()).toEqual(['Bo']);
  stopTyping('open', BO.id);
  expect(names()).toEqual([]);
});

test('counts of replicas add up, without the viewer', async () => {
  noteTypingCount('open', 'rooms-0', 8);
  noteTypingCount('open', 'rooms-1', 4);
  expect(useHere.getState().count).toBe(12);
  sayTyping('open');
  noteTypingCount('open', 'rooms-1', 5);
  expect(useHere.getState().count).toBe(12);
  noteTypingCount('open', 'rooms-0', 0);
  expect(useHere.getState().count).toBe(4);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(useHere.getState().count).toBe(0);
});

test('the viewer tells at most once in 2 s, and only while live', async () => {
  for (let n = 0; n < 40; n += 1) {
    sayTyping('open');
    await vi.advanceTimersByTimeAsync(250);
  }
  expect(server.asked).toHaveLength(5);
  useLive.setState({ status: 'not-live' });
  await vi.advanceTimersByTimeAsync(5_000);
  sayTyping('open');
  expect(server.asked).toHaveLength(5);
});

test('how many are here is asked once; what is said meanwhile is newer', async () => {
  server.on('Online', () => ({ data: { room: { onlineCount: 7 } } }));
  askOnline('open');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(useHere.getState().online).toBe(7);
  askOnline('open');
  noteOnline('open', 9);
  noteOnline('other', 2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(useHere.getState().online).toBe(9);
  expect(server.asked).toEqual(['Online']);
});
