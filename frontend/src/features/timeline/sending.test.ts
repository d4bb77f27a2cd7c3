// @vitest-environment jsdom
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { failure, type Server, stubServer } from '../../testing/server.ts';
import { useSession } from '../auth/session.ts';
import { receive } from './history.ts';
import { begin } from './model/timeline.ts';
import {
  countUnsent,
  discard,
  discardUnsent,
  forgetSends,
  MAX_UNSENT,
  resumeSends,
  send,
  sendAgain,
} from './sending.ts';
import { clearTimelines, heldOf, setHeld } from './store.ts';
import { addUnsent, clearAbandoned, clearUnsent, listUnsent } from './unsent.ts';

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
/** Long enough for the pauses between attempts. */
const PATIENCE = { timeout: 10_000 };
const idle = () =>
  vi.waitFor(async () => {
    expect(heldOf(ROOM).sends).toEqual([]);
    expect(await listUnsent(ME.id)).toEqual([]);
  }, PATIENCE);
const failed = () =>
  vi.waitFor(() => {
    const [own] = heldOf(ROOM).sends;
    expect(own?.state).toBe('failed');
    return own;
  });
const waiting = (failure: string) =>
  vi.waitFor(async () => {
    expect(heldOf(ROOM).sends[0]).toMatchObject({ state: 'waiting', failure });
    expect(await listUnsent(ME.id)).toMatchObject([{ state: 'waiting', failure }]);
  });
/** As a page that is loaded anew. */
const reload = () => {
  forgetSends();
  clearTimelines();
};

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

