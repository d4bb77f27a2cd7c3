/** Loads pages and changes into the timelines. */

import {
  ChangesDocument,
  NewerDocument,
  NewestDocument,
  OlderDocument,
  type PageFieldsFragment,
} from '../../gql/graphql.ts';
import { codeOf, RequestError } from '../../shared/graphql/errors.ts';
import { request } from '../../shared/graphql/request.ts';
import { useSession } from '../auth/session.ts';
import { noteMessage, noteVersion } from '../rooms/store.ts';
import {
  applyChange,
  applyChanges,
  begin,
  type Change,
  extend,
  isBehind,
  noteHead,
  type Page,
  type Timeline,
  trim,
} from './model/timeline.ts';
import { findPeople, learnPeople, usePeople } from './people.ts';
import { changeTimeline, heldOf, keepOnly, setHeld, useTimelines } from './store.ts';
import { authorsOf, changesFrom, pageFrom } from './wire.ts';

const PAGE = 50;
const MAX_PAGE = 100;
/** How many messages of a room are held at most; the far end is let go of. */
const MAX_HELD = 400;
/** How many read messages stand above the New line at least. */
const ABOVE_NEW = 20;
const MAX_EARLY = 256;
/** Rooms whose timelines are held: the open one and those left last. */
const MAX_ROOMS = 6;
const CATCH_UP_RETRY_MS = 3_000;

/** Most recently opened first. */
let recent: string[] = [];
/** What is in view of a reader who is scrolled up, by room. */
const inView = new Map<string, string>();
const catchingUp = new Map<string, Promise<void>>();
const retries = new Map<string, ReturnType<typeof setTimeout>>();
/** Rooms whose changes have to be asked for though nothing is known to be missing. */
const owed = new Set<string>();
/** Who waits for that. */
const waiting = new Map<string, (() => void)[]>();

const me = () => useSession.getState().viewer?.id ?? '';

export function clearHistory(): void {
  recent = [];
  inView.clear();
  for (const timer of retries.values()) clearTimeout(timer);
  retries.clear();
  owed.clear();
  for (const roomId of [...waiting.keys()]) answered(roomId);
}

/** Shows a room: from what is held, or from the first unread message on, if that is not far. */
export async function openRoom(roomId: string, unread: number): Promise<void> {
  recent = [roomId, ...recent.filter((id) => id !== roomId)].slice(0, MAX_ROOMS);
  keepOnly(recent);
  const { timeline } = heldOf(roomId);
  if (!timeline || timeline.stale || timeline.hasNewer) {
    inView.delete(roomId);
    await loadNewest(roomId, Math.min(MAX_HELD, Math.max(PAGE, unread + ABOVE_NEW)));
  } else if (isBehind(timeline)) {
    await catchUp(roomId);
  }
}

/** Which message a reader looks at who is not at the newest; null: at the newest. */
export function setInView(roomId: string, messageId: string | null): void {
  if (messageId === null) inView.delete(roomId);
  else inView.set(roomId, messageId);
}

/** Begins the room's timeline at its newest messages. */
export async function loadNewest(roomId: string, last = PAGE): Promise<void> {
  await loadFirst(roomId, () => newest(roomId, last));
}

/** After a reset: the newest page, or the one around the message in view. */
async function renew(roomId: string): Promise<void> {
  const cursor = cursorInView(roomId);
  if (cursor === null) await loadNewest(roomId);
  else await loadFirst(roomId, () => around(roomId, cursor));
  let code = heldOf(roomId).failed.first;
  if (code === 'BAD_USER_INPUT' && cursor !== null) {
    // What was in view is no place of this history.
    inView.delete(roomId);
    await loadNewest(roomId);
    code = heldOf(roomId).failed.first;
  }
  if (code) throw new RequestError(code, 'could not load anew');
}

