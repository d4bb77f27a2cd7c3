/**
 * Follows rooms through the channels that their events come by: holds what is
 * wanted, asks for what opens it, goes from one channel to the next without
 * missing anything, and tries again what was refused.
 */
import { isClosed, isWithoutChannels, loadRoom, useRooms } from '../features/rooms/store.ts';
import { freshToken } from '../features/rooms/tokens.ts';
import { askOnline, forgetHere } from '../features/timeline/here.ts';
import { catchUp, catchUpAnew, holdsOrLoads } from '../features/timeline/history.ts';
import { isNear, useOpen } from '../features/timeline/open.ts';
import type { RealtimeConnection } from '../shared/realtime/connection.ts';
import { opensByToken } from '../shared/realtime/names.ts';
import { hasSilentRooms, isPushed, leaving, type Wanted, wantedChannels } from './channels.ts';

/** More tokens than this are asked for at once. */
const FEW = 2;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** What changes of rooms within this is looked at once. */
const SOON_MS = 100;
/** Many clients ask for a room's new channels at once: at most so many a second. */
const ASKED_PER_SECOND = 500;
const MAX_SPREAD_MS = 2_000;

type Timer = ReturnType<typeof setTimeout>;

interface Follower {
  connection: RealtimeConnection;
  /** Asks for the tokens of all rooms; calls `follow` when they are there. */
  askTokens(): void;
  /** Whether of some large room nothing is pushed. */
  onSilent(silent: boolean): void;
}

let follower: Follower | null = null;
let unsubscribe: (() => void)[] = [];
let soon: Timer | undefined;
let silent = false;
/** The connection is new: one query brings the tokens of all. */
let renewing = false;
const held = new Map<string, Wanted>();
/** Channels that are no longer wanted, after `changes` was answered. */
const settled = new Set<string>();
const settling = new Set<string>();
/** Channels that were refused; with a timer: not to be tried before. */
const refused = new Map<string, { tries: number; timer: Timer | null }>();
/** Rooms whose channels are being asked for. */
const asking = new Map<string, Timer>();
/** Rooms that are to be asked for again. */
const learning = new Set<string>();

export function startFollowing(options: Follower): void {
  follower = options;
  unsubscribe = [
    useOpen.subscribe(({ room }) => {
      forgetHere();
      follow();
      if (room !== null) catchUpUnsaid(room);
    }),
    useRooms.subscribe(() => {
      soon ??= setTimeout(() => follow(), SOON_MS);
    }),
  ];
}

export function stopFollowing(): void {
  follower = null;
  for (const stop of unsubscribe) stop();
  unsubscribe = [];
  clearTimeout(soon);
  soon = undefined;
  for (const { timer } of refused.values()) if (timer) clearTimeout(timer);
  for (const timer of asking.values()) clearTimeout(timer);
  silent = false;
  renewing = false;
  for (const known of [held, settled, settling, refused, asking]) known.clear();
  forgetHere();
}

/** Of a room that is only read nothing has been said since it was left. */
function catchUpUnsaid(roomId: string): void {
  const room = useRooms.getState().rooms[roomId];
  if (room?.member) return;
  if (room) void learn(roomId);
  if (room?.route?.mode !== 'ROOM') void catchUp(roomId);
}

/** The open room, and those left last: of one that was never shown there is nothing to follow. */
function place() {
  const { room, left } = useOpen.getState();
  return { room, left: left.filter(holdsOrLoads) };
}

const isHeld = (channel: string) => follower?.connection.isSubscribed(channel) ?? false;

/** Whether the room's events come by themselves, as long as the connection is live. */
export function isFollowed(roomId: string): boolean {
  const room = useRooms.getState().rooms[roomId];
  return room !== undefined && isPushed(room, isHeld);
}

/** Whether the room's channel is being opened: what was missed comes with it, or is asked for then. */
export function isComing(roomId: string): boolean {
  const channel = useRooms.getState().rooms[roomId]?.route?.channel;
  if (!channel || !follower) return false;
  return follower.connection.isOpening(channel) && !isHeld(channel);
}

/** Wanted channels that a token opens, of which there is none at hand. */
function withoutToken(): string[] {
  const connection = follower?.connection;
  if (!connection?.connected) return [];
  const wanted = wantedChannels(useRooms.getState().rooms, place());
  return [...wanted.keys()].filter(
    (channel) =>
      opensByToken(channel) &&
      !connection.isOpening(channel) &&
      !refused.get(channel)?.timer &&
      freshToken(channel) === null,
  );
}

export function wantsTokens(): boolean {
  return withoutToken().length > 0;
}

/** What tokens open has to be held anew, by one query for all. */
export function onConnected(): void {
  renewing = true;
  follow();
}