afterEach(async () => {
  reload();
  for (const user of [ME.id, 'other']) await clearUnsent(user);
  vi.restoreAllMocks();
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
  let lost = 2;
  server.on('Send', (variables) => {
    const sendMessage = accept(variables);
    return lost-- > 0 ? new TypeError('connection reset') : { data: { sendMessage } };
  });
  send(ROOM, 'once');
  await idle();
  expect(server.asked).toEqual(['Send', 'Send', 'Send']);
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

test('what waits is tried again, and holds up what follows in its room', async () => {
  server.on('Send', () => failure('UNAVAILABLE'));
  send(ROOM, 'one');
  await waiting('unreachable');
  send('another', 'elsewhere');
  await vi.waitFor(() => expect(server.asked.length).toBeGreaterThanOrEqual(2));
  server.on('Send', (variables) => ({ data: { sendMessage: accept(variables) } }));
  send(ROOM, 'two');
  await idle();
  expect(shown().filter((content) => content !== 'elsewhere')).toEqual(['one', 'two']);
});

test('coming online sends at once', async () => {
  server.on('Send', () => new TypeError('no network'));
  vi.spyOn(Math, 'random').mockReturnValue(0.999);
  vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
  await resumeSends();
  send(ROOM, 'from the tunnel');
  await waiting('offline');
  await vi.waitFor(() => expect(server.asked.length).toBe(3), PATIENCE);
  // The next attempt is 4 s away.
  server.on('Send', (variables) => ({ data: { sendMessage: accept(variables) } }));
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const before = Date.now();
  dispatchEvent(new Event('online'));
  await idle();
  expect(Date.now() - before).toBeLessThan(3_000);
});

test('a wait that the server asked for is kept', async () => {
  server.on('Send', () => failure('RATE_LIMITED', { retryAfterMs: 1_500 }));
  send(ROOM, 'a lot');
  await waiting('busy');
  const [own] = heldOf(ROOM).sends;
  if (own) sendAgain(own);
  dispatchEvent(new Event('online'));
  await new Promise((resume) => setTimeout(resume, 1_000));
  expect(server.asked).toHaveLength(1);
  server.on('Send', (variables) => ({ data: { sendMessage: accept(variables) } }));
  await idle();
});

test('an expired token while nobody renews it is waited out', async () => {
  server.on('Send', () => failure('UNAUTHENTICATED'));
  send(ROOM, 'patience');
  await waiting('unreachable');
  server.on('Send', (variables) => ({ data: { sendMessage: accept(variables) } }));
  await idle();
});

test('a reload takes up what was unsent, with its id; another user does not get it', async () => {
  server.on('Send', () => failure('UNAVAILABLE'));
  send(ROOM, 'kept');
  send(ROOM, 'kept too');
  await vi.waitFor(() => expect(server.asked).toHaveLength(1));
  const ids = heldOf(ROOM).sends.map(({ clientMessageId }) => clientMessageId);
  reload();
  useSession.setState({ viewer: { ...ME, id: 'other' } });
  await resumeSends();
  expect(heldOf(ROOM).sends).toEqual([]);
  useSession.setState({ viewer: ME });
  server.on('Send', (variables) => ({ data: { sendMessage: accept(variables) } }));
  await resumeSends();
  await idle();
  expect([...accepted.keys()]).toEqual(ids);
});

test('a refusal stays over a reload, with its reason', async () => {
  server.on('Send', () => failure('FORBIDDEN'));
  send(ROOM, 'no');
  await failed();
  reload();
  await resumeSends();
  expect(heldOf(ROOM).sends).toMatchObject([{ state: 'failed', failure: 'forbidden' }]);
  expect(server.asked).toEqual(['Send']);
});

test('what a page shows as accepted is not sent again after a reload', async () => {
  server.on('Send', (variables) => {
    accept(variables);
    return new TypeError('connection reset');
  });
  send(ROOM, 'arrived');
  await waiting('unreachable');
  reload();
  const [message] = accepted.values();
  if (!message) throw new Error('nothing was accepted');
  const { author: _, ...state } = message;
  const page = {
    messages: [{ ...state, roomId: ROOM }],
    cursors: new Map(),
    headSeq: 1,
    epoch: 'e',
    hasOlder: false,
    hasNewer: false,
  };
  setHeld(ROOM, { timeline: begin(ROOM, page) });
  await resumeSends();
  await idle();
  expect(server.asked).toEqual(['Send']);
  expect(shown()).toEqual(['arrived']);
});

test('an answer from before a restore is not shown, and the message is sent once more', async () => {
  let answer = () => {};
  server.on('Send', async (variables) => {
    const sendMessage = accept(variables);
    if (accepted.size === 1 && server.asked.length === 1) {
      await new Promise<void>((resume) => {
        answer = resume;
      });
    }
    return { data: { sendMessage } };
  });
  send(ROOM, 'taken back');
  await vi.waitFor(() => expect(accepted.size).toBe(1));
  accepted.clear();
  const page = { messages: [], cursors: new Map(), hasOlder: false, hasNewer: false };
  setHeld(ROOM, { timeline: begin(ROOM, { ...page, headSeq: 0, epoch: 'restored' }) });
  answer();
  await idle();
  expect(server.asked).toEqual(['Send', 'Send']);
  expect([...accepted.values()].map(({ content }) => content)).toEqual(['taken back']);
  expect(shown()).toEqual(['taken back']);
});

test('no more than so many wait', async () => {
  server.on('Send', () => failure('UNAVAILABLE'));
  for (let n = 0; n < MAX_UNSENT; n += 1) expect(send(ROOM, `line ${n}`)).toBe(true);
  expect(send(ROOM, 'one too many')).toBe(false);
  expect(countUnsent()).toBe(MAX_UNSENT);
  await vi.waitFor(async () => expect(await listUnsent(ME.id)).toHaveLength(MAX_UNSENT), PATIENCE);
});

test('logging out discards all of it, and only that', async () => {
  server.on('Send', () => failure('UNAVAILABLE'));
  await addUnsent('other', {
    clientMessageId: 'theirs',
    roomId: ROOM,
    content: 'theirs',
    replyTo: null,
    createdAt: new Date().toISOString(),
    state: 'sending',
    failure: null,
  });
  send(ROOM, 'unsent');
  await waiting('unreachable');
  await discardUnsent();
  expect(heldOf(ROOM).sends).toEqual([]);
  expect(await listUnsent(ME.id)).toEqual([]);
  await clearAbandoned(ME.id);
  expect(await listUnsent('other')).toHaveLength(1);
  vi.setSystemTime(Date.now() + 31 * 24 * 60 * 60_000);
  await clearAbandoned(ME.id);
  expect(await listUnsent('other')).toEqual([]);
});

test('without a database it works while the tab lives', async () => {
  vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
    throw new DOMException('no space', 'QuotaExceededError');
  });
  let lost = 1;
  server.on('Send', (variables) =>
    lost-- > 0 ? failure('UNAVAILABLE') : { data: { sendMessage: accept(variables) } },
  );
  for (const content of ['one', 'two']) send(ROOM, content);
  await idle();
  expect(shown()).toEqual(['one', 'two']);
});
