/** Own messages on their way: from Enter until the room's timeline holds them. */

import type { MessageState } from './timeline.ts';

/** Why a send has not succeeded, as far as its author can do something about it. */
export type SendFailure = 'offline' | 'unreachable' | 'busy' | 'refused' | 'forbidden';

export interface OwnSend {
  /** The same on each retry, so that a message is accepted once. */
  clientMessageId: string;
  roomId: string;
  content: string;
  replyTo: string | null;
  /** When Enter was pressed. */
  createdAt: string;
  /** `waiting`: it is tried again by itself; `failed`: its author has to decide. */
  state: 'sending' | 'waiting' | 'failed';
  failure: SendFailure | null;
}

/** What becomes of a send before it is accepted. */
export type SendChange = Pick<OwnSend, 'state' | 'failure'>;

/** The sends that `messages` do not answer yet; the same list when there is nothing to settle. */
export function settle(
  sends: readonly OwnSend[],
  messages: readonly MessageState[],
  me: string,
): readonly OwnSend[] {
  if (sends.length === 0) return sends;
  const accepted = new Set<string>();
  for (const message of messages) {
    if (message.authorId === me && message.clientMessageId) accepted.add(message.clientMessageId);
  }
  const open = sends.filter((send) => !accepted.has(send.clientMessageId));
  return open.length === sends.length ? sends : open;
}

/** The sends with one of them changed. */
export function withSend(
  sends: readonly OwnSend[],
  clientMessageId: string,
  change: SendChange,
): readonly OwnSend[] {
  return sends.map((send) =>
    send.clientMessageId === clientMessageId ? { ...send, ...change } : send,
  );
}

/** The sends without one of them. */
export function withoutSend(
  sends: readonly OwnSend[],
  clientMessageId: string,
): readonly OwnSend[] {
  return sends.filter((send) => send.clientMessageId !== clientMessageId);
}

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/** How long to wait after so many failures in a row (ms): doubled each time, half of it by chance. */
export function pauseAfter(failures: number, random: () => number = Math.random): number {
  const ceiling = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  return ceiling * (0.5 + random() / 2);
}
