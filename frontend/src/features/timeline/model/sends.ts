/** Own messages on their way: from Enter until the room's timeline holds them. */

import type { MessageState } from './timeline.ts';

/** Why a send has failed, as far as its author can do something about it. */
export type SendFailure = 'offline' | 'unreachable' | 'busy' | 'refused' | 'forbidden';

export interface OwnSend {
  /** The same on each retry, so that a message is accepted once. */
  clientMessageId: string;
  roomId: string;
  content: string;
  replyTo: string | null;
  /** When Enter was pressed. */
  createdAt: string;
  state: 'sending' | 'failed';
  failure: SendFailure | null;
}

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
  change: Partial<Pick<OwnSend, 'state' | 'failure'>>,
): readonly OwnSend[] {
  return sends.map((send) =>
    send.clientMessageId === clientMessageId ? { ...send, ...change } : send,
  );
}