/** Holds what is wanted now; with `renewed`, what still lacks a token asks for its own. */
export function follow(renewed = false): void {
  clearTimeout(soon);
  soon = undefined;
  if (!follower) return;
  const { connection, askTokens, onSilent } = follower;
  const { rooms } = useRooms.getState();
  const at = place();
  const wanted = wantedChannels(rooms, at);
  const { drop, settle } = leaving(held, wanted, rooms, at, isHeld, (channel) =>
    settled.has(channel),
  );
  for (const channel of drop) held.delete(channel);
  for (const [channel, what] of wanted) {
    settled.delete(channel);
    if (!refused.get(channel)?.timer) held.set(channel, what);
  }
  for (const channel of [...refused.keys()]) if (!wanted.has(channel)) forgive(channel);
  const lacking = withoutToken();
  if (renewed || lacking.length === 0) renewing = false;
  const wait = !renewed && lacking.length > (renewing ? 0 : FEW);
  connection.hold(held.keys(), new Set(wait ? lacking : []));
  for (const roomId of settle) settleRoom(roomId);
  if (wait) askTokens();
  if (at.room !== null && isWithoutChannels(at.room)) askChannels(at.room);
  const now = connection.connected && hasSilentRooms(rooms, isHeld);
  if (now !== silent) {
    silent = now;
    onSilent(silent);
  }
}

/** Asks `changes`; after the answer the channels that the room had before are left. */
function settleRoom(roomId: string): void {
  if (settling.has(roomId)) return;
  settling.add(roomId);
  const wanted = wantedChannels(useRooms.getState().rooms, place());
  const before = [...held].filter(
    ([channel, what]) => what.roomId === roomId && !wanted.has(channel),
  );
  const asked = follower;
  void catchUpAnew(roomId).then(() => {
    if (follower !== asked) return;
    settling.delete(roomId);
    // One that was wanted again meanwhile is another entry.
    for (const [channel, what] of before) if (held.get(channel) === what) settled.add(channel);
    follow();
  });
}

/** The room's events come another way now: `changes` is asked once they do. */
export function onOtherWay(roomId: string): void {
  follow();
  const room = useRooms.getState().rooms[roomId];
  if (!room) return;
  if (isPushed(room, isHeld) && !settling.has(roomId)) settleRoom(roomId);
  const spread = Math.min(MAX_SPREAD_MS, (room.memberCount / ASKED_PER_SECOND) * 1_000);
  if (isWithoutChannels(roomId)) askChannels(roomId, spread * Math.random());
}

export function onSubscribed(channel: string, recovered: boolean): void {
  forgive(channel);
  const what = held.get(channel);
  if (what?.kind === 'room' && !recovered) {
    // What is asked already may be answered from before.
    if (settling.has(what.roomId)) void catchUpAnew(what.roomId);
    else settleRoom(what.roomId);
    // Whoever only reads was not told if the channel was given up meanwhile.
    if (!useRooms.getState().rooms[what.roomId]?.member) void learn(what.roomId);
  }
  if (what?.kind === 'live') askOnline(what.roomId);
  follow();
}

/** Tried again slowly, once a query says that it should work. */
export function onRefused(channel: string): void {
  const what = held.get(channel);
  held.delete(channel);
  settled.delete(channel);
  if (!what) return;
  if (what.kind === 'live') forgetHere();
  const tries = refused.get(channel)?.tries ?? 0;
  const timer = setTimeout(() => void retry(channel, what.roomId), backoff(tries));
  refused.set(channel, { tries: tries + 1, timer });
  follow();
}

async function retry(channel: string, roomId: string): Promise<void> {
  await learn(roomId, refused.get(channel)?.tries);
  const entry = refused.get(channel);
  if (!entry) return;
  refused.set(channel, { ...entry, timer: null });
  follow();
}

/** Asks for the room until it is answered. */
async function learn(roomId: string, tries = 0): Promise<void> {
  const asked = follower;
  await loadRoom(roomId);
  const failure = useRooms.getState().failures[roomId];
  if (follower !== asked || !failure || isClosed(failure) || learning.has(roomId)) return;
  learning.add(roomId);
  await new Promise((resume) => setTimeout(resume, backoff(tries)));
  learning.delete(roomId);
  if (follower === asked) await learn(roomId, tries + 1);
}

function forgive(channel: string): void {
  const timer = refused.get(channel)?.timer;
  if (timer) clearTimeout(timer);
  refused.delete(channel);
}

/** Asks until the names of the room's channels are known, or it is none of the viewer's. */
function askChannels(roomId: string, delayMs = 0, tries = 0): void {
  if (!follower?.connection.connected || asking.has(roomId)) return;
  const timer = setTimeout(async () => {
    const asked = follower;
    await loadRoom(roomId);
    if (follower !== asked) return;
    asking.delete(roomId);
    // Answered, perhaps, from before what was heard of.
    const { member } = useRooms.getState().rooms[roomId] ?? {};
    if (isWithoutChannels(roomId) && (member || isNear(roomId))) {
      askChannels(roomId, backoff(tries), tries + 1);
    }
    follow();
  }, delayMs);
  asking.set(roomId, timer);
}

function backoff(tries: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** tries) * (0.5 + Math.random());
}
