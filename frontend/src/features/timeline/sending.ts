/** Own messages: sending in the order of Enter, retries, edits and deletions. */

import {
  DeleteDocument,
  EditDocument,
  type MessageFieldsFragment,
  SendDocument,
} from '../../gql/graphql.ts';
import { codeOf, type ErrorCode, RequestError } from '../../shared/graphql/errors.ts';
import { request } from '../../shared/graphql/request.ts';
import { randomId } from '../../shared/ids.ts';
import { useSession } from '../auth/session.ts';
import { noteMessage } from '../rooms/store.ts';
import { loadNewest } from './history.ts';
import { type OwnSend, type SendFailure, withSend } from './model/sends.ts';
import { applyOwn } from './model/timeline.ts';
import { changeTimeline, heldOf, setHeld, useTimelines } from './store.ts';
import { messageFrom } from './wire.ts';

const ATTEMPTS = 3;
const PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 10_000;
const STORAGE = 'plaza-unsent';
/** Enough for any burst of one person; more is not kept over a reload. */
const MAX_STORED = 100;

/** One send at a time a room, so that they arrive in the order of Enter. */
const queues = new Map<string, Promise<void>>();

const me = () => useSession.getState().viewer?.id ?? '';

export function send(roomId: string, content: string, replyTo: string | null = null): void {
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
  store();
  enqueue(own);
  // What was just written is at the newest: go there.
  if (heldOf(roomId).timeline?.hasNewer) void loadNewest(roomId);
}

/** Sends again, with the same id: what had arrived after all is answered, not repeated. */
export function sendAgain(own: OwnSend): void {
  mark(own, { state: 'sending', failure: null });
  enqueue(own);
}

export function discard({ roomId, clientMessageId }: OwnSend): void {
  const { sends } = heldOf(roomId);
  setHeld(roomId, { sends: sends.filter((own) => own.clientMessageId !== clientMessageId) });
  store();
}

/** @throws RequestError */
export async function edit(roomId: string, id: string, content: string): Promise<void> {
  const { editMessage } = await request(EditDocument, { id, content });
  show(roomId, editMessage);
}

/** @throws RequestError */
export async function remove(roomId: string, id: string): Promise<void> {
  const { deleteMessage } = await request(DeleteDocument, { id });
  show(roomId, deleteMessage);
}

/** Takes up what a reload of this tab left unsent. */
export function resumeSends(): void {
  for (const own of stored()) {
    const { sends } = heldOf(own.roomId);
    if (sends.some(({ clientMessageId }) => clientMessageId === own.clientMessageId)) continue;
    const resumed: OwnSend = { ...own, state: 'sending', failure: null };
    setHeld(own.roomId, { sends: [...sends, resumed] });
    enqueue(resumed);
  }
}

export function forgetSends(): void {
  queues.clear();
  sessionStorage.removeItem(STORAGE);
}

function enqueue(own: OwnSend): void {
  const before = queues.get(own.roomId) ?? Promise.resolve();
  const next = before.then(() => attempt(own));
  queues.set(own.roomId, next);
  void next.then(() => {
    if (queues.get(own.roomId) === next) queues.delete(own.roomId);
  });
}

async function attempt(own: OwnSend): Promise<void> {
  const author = me();
  for (let attempts = 1; ; attempts += 1) {
    // Discarded or signed out meanwhile, or answered by a push.
    if (!isOpen(own)) return;
    try {
      const { roomId, content, clientMessageId, replyTo } = own;
      const input = { roomId, content, clientMessageId, replyTo };
      const { sendMessage } = await request(SendDocument, { input });
      if (me() === author) accepted(own, sendMessage);
      return;
    } catch (error) {
      const again = error instanceof RequestError && error.temporary && navigator.onLine;
      if (!again || attempts === ATTEMPTS) {
        mark(own, { state: 'failed', failure: failureOf(codeOf(error)) });
        return;
      }
      const pause = error.retryAfterMs ?? PAUSE_MS * attempts;
      await new Promise((resume) => setTimeout(resume, Math.min(pause, MAX_PAUSE_MS)));
    }
  }
}

function accepted(own: OwnSend, message: MessageFieldsFragment): void {
  show(own.roomId, message);
  discard(own);
}

function show(roomId: string, message: MessageFieldsFragment): void {
  changeTimeline(roomId, me(), (timeline) => applyOwn(timeline, messageFrom(roomId, message)));
  noteMessage(roomId, {
    number: message.number,
    authorId: message.authorId,
    author: message.author?.displayName ?? null,
    content: message.content,
    createdAt: message.createdAt,
    deleted: message.deletedAt !== null,
  });
}

function isOpen({ roomId, clientMessageId }: OwnSend): boolean {
  return heldOf(roomId).sends.some((own) => own.clientMessageId === clientMessageId);
}

function mark(own: OwnSend, change: Partial<Pick<OwnSend, 'state' | 'failure'>>): void {
  setHeld(own.roomId, { sends: withSend(heldOf(own.roomId).sends, own.clientMessageId, change) });
}

function failureOf(code: ErrorCode): SendFailure {
  if (!navigator.onLine) return 'offline';
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
      return 'unreachable';
  }
}

function store(): void {
  const unsent = Object.values(useTimelines.getState().held).flatMap(({ sends }) => sends);
  try {
    const kept = { user: me(), sends: unsent.slice(0, MAX_STORED) };
    sessionStorage.setItem(STORAGE, JSON.stringify(kept));
  } catch {
    // Storage is full or forbidden: they live as long as the tab.
  }
}

function stored(): OwnSend[] {
  try {
    const kept = JSON.parse(sessionStorage.getItem(STORAGE) ?? 'null');
    return kept?.user === me() && Array.isArray(kept.sends) ? kept.sends : [];
  } catch {
    return [];
  }
}