async function loadFirst(roomId: string, load: () => Promise<Page>): Promise<void> {
  const { loading } = heldOf(roomId);
  if (loading.first) return;
  setHeld(roomId, { loading: { ...loading, first: true }, early: [] });
  // What is asked now is as good as the changes.
  const owing = owed.delete(roomId);
  try {
    const page = await load();
    const timeline = begin(roomId, page, heldOf(roomId).early);
    setHeld(roomId, {
      timeline,
      early: [],
      loading: { first: false, older: false, newer: false },
      failed: { first: null, older: null, newer: null },
    });
    // Lets go of the sends that the page answers.
    changeTimeline(roomId, me(), (begun) => ({ ...begun }));
    settleUp(roomId, timeline);
  } catch (error) {
    if (owing) owed.add(roomId);
    const { loading: now, failed: before } = heldOf(roomId);
    setHeld(roomId, {
      loading: { ...now, first: false },
      failed: { ...before, first: codeOf(error) },
    });
  }
}

export async function loadOlder(roomId: string): Promise<void> {
  const { timeline } = heldOf(roomId);
  const edge = timeline?.messages[0];
  if (!timeline?.hasOlder || !edge) return;
  const before = timeline.cursors.get(edge.id);
  // What was only pushed has no cursor: the newest page gives it one.
  if (before === undefined) return refreshCursors(roomId);
  await loadMore(roomId, 'older', edge.id, async () => {
    const { room } = await request(OlderDocument, { roomId, last: PAGE, before });
    return read(roomId, present(room).messages);
  });
}

export async function loadNewer(roomId: string): Promise<void> {
  const { timeline } = heldOf(roomId);
  const edge = timeline?.messages.at(-1);
  const after = edge && timeline?.cursors.get(edge.id);
  if (!timeline?.hasNewer || !edge || after === undefined) return;
  await loadMore(roomId, 'newer', edge.id, async () => {
    const { room } = await request(NewerDocument, { roomId, first: PAGE, after });
    return read(roomId, present(room).messages);
  });
}

async function loadMore(
  roomId: string,
  side: 'older' | 'newer',
  anchorId: string,
  load: () => Promise<Page>,
): Promise<void> {
  const { loading, failed } = heldOf(roomId);
  if (loading.first || loading[side]) return;
  setHeld(roomId, {
    loading: { ...loading, [side]: true },
    failed: { ...failed, [side]: null },
  });
  let code = null;
  try {
    const page = await load();
    const timeline = changeTimeline(roomId, me(), (held) =>
      trim(extend(held, page, side, anchorId), side === 'older' ? 'newer' : 'older', MAX_HELD),
    );
    if (timeline) settleUp(roomId, timeline);
  } catch (error) {
    code = codeOf(error);
  }
  const now = heldOf(roomId);
  setHeld(roomId, {
    loading: { ...now.loading, [side]: false },
    failed: { ...now.failed, [side]: code },
  });
}

/** Lets go of what is far above a reader who is at the newest. */
export async function trimOlder(roomId: string): Promise<void> {
  const { timeline } = heldOf(roomId);
  if (!timeline || timeline.hasNewer || timeline.messages.length <= MAX_HELD) return;
  const trimmed = trim(timeline, 'older', MAX_PAGE);
  if (trimmed.messages.length <= MAX_HELD) changeTimeline(roomId, me(), () => trimmed);
  else await refreshCursors(roomId);
}

/** Gives the newest messages the cursors that pushes do not bring, and keeps those. */
async function refreshCursors(roomId: string): Promise<void> {
  const { loading } = heldOf(roomId);
  if (loading.older || loading.first) return;
  setHeld(roomId, { loading: { ...loading, older: true } });
  try {
    const page = await newest(roomId, MAX_PAGE);
    const timeline = changeTimeline(roomId, me(), (held) => {
      const edge = held.messages.at(-1);
      if (held.hasNewer || !edge) return held;
      const known = extend(held, page, 'newer', edge.id);
      return page.hasOlder ? trim(known, 'older', MAX_PAGE) : known;
    });
    if (timeline) settleUp(roomId, timeline);
  } catch {
    // Reading on asks again.
  }
  setHeld(roomId, { loading: { ...heldOf(roomId).loading, older: false } });
}

