import { describe, expect, test } from 'vitest';
import { buildRows } from './rows.ts';
import type { MessageState } from './timeline.ts';

function message(number: number, authorId: string, at: string): MessageState {
  return {
    id: `m${number}`,
    roomId: 'r',
    seq: number,
    number,
    changedSeq: number,
    authorId,
    content: 'hello',
    createdAt: new Date(`2026-03-0${at}`).toISOString(),
    editedAt: null,
    deletedAt: null,
    clientMessageId: null,
    replyTo: null,
  };
}

const shape = (messages: MessageState[], newAfter: number | null = null, hasOlder = false) =>
  buildRows({ messages, sends: [], me: 'me', newAfter, hasOlder }).map((row) =>
    row.kind === 'message' ? `${row.message.id}${row.leads ? '*' : ''}` : row.kind,
  );

describe('rows', () => {
  test('messages of one author within 5 minutes form a group', () => {
    expect(
      shape([
        message(1, 'a', '1T10:00:00'),
        message(2, 'a', '1T10:04:59'),
        message(3, 'a', '1T10:05:00'),
        message(4, 'b', '1T10:05:01'),
      ]),
    ).toEqual(['day', 'm1*', 'm2', 'm3*', 'm4*']);
  });

  test('a new day begins with its separator and a new group', () => {
    expect(shape([message(1, 'a', '1T23:59:00'), message(2, 'a', '2T00:01:00')])).toEqual([
      'day',
      'm1*',
      'day',
      'm2*',
    ]);
  });

  test('the New line stands before the first unread message of somebody else', () => {
    const messages = [
      message(1, 'a', '1T10:00:00'),
      message(2, 'me', '1T10:00:10'),
      message(3, 'a', '1T10:00:20'),
      message(4, 'a', '1T10:00:30'),
    ];
    expect(shape(messages, 1)).toEqual(['day', 'm1*', 'm2*', 'new', 'm3*', 'm4']);
    expect(shape(messages, 4)).toEqual(['day', 'm1*', 'm2*', 'm3*', 'm4']);
    expect(shape(messages.slice(1), 1, true)).toEqual(['day', 'm2*', 'new', 'm3*', 'm4']);
  });

  test('the New line is not drawn where its place is not loaded', () => {
    const messages = [message(8, 'a', '1T10:00:00'), message(9, 'a', '1T10:00:10')];
    expect(shape(messages, 3, true)).toEqual(['day', 'm8*', 'm9']);
  });
});
