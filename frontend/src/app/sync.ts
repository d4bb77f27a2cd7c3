/**
 * Keeps what this tab holds in step with the server: by pushes while live, by
 * polling while not, and by one comparison of heads after whatever was missed.
 */
import { useSession } from '../features/auth/session.ts';
import {
  applyRoomEvent,
  askRooms,
  compareHeads,
  forgetOtherRooms,
  isClosed,
  loadRoom,
  loadRooms,
  noteFanout,
  noteHeadEvent,
  noteMessage,
  useRooms,
} from '../features/rooms/store.ts';
import { freshToken } from '../features/rooms/tokens.ts';
import { noteOnline, noteTyping, noteTypingCount, stopTyping } from '../features/timeline/here.ts';
import {
  catchUp,
  catchUpIfBehind,
  forgetOtherTimelines,
  hasFailed,
  holds,
  isMissing,
  isStale,
  learnHead,
  loadNewest,
  receive,
} from '../features/timeline/history.ts';
import { isNear, openRoomOf } from '../features/timeline/open.ts';
import { learnPeople, usePeople } from '../features/timeline/people.ts';
import { ConnectionTokenDocument, SubscriptionTokenDocument } from '../gql/graphql.ts';
import { codeOf } from '../shared/graphql/errors.ts';
import { request } from '../shared/graphql/request.ts';
import type { RealtimeConnection } from '../shared/realtime/connection.ts';
import type { PlazaEvent } from '../shared/realtime/events.ts';
import { useLive } from '../shared/realtime/live.ts';
import type { LiveStatus } from '../shared/realtime/status.ts';
import {
  follow,
  isComing,
  isFollowed,
  onConnected,
  onOtherWay,
  onRefused,
  onSubscribed,
  startFollowing,
  stopFollowing,
  wantsTokens,
} from './following.ts';

const FIRST_POLL_MS = 5_000;
const RETRY_MS = 3_000;
const MIN_POLL_MS = 5_000;
const MAX_POLL_MS = 60_000;
/** Many clients hear the same event at once: what they ask then is spread over this. */
const SPREAD_MS = 2_000;
/** While live, heads are compared this often all the same. */
const COMPARE_MS = 5 * 60_000;
/** And this often while nothing is pushed of some of the large rooms. */
const COMPARE_SILENT_MS = 60_000;

let connection: RealtimeConnection | null = null;
let syncing: Promise<void> | null = null;
let again = false;
/** The last comparison was not answered, and the next poll was to try again. */
let owed = false;
let pollAfter = FIRST_POLL_MS;
let pollTimer: ReturnType<typeof setTimeout> | undefined;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let compareTimer: ReturnType<typeof setTimeout> | undefined;
let running = false;
/** Whether the comparison that runs brings the tokens of channels. */
let bringsTokens = false;
/** When tokens were last asked for because of a want of them. */
let tokensAt = 0;
let silent = false;
/** Of the installation, as its answers say. */
let epoch: string | null = null;
/** Counts comparisons; `entered` is the newest whose epoch was taken. */
let rounds = 0;
let entered = 0;
/** Epochs that are over: what still comes of them is dropped. */
const past = new Set<string>();
/** The version of each room's way that an event has told last. */
const ways = new Map<string, number>();
/** What is about to be asked, by room; '' for all. */
const soon = new Map<string, ReturnType<typeof setTimeout>>();

/** Subscribes first; the state loads with an overlap. */
export async function startSync(): Promise<void> {
  if (running) return;
  running = true;
  void loadRooms();
  document.addEventListener('visibilitychange', onVisible);
  planPoll();
  planCompare();
  const { RealtimeConnection } = await import('../shared/realtime/connection.ts');
  if (!running) return;
  connection = new RealtimeConnection({
    fetchConnectionToken: async () => (await request(ConnectionTokenDocument, {})).connectionToken,
    isSessionOver: (error) =>
      codeOf(error) === 'UNAUTHENTICATED' && useSession.getState().status !== 'signed-in',
    freshToken,
    fetchToken,
    onConnected: () => {
      tokensAt = 0;
      clearTimeout(soon.get('tokens'));
      soon.delete('tokens');
      onConnected();
    },
    onSubscribed,
    onRefused,
    onEvents: (events, own) => {
      for (const event of events) apply(event, own);
    },
    onGap: () => void resync(),
    onStatus,
  });
  startFollowing({
    connection,
    askTokens,
    onSilent: (now) => {
      silent = now;
      planCompare();
    },
  });
  connection.open();
}

