// @vitest-environment jsdom
import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SendMessageInput } from '../../gql/graphql.ts';
import { RequestError } from '../../shared/graphql/errors.ts';
import { Turns } from '../../testing/turns.ts';

const ROOM = 'room';
const ME = { id: 'me', username: 'noor', displayName: 'Noor' };
const LONG_MS = 120_000;
const PATIENCE = { timeout: 20_000, interval: 2 };

/** What becomes of an attempt. */
type Fate = 'answered' | 'lost before' | 'lost after' | 'hangs';

/** A tab as the server sees it: it sends one message at a time. */
interface Sender {
  closed: boolean;
}

class Server {
  accepted: SendMessageInput[] = [];
  /** The most requests that open tabs have had under way at once. */
  most = 0;
  readonly #running = new Set<Sender>();
  fates: Fate[] = [];

  async take(input: SendMessageInput, sender: Sender): Promise<unknown> {
    this.#running.add(sender);
    this.most = Math.max(this.most, [...this.#running].filter(({ closed }) => !closed).length);
    const fate = this.fates.shift() ?? 'answered';
    await new Promise((resume) => setTimeout(resume, 0));
    this.#running.delete(sender);
    if (fate === 'lost before') throw new RequestError('NETWORK', 'no answer');
    const id = input.clientMessageId;
    let at = this.accepted.findIndex((one) => one.clientMessageId === id);
    if (at < 0) at = this.accepted.push(input) - 1;
    if (fate === 'lost after') throw new RequestError('NETWORK', 'no answer');
    if (fate === 'hangs') await new Promise(() => {});
    const seq = at + 1;
    return {
      id: `m${seq}`,
      seq,
      number: seq,
      changedSeq: seq,
      authorId: ME.id,
      author: ME,
      content: input.content,
      createdAt: '2026-01-01T10:00:00Z',
      editedAt: null,
      deletedAt: null,
      clientMessageId: id,
      replyTo: null,
    };
  }

  get contents(): string[] {
    return this.accepted.map(({ content }) => content);
  }
}

interface Tab {
  send(content: string): void;
  /** Contents and states of what is unsent. */
  unsent(): string[];
  /** Messages of the timeline. */
  shown(): string[];
  close(): void;
}

let server: Server;
let turns: Turns;
let open: Tab[];

/**
 * A tab: the modules once more, with the database and the server of the others.
 * The stand-ins are never taken back: vitest puts them up and takes them down
 * in no certain order.
 */
async function openTab({ locks = true } = {}): Promise<Tab> {
  const self: Sender = { closed: false };
  vi.resetModules();
  vi.doMock('../../shared/turns.ts', () => ({
    haveTurns: locks,
    inTurn: locks ? turns.of(self) : (_: string, work: () => Promise<void>) => work(),
  }));
  vi.doMock('../../shared/graphql/request.ts', () => ({
    setTokenSource: () => {},
    request: async (_: unknown, { input }: { input: SendMessageInput }) => {
      if (self.closed) return new Promise(() => {});
      // A closed tab hears nothing any more.
      const outlive =
        <Result>(end: (to: Result) => void) =>
        (to: Result) =>
          self.closed || end(to);
      return new Promise((resolve, reject) => {
        server.take(input, self).then(
          (sendMessage) => outlive(resolve)({ sendMessage }),
          (error) => outlive(reject)(error),
        );
      });
    },
  }));
  vi.doMock('./model/sends.ts', async (original) => ({
    ...(await original<object>()),
    pauseAfter: () => 1,
  }));
  const [sending, store, session, model] = await Promise.all([
    import('./sending.ts'),
    import('./store.ts'),
    import('../auth/session.ts'),
    import('./model/timeline.ts'),
  ]);
  session.useSession.setState({ status: 'signed-in', viewer: ME });
  const page = { messages: [], cursors: new Map(), hasOlder: false, hasNewer: false };
  store.setHeld(ROOM, { timeline: model.begin(ROOM, { ...page, headSeq: 0, epoch: 'e' }) });
  await sending.resumeSends();
  const tab: Tab = {
    send: (content) => void sending.send(ROOM, content),
    unsent: () => store.heldOf(ROOM).sends.map(({ content, state }) => `${content}: ${state}`),
    shown: () => store.heldOf(ROOM).timeline?.messages.map(({ content }) => content) ?? [],
    close: () => {
      self.closed = true;
      turns.close(self);
      sending.forgetSends();
      session.useSession.setState({ status: 'anonymous', viewer: null });
      open = open.filter((other) => other !== tab);
    },
  };
  open.push(tab);
  return tab;
}

const unstored = async () => {
  const { listUnsent } = await import('./unsent.ts');
  return listUnsent(ME.id);
};

beforeEach(() => {
  server = new Server();
  turns = new Turns();
  open = [];
});

afterEach(async () => {
  for (const tab of open) tab.close();
  const { clearUnsent } = await import('./unsent.ts');
  await clearUnsent(ME.id);
});

test('what one tab sends is seen on its way, and as accepted, in the others', async () => {
  const [first, second] = [await openTab(), await openTab()];
  server.fates = ['lost before', 'lost before', 'lost before', 'answered'];
  first.send('hello');
  await vi.waitFor(() => expect(second.unsent()).toEqual(['hello: waiting']), PATIENCE);
  await vi.waitFor(() => {
    for (const tab of [first, second]) {
      expect(tab.unsent()).toEqual([]);
      expect(tab.shown()).toEqual(['hello']);
    }
  }, PATIENCE);
  expect(await unstored()).toEqual([]);
});

test('a tab that is closed in the middle of sending leaves it to another, with its id', async () => {
  const [first, second] = [await openTab(), await openTab()];
  server.fates = ['hangs'];
  first.send('one');
  first.send('two');
  await vi.waitFor(() => {
    expect(server.contents).toEqual(['one']);
    expect(second.unsent()).toEqual(['one: sending', 'two: sending']);
  }, PATIENCE);
  first.close();
  await vi.waitFor(() => expect(second.shown()).toEqual(['one', 'two']), PATIENCE);
  expect(server.contents).toEqual(['one', 'two']);
});

test('a tab that is opened later takes up what a closed one left', async () => {
  const first = await openTab();
  server.fates = ['lost before', 'hangs'];
  first.send('left');
  await vi.waitFor(() => expect(server.contents).toEqual(['left']), PATIENCE);
  expect(first.unsent()).toEqual(['left: waiting']);
  first.close();
  const second = await openTab();
  await vi.waitFor(() => expect(second.unsent()).toEqual([]), PATIENCE);
  expect(server.contents).toEqual(['left']);
});

test('without locks each tab sends what it made, and a repetition does no harm', async () => {
  const first = await openTab({ locks: false });
  server.fates = ['hangs'];
  first.send('one');
  await vi.waitFor(() => expect(server.contents).toEqual(['one']), PATIENCE);
  const second = await openTab({ locks: false });
  second.send('two');
  await vi.waitFor(() => expect(second.unsent()).toEqual([]), PATIENCE);
  expect(server.contents).toEqual(['one', 'two']);
});

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), tab: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('open' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), tab: fc.nat(3) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(6) }) },
  ),
  { minLength: 5, maxLength: 25 },
);
const fates = fc.array(fc.constantFrom<Fate>('answered', 'answered', 'lost before', 'lost after'), {
  maxLength: 30,
});

