/**
 * Own messages: kept until the server has answered, sent in the order of Enter
 * by one tab at a time, tried again until then. Edits and deletions.
 */
import {
  DeleteDocument,
  EditDocument,
  type MessageFieldsFragment,
  SendDocument,
} from '../../gql/graphql.ts';
import { codeOf, type ErrorCode, RequestError } from '../../shared/graphql/errors.ts';
import { request } from '../../shared/graphql/request.ts';
import { randomId } from '../../shared/ids.ts';
import { useLive } from '../../shared/realtime/live.ts';
import { haveTurns, inTurn } from '../../shared/turns.ts';
import { useSession } from '../auth/session.ts';
import { noteMessage, useRooms } from '../rooms/store.ts';
import { catchUpIfBehind, loadNewest } from './history.ts';
import {
  type OwnSend,
  pauseAfter,
  type SendChange,
  type SendFailure,
  settle,
  withoutSend,
  withSend,
} from './model/sends.ts';
import { applyOwn } from './model/timeline.ts';
import { changeTimeline, heldOf, setHeld, useTimelines } from './store.ts';
import {
  addUnsent,
  changeUnsent,
  clearAbandoned,
  clearUnsent,
  listUnsent,
  removeUnsent,
} from './unsent.ts';
import { messageFrom } from './wire.ts';

/** How many messages of a user may wait at most. */
export const MAX_UNSENT = 100;
/** Longest wait that is taken from the server (ms). */
const MAX_RETRY_AFTER_MS = 60_000;
/** When the server is back, everybody's messages shall not come at once. */
const SPREAD_MS = 1_000;

/** What tabs tell each other, so that each shows the same. */
type TabMessage = { user: string; roomId: string } & (
  | { type: 'changed' }
  | { type: 'accepted'; message: MessageFieldsFragment; epoch: string }
  | { type: 'cleared' }
);

const tabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('plaza-unsent');
tabs?.addEventListener('message', (event: MessageEvent<TabMessage>) => hear(event.data));

/** Rooms that this tab sends in, or waits to. */
const active = new Set<string>();
/** Those of them that have got something new since. */
const wanted = new Set<string>();
/** Ends the pause of a room before its time. */
const sleepers = new Map<string, () => void>();
/** Grows with each change that this tab makes to what is stored. */
let changes = 0;
/** Grows when everything is forgotten. */
let era = 0;
let stopListening: (() => void) | null = null;

const me = () => useSession.getState().viewer?.id ?? '';

/** Shows and keeps a message, and sends it; false: too many wait already. */
export function send(roomId: string, content: string, replyTo: string | null = null): boolean {
  if (countUnsent() >= MAX_UNSENT) return false;
  const user = me();
  const own: OwnSend = {
    clientMessageId: randomId(),
    roomId,
    content,
    replyTo,
    createdAt: new Date().toISOString(),
    state: 'sending',
    failure: null,
  };
  setHeld(roomId, { sends: [...heldOf(roomId).sends, own] });
  changes += 1;
  // Stored before it is sent: a tab that is closed in between loses nothing.
  void addUnsent(user, own).then(() => {
    tell({ type: 'changed', user, roomId });
    deliver(user, roomId);
  });
  // What was just written is at the newest: go there.
  if (heldOf(roomId).timeline?.hasNewer) void loadNewest(roomId);
  return true;
}

/** Sends again, with the same id: what had arrived after all is answered, not repeated. */
export function sendAgain(own: OwnSend): void {
  const user = me();
  void change(user, own, { state: 'sending', failure: null }).then(() => deliver(user, own.roomId));
}

export function discard({ roomId, clientMessageId }: OwnSend): void {
  const user = me();
  void drop(user, roomId, clientMessageId).then(() => {
    tell({ type: 'changed', user, roomId });
    // What waited behind it goes on.
    wake(roomId);
  });
}

/** @throws RequestError */
export async function edit(roomId: string, id: string, content: string): Promise<void> {
  const epoch = epochOf(roomId);
  const { editMessage } = await request(EditDocument, { id, content });
  show(roomId, editMessage, epoch);
}

