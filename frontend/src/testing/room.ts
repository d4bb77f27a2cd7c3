/** A room's messages as the server has them in one epoch, with all that they ever were. */

import type { MessageState } from '../features/timeline/model/timeline.ts';

export const ROOM = 'room';
export const ADA = { id: 'ada', username: 'ada', displayName: 'Ada' };
export const ME = { id: 'me', username: 'me', displayName: 'Me' };

const at = (seq: number) => new Date(Date.UTC(2026, 0, 1) + seq * 1_000).toISOString();

export class ServerRoom {
  readonly states = new Map<string, MessageState>();

  constructor(
    readonly epoch: string,
    /** Change n is at n - 1. */
    readonly log: MessageState[] = [],
    readonly id = ROOM,
  ) {
    for (const state of log) this.states.set(state.id, state);
  }

  get head(): number {
    return this.log.length;
  }

  all(): MessageState[] {
    return [...this.states.values()].sort((a, b) => a.seq - b.seq);
  }

  /** Stores a message, once for each `clientMessageId` of an author. */
  create(authorId: string, content: string, clientMessageId: string): MessageState {
    const known = [...this.states.values()].find(
      (state) => state.authorId === authorId && state.clientMessageId === clientMessageId,
    );
    if (known) return known;
    const seq = this.head + 1;
    const number = this.states.size + 1;
    return this.#write({
      // None comes twice, not even after a restore.
      id: this.id === ROOM ? `${this.epoch}/${number}` : `${this.id}/${this.epoch}/${number}`,
      roomId: this.id,
      seq,
      number,
      changedSeq: seq,
      authorId,
      content,
      createdAt: at(seq),
      editedAt: null,
      deletedAt: null,
      clientMessageId,
      replyTo: null,
    });
  }

  /** Edits or deletes one of the newest messages. */
  change(pick: number, deletes: boolean): void {
    const known = this.all().at(-1 - (pick % Math.max(1, this.states.size)));
    if (!known) return;
    const seq = this.head + 1;
    this.#write(
      deletes
        ? { ...known, changedSeq: seq, content: '', deletedAt: at(seq) }
        : { ...known, changedSeq: seq, content: `${this.epoch} edit ${seq}`, editedAt: at(seq) },
    );
  }

  /** What a restore brings back: all but the last changes, in another epoch. */
  restored(keep: number, epoch: string): ServerRoom {
    return new ServerRoom(epoch, this.log.slice(0, keep), this.id);
  }

  /** A page, as GraphQL answers it. */
  connection(pick: (all: MessageState[]) => MessageState[]) {
    const all = this.all();
    const messages = pick(all);
    return {
      edges: messages.map((message) => ({ cursor: String(message.seq), node: wire(message) })),
      pageInfo: {
        hasPreviousPage: messages.length > 0 && messages[0] !== all[0],
        hasNextPage: messages.length > 0 && messages.at(-1) !== all.at(-1),
      },
      headSeq: this.head,
      epoch: this.epoch,
    };
  }

  /** At most `first` changes; a reset when more than `most` are missing, or the position is none of this room. */
  changes(since: number, first: number, most = Number.POSITIVE_INFINITY) {
    const { head: headSeq, epoch } = this;
    if (since > headSeq || headSeq - since > most) {
      return { messages: [], nextSeq: headSeq, headSeq, epoch, reset: true };
    }
    const missing = [...this.states.values()]
      .filter(({ changedSeq }) => changedSeq > since)
      .sort((a, b) => a.changedSeq - b.changedSeq);
    const messages = missing.slice(0, first).map(wire);
    const last = messages.at(-1);
    const nextSeq = last && messages.length < missing.length ? last.changedSeq : headSeq;
    return { messages, nextSeq, headSeq, epoch, reset: false };
  }

  #write(state: MessageState): MessageState {
    this.log.push(state);
    this.states.set(state.id, state);
    return state;
  }
}

export function wire({ roomId: _, replyTo, ...message }: MessageState) {
  const author = [ADA, ME].find(({ id }) => id === message.authorId) ?? null;
  return { ...message, author, replyTo: replyTo === null ? null : { id: replyTo } };
}