/** A token for one channel; null: the viewer may not have it. @throws RequestError */
async function fetchToken(channel: string): Promise<string | null> {
  try {
    const { subscriptionToken } = await request(SubscriptionTokenDocument, { channel });
    return subscriptionToken.token;
  } catch (error) {
    if (isClosed(codeOf(error))) return null;
    throw error;
  }
}

/**
 * One comparison brings the tokens of all rooms: the one that a gap begins
 * anyway, perhaps. While nobody answers, it is not asked again and again.
 */
function askTokens(): void {
  if (soon.has('tokens')) return;
  const run = () => {
    soon.delete('tokens');
    if (!wantsTokens() || (syncing && bringsTokens)) return;
    tokensAt = Date.now();
    void resync();
  };
  soon.set('tokens', setTimeout(run, Math.max(0, tokensAt + RETRY_MS - Date.now())));
}

export function stopSync(): void {
  running = false;
  stopFollowing();
  connection?.close();
  connection = null;
  clearTimeout(pollTimer);
  clearTimeout(compareTimer);
  clearTimeout(retryTimer);
  for (const timer of soon.values()) clearTimeout(timer);
  soon.clear();
  past.clear();
  ways.clear();
  silent = false;
  owed = false;
  tokensAt = 0;
  epoch = null;
  document.removeEventListener('visibilitychange', onVisible);
  useLive.setState({ status: 'catching-up' });
}

/** Compares heads once and asks `changes` where something is missing. */
function resync(): Promise<void> {
  if (syncing) {
    // What the running comparison read may be older than what was missed.
    again = true;
    return syncing;
  }
  clearTimeout(retryTimer);
  owed = false;
  connection?.setSyncing(true);
  syncing = compareAll().then((done) => {
    syncing = null;
    if (!running) return;
    if (done && !again) {
      connection?.setSyncing(false);
      return;
    }
    again = false;
    // It stays at catching up until that is done; while not live, the next poll is the retry.
    if (!done && useLive.getState().status === 'not-live') {
      owed = true;
      return;
    }
    retryTimer = setTimeout(() => void resync(), done ? 0 : RETRY_MS * (1 + Math.random()));
  });
  return syncing;
}

/** Whether the server answered. */
async function compareAll(): Promise<boolean> {
  try {
    const round = ++rounds;
    bringsTokens = wantsTokens();
    const { heads, pollAfter: after, ask } = await compareHeads(bringsTokens);
    pollAfter = Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, after));
    const [head] = heads;
    if (head) enter(head.epoch, round);
    // Tokens are good for seconds.
    follow(true);
    await askRooms(ask);
    for (const { roomId, headSeq, epoch } of heads) learnHead(roomId, headSeq, epoch);
    // While not live, only what is on the screen is asked for.
    const live = useLive.getState().status !== 'not-live';
    const behind = heads.filter(
      ({ roomId }) => (live || roomId === openRoomOf()) && !(isComing(roomId) && !isStale(roomId)),
    );
    const open = openRoomOf();
    await Promise.all([
      ...behind.map(({ roomId }) => catchUpIfBehind(roomId)),
      open !== null && isComing(open) ? null : compareVisited(),
    ]);
    if (useRooms.getState().list === 'failed') await loadRooms();
    // Of a room that is not looked at, nobody else asks again.
    const { failures } = useRooms.getState();
    return ask.every((roomId) => !failures[roomId] || isClosed(failures[roomId]));
  } catch {
    return false;
  }
}

/** Another epoch than before means that everything is forgotten and loaded again. */
function enter(next: string, round: number): void {
  // An answer that was overtaken knows nothing newer.
  if (round < entered) return;
  entered = round;
  const before = epoch;
  epoch = next;
  if (before === null || before === next) return;
  past.add(before);
  past.delete(next);
  ways.clear();
  forgetOtherTimelines(next);
  forgetOtherRooms(next);
  const roomId = openRoomOf();
  if (roomId !== null && !useRooms.getState().rooms[roomId]) void loadRoom(roomId);
}

/** Does it once within the next 2 s, however often it is wanted until then. */
function later(key: string, work: () => void): void {
  if (soon.has(key)) return;
  const run = () => {
    soon.delete(key);
    work();
  };
  soon.set(key, setTimeout(run, Math.random() * SPREAD_MS));
}

/** Of a room whose events do not come, one that is only read, say, the changes are asked for; also whether it may be read. */
async function compareVisited(): Promise<void> {
  const roomId = openRoomOf();
  if (roomId === null) return;
  const { rooms, failures } = useRooms.getState();
  const room = rooms[roomId];
  const failure = failures[roomId];
  // Nobody tells who may not read a room that it was opened again.
  if (!room || isClosed(failure)) {
    if (failure) await loadRoom(roomId);
  } else if (!holds(roomId)) {
    if (hasFailed(roomId)) await loadNewest(roomId);
  } else if (!isFollowed(roomId)) {
    await catchUp(roomId);
  }
}