/** @throws RequestError */
export async function remove(roomId: string, id: string): Promise<void> {
  const epoch = epochOf(roomId);
  const { deleteMessage } = await request(DeleteDocument, { id });
  show(roomId, deleteMessage, epoch);
}

/** Takes up what is unsent, whichever tab it was written in. Call once a session. */
export async function resumeSends(): Promise<void> {
  const user = me();
  listen();
  void clearAbandoned(user);
  await refresh(user);
  if (me() !== user) return;
  for (const [roomId, { sends }] of Object.entries(useTimelines.getState().held)) {
    if (sends.some(({ state }) => state !== 'failed')) deliver(user, roomId);
  }
}

/** How many messages are not accepted yet. */
export function countUnsent(): number {
  const held = Object.values(useTimelines.getState().held);
  return held.reduce((sum, { sends }) => sum + sends.length, 0);
}

/** Lets go of all that is unsent, in every tab. */
export async function discardUnsent(): Promise<void> {
  const user = me();
  forgetSends();
  await clearUnsent(user);
  tell({ type: 'cleared', user, roomId: '' });
}

/** Empties this tab; what is stored stays for the user's next session. */
export function forgetSends(): void {
  era += 1;
  stopListening?.();
  stopListening = null;
  active.clear();
  wanted.clear();
  for (const resume of [...sleepers.values()]) resume();
  for (const [roomId, { sends }] of Object.entries(useTimelines.getState().held)) {
    if (sends.length > 0) setHeld(roomId, { sends: [] });
  }
}

/** Sends what is unsent in a room, once it is this tab's turn. */
function deliver(user: string, roomId: string): void {
  if (me() !== user) return;
  if (active.has(roomId)) {
    wanted.add(roomId);
    wake(roomId);
    return;
  }
  active.add(roomId);
  const begun = era;
  void inTurn(`plaza-unsent/${user}/${roomId}`, () => sendAll(user, roomId, begun))
    .catch(() => {})
    .then(() => {
      if (era !== begun) return;
      active.delete(roomId);
      if (wanted.delete(roomId)) deliver(user, roomId);
    });
}

async function sendAll(user: string, roomId: string, begun: number): Promise<void> {
  const isOver = () => era !== begun || me() !== user;
  let failures = 0;
  while (!isOver()) {
    const unsent = await listUnsent(user);
    const own = unsent.find((one) => one.roomId === roomId && one.state !== 'failed');
    if (!own || isOver()) return;
    if (isAnswered(own)) {
      await drop(user, roomId, own.clientMessageId);
      continue;
    }
    const epoch = epochOf(roomId);
    try {
      const { content, clientMessageId, replyTo } = own;
      const input = { roomId, content, clientMessageId, replyTo };
      const { sendMessage } = await request(SendDocument, { input });
      failures = 0;
      // Accepted before a restore, perhaps, which took it back: the same id asks again.
      if (!isOver() && epochOf(roomId) !== epoch) continue;
      if (!isOver()) show(roomId, sendMessage, epoch);
      await drop(user, roomId, clientMessageId);
      tell({ type: 'accepted', user, roomId, message: sendMessage, epoch });
    } catch (error) {
      if (isOver()) return;
      const failure = failureOf(codeOf(error));
      if (failure === 'refused' || failure === 'forbidden') {
        await change(user, own, { state: 'failed', failure });
        continue;
      }
      await change(user, own, { state: 'waiting', failure });
      const told = error instanceof RequestError ? error.retryAfterMs : null;
      if (told === null) await pause(roomId, pauseAfter(failures), true);
      else await pause(roomId, Math.min(told, MAX_RETRY_AFTER_MS) + pauseAfter(0), false);
      failures += 1;
    }
  }
}

/** Whether a push or a page has shown what became of it. */
function isAnswered(own: OwnSend): boolean {
  const messages = heldOf(own.roomId).timeline?.messages ?? [];
  return settle([own], messages, me()).length === 0;
}

/** The epoch of what this tab knows of the room. */
function epochOf(roomId: string): string {
  return heldOf(roomId).timeline?.epoch ?? useRooms.getState().rooms[roomId]?.epoch ?? '';
}

