// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { failure, type Server, stubServer } from '../../testing/server.ts';
import { useSession } from '../auth/session.ts';
import { receive } from './history.ts';
import { begin } from './model/timeline.ts';
import { discard, forgetSends, resumeSends, send, sendAgain } from './sending.ts';
import { clearTimelines, heldOf, setHeld } from './store.ts';

const ROOM = 'room';
const ME = { id: 'me', username: 'noor', displayName: 'Noor' };

interface Input {
  content: string;
  clientMessageId: string;
}

let server: Server;
/** What the server has accepted, by `clientMessageId`. */
let accepted: Map<string, ReturnType<typeof wire>>;

function wire({ content, clientMessageId }: Input, seq: number) {
  return {
    id: `m${seq}`,
    seq,
    number: seq,
    changedSeq: seq,
    authorId: ME.id,
    author: ME,
    content,
    createdAt: '2026-01-01T10:00:00Z',
    editedAt: null,
    deletedAt: null,
    clientMessageId,
    replyTo: null,
  };
}

function accept({ input }: Record<string, unknown>) {
  const asked = input as Input;
  const message = accepted.get(asked.clientMessageId) ?? wire(asked, accepted.size + 1);
  accepted.set(asked.clientMessageId, message);
  return message;
}

const shown = () => heldOf(ROOM).timeline?.messages.map(({ content }) => content) ?? [];
const idle = () => vi.waitFor(() => expect(heldOf(ROOM).sends).toEqual([]));
const failed = () =>
  vi.waitFor(() => {
    const [own] = heldOf(ROOM).sends;
    expect(own?.state).toBe('failed');
    return own;
  });

beforeEach(() => {
  useSession.setState({ status: 'signed-in', viewer: ME });
  accepted = new Map();
  server = stubServer();
  server.on('Send', (variables) => ({ data: { sendMessage: accept(variables) } }));
  const page = {
    messages: [],
    cursors: new Map(),
    headSeq: 0,
    epoch: 'e',
    hasOlder: false,
    hasNewer: false,
  };
  setHeld(ROOM, { timeline: begin(ROOM, page) });
});

afterEach(() => {
  forgetSends();
  clearTimelines();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('messages arrive in the order of Enter, one at a time', async () => {
  let running = 0;
  server.on('Send', async (variables) => {
    running += 1;
    expect(running).toBe(1);
    await Promise.resolve();
    running -= 1;
    return { data: { sendMessage: accept(variables) } };
  });
  for (const content of ['one', 'two', 'three']) send(ROOM, content);
  expect(heldOf(ROOM).sends.map(({ content }) => content)).toEqual(['one', 'two', 'three']);
  await idle();
  expect(shown()).toEqual(['one', 'two', 'three']);
});

test('an answer that was lost is asked for again with the same id, and shown once', async () => {
  vi.useFakeTimers();
  let lost = 1;
  server.on('Send', (variables) => {
    const sendMessage = accept(variables);
    return lost-- > 0 ? new TypeError('connection reset') : { data: { sendMessage } };
  });
  send(ROOM, 'once');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(heldOf(ROOM).sends).toEqual([]);
  expect(accepted.size).toBe(1);
  expect(shown()).toEqual(['once']);
});

test('the push may come before the answer', async () => {
  server.on('Send', (variables) => {
    const sendMessage = accept(variables);
    const { author: _, ...message } = sendMessage;
    receive(ROOM, { seq: 1, epoch: 'e', message: { ...message, roomId: ROOM } });
    expect(heldOf(ROOM).sends).toEqual([]);
    return { data: { sendMessage } };
  });
  send(ROOM, 'hello');
  await vi.waitFor(() => expect(shown()).toEqual(['hello']));
  await idle();
});

test('a refusal is not tried again by itself; the author can, or can let it go', async () => {
  server.on('Send', () => failure('FORBIDDEN'));
  send(ROOM, 'no');
  const own = await failed();
  expect(own?.failure).toBe('forbidden');
  expect(server.asked).toEqual(['Send']);
  server.on('Send', (variables) => ({ data: { sendMessage: accept(variables) } }));
  if (own) sendAgain(own);
  await idle();
  expect([...accepted.keys()]).toEqual([own?.clientMessageId]);
});

test('what fails does not hold up what follows', async () => {
  server.on('Send', (variables) =>
    (variables.input as Input).content === 'bad'
      ? failure('BAD_USER_INPUT')
      : { data: { sendMessage: accept(variables) } },
  );
  send(ROOM, 'bad');
  send(ROOM, 'good');
  await vi.waitFor(() => expect(shown()).toEqual(['good']));
  const own = await failed();
  expect(own?.failure).toBe('refused');
  if (own) discard(own);
  expect(heldOf(ROOM).sends).toEqual([]);
});

test('a reload takes up what was unsent, with its id; another user does not get it', async () => {
  server.on('Send', () => failure('FORBIDDEN'));
  send(ROOM, 'kept');
  const own = await failed();
  clearTimelines();
  useSession.setState({ viewer: { ...ME, id: 'other' } });
  resumeSends();
  expect(heldOf(ROOM).sends).toEqual([]);
  useSession.setState({ viewer: ME });
  server.on('Send', (variables) => ({ data: { sendMessage: accept(variables) } }));
  resumeSends();
  await idle();
  expect([...accepted.keys()]).toEqual([own?.clientMessageId]);
});