function onStatus(status: LiveStatus): void {
  useLive.setState({ status });
  if (status === 'not-live') planPoll(Math.random() * pollAfter * 0.5);
  // Back before that poll, with nothing missed: nobody else would ask.
  else if (owed && status !== 'offline') void resync();
}

function onVisible(): void {
  if (document.visibilityState !== 'visible') return;
  planPoll(0);
  if (silent) planCompare(0);
}

function planPoll(delayMs = pollAfter * (0.8 + Math.random() * 0.4)): void {
  clearTimeout(pollTimer);
  if (running) pollTimer = setTimeout(() => void poll(), delayMs);
}

async function poll(): Promise<void> {
  if (document.visibilityState === 'visible') {
    const { status } = useLive.getState();
    if (status === 'not-live') await resync();
    else if (status === 'live') await compareVisited().catch(() => {});
  }
  planPoll();
}

function planCompare(delayMs?: number): void {
  clearTimeout(compareTimer);
  if (!running) return;
  const pause = (silent ? COMPARE_SILENT_MS : COMPARE_MS) * (0.8 + Math.random() * 0.4);
  compareTimer = setTimeout(() => {
    const shown = !silent || document.visibilityState === 'visible';
    if (shown && useLive.getState().status === 'live') void compareAll();
    planCompare();
  }, delayMs ?? pause);
}

/** Applies an event; `own`: it came by the viewer's own channel. */
function apply(event: PlazaEvent, own: boolean): void {
  if (!('epoch' in event)) {
    hear(event);
    return;
  }
  if (past.has(event.epoch)) return;
  if (epoch !== null && event.epoch !== epoch) {
    // All that is loaded after the comparison knows of the event.
    later('', () => void resync());
    return;
  }
  switch (event.type) {
    case 'message': {
      const { room, seq, message, author } = event;
      if (author) learnPeople([author]);
      receive(room, { seq, epoch: event.epoch, message });
      noteMessage(room, {
        epoch: event.epoch,
        number: message.number,
        authorId: message.authorId,
        author: author?.displayName ?? usePeople.getState()[message.authorId]?.displayName ?? null,
        content: message.content,
        createdAt: message.createdAt,
        deleted: message.deletedAt !== null,
      });
      const known = useRooms.getState().rooms[room];
      // Only members are sent it: the joining has not been heard of.
      if (event.created && own && !known?.member) void loadRoom(room);
      if (event.created) stopTyping(room, message.authorId);
      break;
    }
    case 'unknown':
      receive(event.room, { seq: event.seq, epoch: event.epoch, message: null });
      break;
    case 'head':
      takeHead(event);
      break;
    case 'fanout': {
      const { room } = event;
      const taken = noteFanout(event);
      // Known from a query before: what was sent the former way until now may not have come.
      const known = useRooms.getState().rooms[room]?.route?.version === event.version;
      if (known && ways.get(room) !== event.version) {
        ways.set(room, event.version);
        onOtherWay(room);
      }
      // Where it stands now, in case that its last `head` did not come.
      const asks = taken ? event.mode === 'PERSONAL' : !useRooms.getState().rooms[room]?.route;
      if (asks) later(`room ${room}`, () => void loadRoom(room));
      break;
    }
    case 'joined':
      applyRoomEvent(event);
      void loadRoom(event.room).then(() => onOtherWay(event.room));
      break;
    case 'left':
      applyRoomEvent(event);
      // Whether it is still open to be read, and that no joining was missed.
      later(`room ${event.room}`, () => void loadRoom(event.room));
      break;
    default:
      applyRoomEvent(event);
  }
}

/** What is said of the open room and kept nowhere. */
function hear(event: Exclude<PlazaEvent, { epoch: string }>): void {
  if (event.type === 'typing') noteTyping(event.room, event.user);
  if (event.type === 'typing.count') noteTypingCount(event.room, event.from, event.count);
  if (event.type === 'online') noteOnline(event.room, event.count);
}

/** It stands for events that were not sent: whoever is behind asks, not all at once. */
function takeHead(event: Extract<PlazaEvent, { type: 'head' }>): void {
  const { room, headSeq } = event;
  const ask = noteHeadEvent(event);
  if (headSeq !== null) learnHead(room, headSeq, event.epoch);
  // A large room that is not followed is caught up with when it is opened.
  const followed = () => isFollowed(room) || isNear(room);
  if (!ask && !(isMissing(room) && followed())) return;
  later(room, () => {
    if (ask) void loadRoom(room);
    if (followed()) void catchUpIfBehind(room);
  });
}