test(
  'guarantee 3 in the browser: whatever tabs open and close and answers are lost, each message arrives once, in the order of Enter',
  async () => {
    await fc.assert(
      fc.asyncProperty(steps, fates, async (sequence, fortune: readonly Fate[]) => {
        server = new Server();
        turns = new Turns();
        server.fates = [...fortune];
        const sent: string[][] = [];
        const writers = new Map<Tab, string[]>();
        await openTab();
        for (const step of sequence) {
          const tab = open[('tab' in step ? step.tab : 0) % Math.max(1, open.length)];
          switch (step.do) {
            case 'open':
              if (open.length < 3) await openTab();
              break;
            case 'send': {
              if (!tab) break;
              const own = writers.get(tab) ?? [];
              if (own.length === 0) sent.push(own);
              writers.set(tab, own);
              own.push(`${sent.indexOf(own)}.${own.length}`);
              tab.send(own.at(-1) ?? '');
              break;
            }
            case 'close':
              // What was typed in the very last moment is in the database by now.
              await unstored();
              tab?.close();
              break;
            case 'wait':
              await new Promise((resume) => setTimeout(resume, step.ms));
              break;
          }
        }
        if (open.length === 0) await openTab();
        await vi.waitFor(async () => expect(await unstored()).toEqual([]), PATIENCE);
        for (const own of sent) {
          const writer = own[0]?.split('.')[0];
          expect(server.contents.filter((content) => content.split('.')[0] === writer)).toEqual(
            own,
          );
        }
        expect(server.most).toBeLessThanOrEqual(1);
        await vi.waitFor(() => {
          for (const tab of open) expect(tab.unsent()).toEqual([]);
        }, PATIENCE);
        for (const tab of [...open]) tab.close();
      }),
      { numRuns: 40 },
    );
  },
  LONG_MS,
);
