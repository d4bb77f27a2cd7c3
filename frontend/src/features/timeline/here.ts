/** Who is in the open room, and who writes there: said now and then, kept nowhere. */

import { create } from 'zustand';
import { OnlineDocument, SetTypingDocument } from '../../gql/graphql.ts';
import { request } from '../../shared/graphql/request.ts';
import { useLive } from '../../shared/realtime/live.ts';
import { useSession } from '../auth/session.ts';
import { openRoomOf } from './open.ts';
import type { Person } from './wire.ts';

interface Here {
  /** How many people have the room open; null: not known. */
  online: number | null;
  /** Who writes, the latest first. */
  people: readonly Person[];
  /** How many write, where names are not said. */
  count: number;
}

const NOBODY: Here = { online: null, people: [], count: 0 };
/** Whoever says nothing more for this long has stopped. */
const STOPPED_MS = 5_000;
const SAY_MS = 2_000;
/** After a reconnect everybody asks. */
const SPREAD_MS = 1_000;

export const useHere = create<Here>(() => NOBODY);

interface Sign {
  count: number;
  person: Person | null;
  timer: ReturnType<typeof setTimeout>;
}

/** By person, or by the replica that counts. */
const signs = new Map<string, Sign>();
let onlineTimer: ReturnType<typeof setTimeout> | undefined;
let saidAt = 0;

const me = () => useSession.getState().viewer?.id ?? '';

/** Another room is open, or nothing is said of this one any more. */
export function forgetHere(): void {
  clearTimeout(onlineTimer);
  for (const { timer } of signs.values()) clearTimeout(timer);
  signs.clear();
  saidAt = 0;
  useHere.setState(NOBODY);
}

export function noteOnline(roomId: string, online: number): void {
  if (roomId !== openRoomOf()) return;
  // It is newer than what is about to be asked for.
  clearTimeout(onlineTimer);
  useHere.setState({ online });
}

/** Asks once how many are here; after that it is said when it changes. */
export function askOnline(roomId: string): void {
  clearTimeout(onlineTimer);
  onlineTimer = setTimeout(async () => {
    const before = useHere.getState().online;
    try {
      const { room } = await request(OnlineDocument, { id: roomId });
      const { online } = useHere.getState();
      if (roomId === openRoomOf() && online === before) {
        useHere.setState({ online: room?.onlineCount ?? null });
      }
    } catch {
      // It is said when it changes.
    }
  }, Math.random() * SPREAD_MS);
}

export function noteTyping(roomId: string, person: Person): void {
  if (roomId !== openRoomOf() || person.id === me()) return;
  sign(person.id, 1, person);
}

export function noteTypingCount(roomId: string, from: string, count: number): void {
  if (roomId !== openRoomOf()) return;
  sign(from, count, null);
}

/** What was written has been sent. */
export function stopTyping(roomId: string, userId: string): void {
  if (roomId === openRoomOf()) drop(userId);
}

/** The viewer writes: tells the others, at most once in 2 s. */
export function sayTyping(roomId: string): void {
  const now = Date.now();
  if (now - saidAt < SAY_MS || useLive.getState().status !== 'live') return;
  saidAt = now;
  // Nobody misses it.
  request(SetTypingDocument, { roomId }).catch(() => {});
}

function sign(key: string, count: number, person: Person | null): void {
  clearTimeout(signs.get(key)?.timer);
  signs.delete(key);
  if (count > 0) signs.set(key, { count, person, timer: setTimeout(() => drop(key), STOPPED_MS) });
  show();
}

function drop(key: string): void {
  clearTimeout(signs.get(key)?.timer);
  if (signs.delete(key)) show();
}

function show(): void {
  const all = [...signs.values()].reverse();
  const people = all.flatMap(({ person }) => person ?? []);
  const counted = all.reduce((sum, { count, person }) => sum + (person ? 0 : count), 0);
  // The viewer is one of those who are counted.
  const self = counted > 0 && Date.now() - saidAt < STOPPED_MS ? 1 : 0;
  useHere.setState({ people, count: Math.max(0, counted - self) });
}