/** A push for a room: applied when its timeline is held. */
export function receive(roomId: string, change: Change): void {
  const { timeline, loading, early } = heldOf(roomId);
  if (loading.first) setHeld(roomId, { early: [...early, change].slice(-MAX_EARLY) });
  if (!timeline) return;
  const next = changeTimeline(roomId, me(), (held) => applyChange(held, change));
  if (next) settleUp(roomId, next);
}

/** Whether this tab holds the room's timeline. */
export function holds(roomId: string): boolean {
  return heldOf(roomId).timeline !== null;
}

/** Whether this tab holds the room's timeline, or is loading it. */
export function holdsOrLoads(roomId: string): boolean {
  return holds(roomId) || heldOf(roomId).loading.first;
}

/** Whether the room's timeline is of an epoch that is over, or too far behind. */
export function isStale(roomId: string): boolean {
  return heldOf(roomId).timeline?.stale ?? false;
}

/** Whether loading the room's first page has failed. */
export function hasFailed(roomId: string): boolean {
  return heldOf(roomId).failed.first !== null;
}

/** Learns how far a room has come; asks for nothing. */
export function learnHead(roomId: string, headSeq: number, epoch: string): void {
  const { loading, early } = heldOf(roomId);
  if (loading.first) {
    // The page may have been read before that.
    const head = { seq: headSeq, epoch, message: null };
    setHeld(roomId, { early: [...early, head].slice(-MAX_EARLY) });
  }
  changeTimeline(roomId, me(), (held) => noteHead(held, headSeq, epoch));
}

/** The installation has begun anew: nothing that is held stands. */
export function forgetOtherTimelines(epoch: string): void {
  for (const roomId of Object.keys(useTimelines.getState().held)) learnHead(roomId, 0, epoch);
}

/** Whether the room's timeline is held and misses something, or may. */
export function isMissing(roomId: string): boolean {
  const { timeline } = heldOf(roomId);
  return timeline !== null && (timeline.stale || isBehind(timeline) || owed.has(roomId));
}

export async function catchUpIfBehind(roomId: string): Promise<void> {
  if (isMissing(roomId)) await catchUp(roomId);
  else answered(roomId);
}

/** Ends once `changes` that were asked from now on have been answered; nothing held needs none. */
export function catchUpAnew(roomId: string): Promise<void> {
  const { timeline, loading } = heldOf(roomId);
  if (!timeline && !loading.first) return Promise.resolve();
  owed.add(roomId);
  return new Promise((resolve) => {
    waiting.set(roomId, [...(waiting.get(roomId) ?? []), resolve]);
    void catchUp(roomId);
  });
}

function answered(roomId: string): void {
  const { timeline, loading } = heldOf(roomId);
  if (owed.has(roomId) && (timeline || loading.first)) return;
  owed.delete(roomId);
  const resolves = waiting.get(roomId) ?? [];
  waiting.delete(roomId);
  for (const resolve of resolves) resolve();
}

/** Asks `changes` until nothing is missing; once at a time a room. */
export function catchUp(roomId: string): Promise<void> {
  const running = catchingUp.get(roomId);
  if (running) return running;
  clearTimeout(retries.get(roomId));
  const run = askChanges(roomId)
    .finally(() => catchingUp.delete(roomId))
    .then(
      () => {
        // Owed since the last request began.
        const { timeline, loading } = heldOf(roomId);
        if (owed.has(roomId) && timeline && !loading.first) return catchUp(roomId);
        return answered(roomId);
      },
      () => {
        retries.set(
          roomId,
          setTimeout(() => void catchUpIfBehind(roomId), CATCH_UP_RETRY_MS * (1 + Math.random())),
        );
      },
    );
  catchingUp.set(roomId, run);
  return run;
}

