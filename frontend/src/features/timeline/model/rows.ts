/** What the log shows, row by row: days, the New line, messages in groups, own sends. */

import { type OwnSend, settle } from './sends.ts';
import type { MessageState } from './timeline.ts';

export type Row =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'new'; key: string }
  | { kind: 'message'; key: string; message: MessageState; leads: boolean }
  | { kind: 'send'; key: string; send: OwnSend; leads: boolean };

/** Messages of one author within this time form a group. */
const GROUP_MS = 5 * 60_000;

export interface RowsInput {
  messages: readonly MessageState[];
  sends: readonly OwnSend[];
  me: string;
  /** The number after which messages are new; null: no line. */
  newAfter: number | null;
  /** More stands above: a line there is not drawn in the wrong place. */
  hasOlder: boolean;
}

export function buildRows({ messages, sends, me, newAfter, hasOlder }: RowsInput): Row[] {
  const rows: Row[] = [];
  let day = '';
  let author = '';
  let groupAt = 0;
  const [first] = messages;
  const lineInRange = newAfter !== null && (!hasOlder || (first?.number ?? 0) <= newAfter + 1);
  let lineDrawn = !lineInRange;

  const dayOf = (at: Date, iso: string, follows: string) => {
    const today = `${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()}`;
    if (today === day) return;
    day = today;
    author = '';
    rows.push({ kind: 'day', key: `day/${follows}`, at: iso });
  };
  const leads = (by: string, at: number) => {
    const starts = by !== author || at - groupAt >= GROUP_MS;
    if (starts) groupAt = at;
    author = by;
    return starts;
  };

  for (const message of messages) {
    const at = new Date(message.createdAt);
    const key = rowKey(message);
    dayOf(at, message.createdAt, key);
    if (!lineDrawn && message.number > (newAfter ?? 0) && message.authorId !== me) {
      lineDrawn = true;
      author = '';
      rows.push({ kind: 'new', key: 'new' });
    }
    rows.push({
      kind: 'message',
      key,
      message,
      leads: leads(message.authorId, at.getTime()),
    });
  }
  for (const send of settle(sends, messages, me)) {
    const at = new Date(send.createdAt);
    const key = `${me}/${send.clientMessageId}`;
    dayOf(at, send.createdAt, key);
    rows.push({
      kind: 'send',
      key,
      send,
      leads: leads(me, at.getTime()),
    });
  }
  return rows;
}

/** The same for a send and the message that it becomes, so that its row stays. */
function rowKey(message: MessageState): string {
  return message.clientMessageId ? `${message.authorId}/${message.clientMessageId}` : message.id;
}
