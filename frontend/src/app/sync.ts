/**
 * Keeps what this tab holds in step with the server: by pushes while live, by
 * polling while not, and by one comparison of heads after whatever was missed.
 */
import { useSession } from '../features/auth/session.ts';
import {
  applyRoomEvent,
  compareHeads,
  loadRoom,
  loadRooms,
  noteMessage,
  useRooms,
} from '../features/rooms/store.ts';
import {
  catchUp,
  catchUpIfBehind,
  hasFailed,
  holds,
  learnHead,
  loadNewest,
  openRoomOf,
  receive,
} from '../features/timeline/history.ts';
import { learnPeople, usePeople } from '../features/timeline/people.ts';
import { ConnectionTokenDocument } from '../gql/graphql.ts';
import { codeOf } from '../shared/graphql/errors.ts';
import { request } from '../shared/graphql/request.ts';
import type { RealtimeConnection } from '../shared/realtime/connection.ts';
import type { PlazaEvent } from '../shared/realtime/events.ts';
import { useLive } from '../shared/realtime/live.ts';
import type { LiveStatus } from '../shared/realtime/status.ts';

const FIRST_POLL_MS = 5_000;
const RETRY_MS = 3_000;
const MIN_POLL_MS = 1_000;
/** While live, heads are compared this often all the same. */
const COMPARE_MS = 5 * 60_000;

let connection: RealtimeConnection | null = null;
let syncing: Promise<void> | null = null;
let again = false;
let pollAfter = FIRST_POLL_MS;
let pollTimer: ReturnType<typeof setTimeout> | undefined;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let compareTimer: ReturnType<typeof setTimeout> | undefined;
let running = false;

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
    fetchToken: async () => (await request(ConnectionTokenDocument, {})).connectionToken,
    isSessionOver: (error) =>
      codeOf(error) === 'UNAUTHENTICATED' && useSession.getState().status !== 'signed-in',
    onEvents: (events) => events.forEach(apply),
    onGap: () => void resync(),
    onStatus,
  });
  connection.open();
}

export function stopSync(): void {
  running = false;
  connection?.close();
  connection = null;
  clearTimeout(pollTimer);
  clearTimeout(compareTimer);
  clearTimeout(retryTimer);
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
    if (!done && useLive.getState().status === 'not-live') return;
    retryTimer = setTimeout(() => void resync(), done ? 0 : RETRY_MS * (1 + Math.random()));
  });
  return syncing;
}

/** Whether the server answered. */
async function compareAll(): Promise<boolean> {
  try {
    const { heads, pollAfter: after } = await compareHeads();
    pollAfter = Math.max(MIN_POLL_MS, after);
    for (const { roomId, headSeq, epoch } of heads) learnHead(roomId, headSeq, epoch);
    // While not live, only what is on the screen is asked for.
    const live = useLive.getState().status !== 'not-live';
    const behind = heads.filter(({ roomId }) => live || roomId === openRoomOf());
    await Promise.all([...behind.map(({ roomId }) => catchUpIfBehind(roomId)), compareVisited()]);
    if (useRooms.getState().list === 'failed') await loadRooms();
    return true;
  } catch {
    return false;
  }
}

/** `heads` does not name a room that is only read: its changes are asked for. */
async function compareVisited(): Promise<void> {
  const roomId = openRoomOf();
  if (roomId === null) return;
  const { rooms, failures } = useRooms.getState();
  const room = rooms[roomId];
  const failure = failures[roomId];
  if (failure === 'NOT_FOUND' || failure === 'FORBIDDEN' || failure === 'BAD_USER_INPUT') return;
  if (!room) {
    if (failure) await loadRoom(roomId);
  } else if (!holds(roomId)) {
    if (hasFailed(roomId)) await loadNewest(roomId);
  } else if (!room.member) {
    await catchUp(roomId);
  }
}

function onStatus(status: LiveStatus): void {
  useLive.setState({ status });
  if (status === 'not-live') planPoll(Math.random() * pollAfter * 0.5);
}

function onVisible(): void {
  if (document.visibilityState === 'visible') planPoll(0);
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

function planCompare(): void {
  clearTimeout(compareTimer);
  if (!running) return;
  compareTimer = setTimeout(
    () => {
      if (useLive.getState().status === 'live') void compareAll();
      planCompare();
    },
    COMPARE_MS * (0.8 + Math.random() * 0.4),
  );
}

function apply(event: PlazaEvent): void {
  switch (event.type) {
    case 'message': {
      const { room, seq, epoch, message, author } = event;
      if (author) learnPeople([author]);
      receive(room, { seq, epoch, message });
      noteMessage(room, {
        number: message.number,
        authorId: message.authorId,
        author: author?.displayName ?? usePeople.getState()[message.authorId]?.displayName ?? null,
        content: message.content,
        createdAt: message.createdAt,
        deleted: message.deletedAt !== null,
      });
      const known = useRooms.getState().rooms[room];
      if (event.created && !known?.member) void loadRoom(room);
      else if (known && known.epoch !== epoch) void resync();
      break;
    }
    case 'unknown':
      receive(event.room, { seq: event.seq, epoch: event.epoch, message: null });
      break;
    case 'head':
      learnHead(event.room, event.headSeq, event.epoch);
      void catchUpIfBehind(event.room);
      break;
    default:
      applyRoomEvent(event);
  }
}