/** Shows an answer to what was asked in an epoch, if that still stands. */
function show(roomId: string, message: MessageFieldsFragment, epoch: string): void {
  const shown = changeTimeline(roomId, me(), (timeline) =>
    timeline.epoch === epoch ? applyOwn(timeline, messageFrom(roomId, message)) : timeline,
  );
  if (shown?.stale) void catchUpIfBehind(roomId);
  noteMessage(roomId, {
    epoch,
    number: message.number,
    authorId: message.authorId,
    author: message.author?.displayName ?? null,
    content: message.content,
    createdAt: message.createdAt,
    deleted: message.deletedAt !== null,
  });
}

async function change(user: string, own: OwnSend, to: SendChange): Promise<void> {
  const { roomId, clientMessageId } = own;
  if (own.state === to.state && own.failure === to.failure) return;
  setHeld(roomId, { sends: withSend(heldOf(roomId).sends, clientMessageId, to) });
  changes += 1;
  await changeUnsent(user, clientMessageId, to);
  tell({ type: 'changed', user, roomId });
}

async function drop(user: string, roomId: string, id: string): Promise<void> {
  if (me() === user) setHeld(roomId, { sends: withoutSend(heldOf(roomId).sends, id) });
  changes += 1;
  await removeUnsent(user, id);
}

/** Shows what is stored. */
async function refresh(user: string): Promise<void> {
  const begun = era;
  let unsent: readonly OwnSend[];
  let before: number;
  do {
    // What was read while this tab changed something may be older than that.
    before = changes;
    unsent = await listUnsent(user);
    if (me() !== user || era !== begun) return;
  } while (changes !== before);
  const { held } = useTimelines.getState();
  for (const roomId of new Set([...Object.keys(held), ...unsent.map((own) => own.roomId)])) {
    const stored = unsent.filter((own) => own.roomId === roomId);
    const open = settle(stored, held[roomId]?.timeline?.messages ?? [], user);
    if (open.length > 0 || heldOf(roomId).sends.length > 0) setHeld(roomId, { sends: open });
    for (const own of stored) {
      if (!open.includes(own)) void removeUnsent(user, own.clientMessageId);
    }
  }
}

function tell(message: TabMessage): void {
  tabs?.postMessage(message);
}

function hear(message: TabMessage): void {
  const { user, roomId } = message;
  if (me() !== user) return;
  switch (message.type) {
    case 'changed':
      void refresh(user);
      // Stands in line, should the tab that sends be closed.
      if (haveTurns) deliver(user, roomId);
      break;
    case 'accepted': {
      show(roomId, message.message, message.epoch);
      const id = message.message.clientMessageId ?? '';
      setHeld(roomId, { sends: withoutSend(heldOf(roomId).sends, id) });
      break;
    }
    case 'cleared':
      forgetSends();
      break;
  }
}

/** Back in the network, or in touch with the server: nothing waits longer than it must. */
function listen(): void {
  stopListening?.();
  const spread = () => {
    for (const roomId of sleepers.keys()) setTimeout(() => wake(roomId), Math.random() * SPREAD_MS);
  };
  addEventListener('online', spread);
  const stopLive = useLive.subscribe(({ status }, { status: before }) => {
    if (status === 'live' && before !== 'live') spread();
  });
  stopListening = () => {
    removeEventListener('online', spread);
    stopLive();
  };
}

function wake(roomId: string): void {
  sleepers.get(roomId)?.();
}

function pause(roomId: string, ms: number, wakeable: boolean): Promise<void> {
  return new Promise((resolve) => {
    const resume = () => {
      clearTimeout(timer);
      sleepers.delete(roomId);
      resolve();
    };
    const timer = setTimeout(resume, ms);
    if (wakeable) sleepers.set(roomId, resume);
  });
}

function failureOf(code: ErrorCode): SendFailure {
  switch (code) {
    case 'RATE_LIMITED':
      return 'busy';
    case 'FORBIDDEN':
    case 'NOT_FOUND':
      return 'forbidden';
    case 'BAD_USER_INPUT':
    case 'CONFLICT':
      return 'refused';
    default:
      return navigator.onLine ? 'unreachable' : 'offline';
  }
}