async function askChanges(roomId: string): Promise<void> {
  for (;;) {
    const { timeline, loading } = heldOf(roomId);
    if (!timeline || loading.first) return;
    if (timeline.stale) return renew(roomId);
    const sinceSeq = timeline.position;
    const { changes } = await changesSince(roomId, sinceSeq);
    learnPeople(authorsOf(changes.messages));
    const answer = changesFrom(roomId, sinceSeq, changes);
    const next = changeTimeline(roomId, me(), (held) => applyChanges(held, answer));
    if (!next) return;
    if (next.stale) return renew(roomId);
    noteLast(next);
    if (owed.has(roomId)) continue;
    if (!isBehind(next) || next.position <= sinceSeq) return;
  }
}

async function changesSince(roomId: string, sinceSeq: number) {
  const owing = owed.delete(roomId);
  try {
    const { room } = await request(ChangesDocument, { roomId, sinceSeq, first: MAX_PAGE });
    // Whoever only reads is not told that the room has changed, or is closed to them.
    noteVersion(roomId, room?.version ?? null);
    return present(room);
  } catch (error) {
    if (owing) owed.add(roomId);
    throw error;
  }
}

/** The list shows what the room's newest message is, and who wrote it. */
function noteLast({ roomId, epoch, messages, hasNewer }: Timeline): void {
  const last = messages.at(-1);
  if (!last || hasNewer) return;
  noteMessage(roomId, {
    epoch,
    number: last.number,
    authorId: last.authorId,
    author: usePeople.getState()[last.authorId]?.displayName ?? null,
    content: last.content,
    createdAt: last.createdAt,
    deleted: last.deletedAt !== null,
  });
}

function settleUp(roomId: string, timeline: Timeline): void {
  void catchUpIfBehind(roomId);
  void findPeople(timeline.messages.map(({ authorId }) => authorId));
}

/** The newest messages: as many as asked for, or all that there are. */
async function newest(roomId: string, count: number): Promise<Page> {
  const last = Math.min(count, MAX_PAGE);
  const { room } = await request(NewestDocument, { roomId, last });
  let page = read(roomId, present(room).messages);
  while (page.hasOlder && page.messages.length < count) {
    page = await withOlder(roomId, page, Math.min(MAX_PAGE, count - page.messages.length));
  }
  return page;
}

/** The message in view with what is on both sides of it; the newest page when there is nothing. */
async function around(roomId: string, cursor: string): Promise<Page> {
  const { room } = await request(NewerDocument, { roomId, first: PAGE, after: cursor });
  const below = read(roomId, present(room).messages);
  return below.messages.length > 0 ? withOlder(roomId, below, PAGE) : newest(roomId, PAGE);
}

/** A page with what stands above it; its position is that of the one that was read first. */
async function withOlder(roomId: string, page: Page, last: number): Promise<Page> {
  const before = page.cursors.get(page.messages[0]?.id ?? '');
  if (before === undefined) return page;
  const { room } = await request(OlderDocument, { roomId, last, before });
  const older = read(roomId, present(room).messages);
  if (older.epoch !== page.epoch) throw new RequestError('UNAVAILABLE', 'changed while loading');
  return {
    messages: [...older.messages, ...page.messages],
    cursors: new Map([...older.cursors, ...page.cursors]),
    headSeq: Math.min(older.headSeq, page.headSeq),
    epoch: page.epoch,
    hasOlder: older.hasOlder,
    hasNewer: page.hasNewer,
  };
}

function read(roomId: string, page: PageFieldsFragment): Page {
  learnPeople(authorsOf(page.edges.map(({ node }) => node)));
  return pageFrom(roomId, page);
}

/** A cursor just above the message in view, so that both pages together hold it. */
function cursorInView(roomId: string): string | null {
  const { timeline } = heldOf(roomId);
  const id = inView.get(roomId);
  if (!timeline || id === undefined) return null;
  const at = timeline.messages.findIndex((message) => message.id === id);
  for (let i = at - 1; i >= 0; i -= 1) {
    const cursor = timeline.cursors.get(timeline.messages[i]?.id ?? '');
    if (cursor !== undefined) return cursor;
  }
  return null;
}

function present<Room>(room: Room | null): Room {
  if (!room) throw new RequestError('NOT_FOUND', 'no such room');
  return room;
}
