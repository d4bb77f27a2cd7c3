import { expect, test } from 'vitest';
import { readPublication } from './events.ts';

const ABOUT = { room: 'r', epoch: 'e', time: '2026-01-01T00:00:00Z' };
const MESSAGE = {
  id: 'm',
  roomId: 'r',
  seq: 4,
  number: 3,
  changedSeq: 4,
  authorId: 'u',
  content: 'hello',
  createdAt: '2026-01-01T00:00:00Z',
  clientMessageId: 'c',
};

const read = (...events: unknown[]) => readPublication({ v: 1, events });

test('a message is read with its author; absent fields are null', () => {
  const author = { id: 'u', username: 'ada', displayName: 'Ada', later: true };
  expect(read({ ...ABOUT, type: 'message.created', seq: 4, message: MESSAGE, author })).toEqual([
    {
      ...ABOUT,
      type: 'message',
      created: true,
      seq: 4,
      message: { ...MESSAGE, editedAt: null, deletedAt: null, replyTo: null },
      author: { id: 'u', username: 'ada', displayName: 'Ada' },
    },
  ]);
});

test('a kind that is not known, or cannot be read, keeps its place in the order', () => {
  expect(
    read(
      { ...ABOUT, type: 'message.painted', seq: 5 },
      { ...ABOUT, type: 'message.edited', seq: 6, message: { id: 'm' } },
    ),
  ).toEqual([
    { ...ABOUT, type: 'unknown', seq: 5 },
    { ...ABOUT, type: 'unknown', seq: 6 },
  ]);
});

test('what says nothing is left out', () => {
  expect(read(null, 7, {}, { type: 'tick' }, { ...ABOUT, type: 'wave' })).toEqual([
    { type: 'tick' },
  ]);
  for (const data of [null, 'x', {}, { v: 2, events: [] }, { v: 1, events: {} }]) {
    expect(readPublication(data)).toEqual([]);
  }
});

test.each([-1, 1.5, '4', 2 ** 53, Number.NaN])('a seq of %s is none', (seq) => {
  expect(read({ ...ABOUT, type: 'message.created', seq, message: MESSAGE })).toEqual([]);
});

test('a head says what it knows, and moves no position', () => {
  const silent = {
    number: null,
    version: null,
    lastMessageAt: null,
    preview: undefined,
    memberCount: null,
  };
  expect(
    read(
      { ...ABOUT, type: 'head', headSeq: 7 },
      { ...ABOUT, type: 'head', version: 3 },
      { ...ABOUT, type: 'head', headSeq: 7, number: 5, lastMessageAt: 't', preview: 'hello' },
      { ...ABOUT, type: 'head', headSeq: 7, preview: null, memberCount: 9 },
      { ...ABOUT, type: 'head', number: 5 },
    ),
  ).toEqual([
    { ...ABOUT, ...silent, type: 'head', headSeq: 7 },
    { ...ABOUT, ...silent, type: 'head', headSeq: null, version: 3 },
    {
      ...ABOUT,
      ...silent,
      type: 'head',
      headSeq: 7,
      number: 5,
      lastMessageAt: 't',
      preview: 'hello',
    },
    { ...ABOUT, ...silent, type: 'head', headSeq: 7, preview: null, memberCount: 9 },
  ]);
});

test('how events come is read of joinings and crossings', () => {
  expect(
    read(
      { ...ABOUT, type: 'joined', version: 3, mode: 'room' },
      { ...ABOUT, type: 'fanout', version: 4, mode: 'personal', visibility: 'public' },
      { ...ABOUT, type: 'fanout', version: 5 },
    ),
  ).toEqual([
    { ...ABOUT, type: 'joined', version: 3, mode: 'ROOM' },
    { ...ABOUT, type: 'fanout', version: 4, mode: 'PERSONAL' },
  ]);
});

test('typing and presence are read without an epoch; numbers or names, not both', () => {
  const user = { id: 'u', username: 'ada', displayName: 'Ada' };
  expect(
    read(
      { type: 'typing', room: 'r', user },
      { type: 'typing', room: 'r', from: 'rooms-1', count: 12 },
      { type: 'typing', room: 'r', count: 12 },
      { type: 'online', room: 'r', count: 9_204 },
      { type: 'online', room: 'r', count: -1 },
    ),
  ).toEqual([
    { type: 'typing', room: 'r', user },
    { type: 'typing.count', room: 'r', from: 'rooms-1', count: 12 },
    { type: 'online', room: 'r', count: 9_204 },
  ]);
});
