import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ME as NOOR, ROOM, ServerRoom } from '../../../testing/room.ts';
import { changesFrom, pageFrom } from '../wire.ts';
import { buildRows } from './rows.ts';
import { type OwnSend, settle } from './sends.ts';
import {
  applyChange,
  applyChanges,
  applyOwn,
  begin,
  extend,
  isBehind,
  type MessageState,
  noteHead,
  type Page,
  type Timeline,
  trim,
} from './timeline.ts';

const EPOCH = 'e1';
const ME = NOOR.id;

const pageOf = (room: ServerRoom, pick: (all: MessageState[]) => MessageState[]) =>
  pageFrom(ROOM, room.connection(pick));
const changesOf = (room: ServerRoom, sinceSeq: number, first: number) =>
  changesFrom(ROOM, sinceSeq, room.changes(sinceSeq, first));
const write = (room: ServerRoom, authorId: string, clientMessageId: string) =>
  room.create(authorId, `text ${clientMessageId}`, clientMessageId);

type Step =
  | { do: 'create'; mine: boolean }
  | { do: 'change'; pick: number; deletes: boolean }
  | { do: 'push'; seq: number }
  | { do: 'own'; pick: number }
  | { do: 'ask'; first: number }
  | { do: 'page'; side: 'older' | 'newer' }
  | { do: 'answer'; pick: number }
  | { do: 'head' }
  | { do: 'unknown'; seq: number }
  | { do: 'trim'; side: 'older' | 'newer'; keep: number };

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('create' as const), mine: fc.boolean() }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('change' as const),
        pick: fc.nat({ max: 5 }),
        deletes: fc.boolean(),
      }),
    },
    {
      weight: 9,
      arbitrary: fc.record({ do: fc.constant('push' as const), seq: fc.nat({ max: 30 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('own' as const), pick: fc.nat({ max: 5 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('ask' as const),
        first: fc.integer({ min: 1, max: 4 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('page' as const),
        side: fc.constantFrom('older' as const, 'newer' as const),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('answer' as const), pick: fc.nat({ max: 5 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('head' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('unknown' as const), seq: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('trim' as const),
        side: fc.constantFrom('older' as const, 'newer' as const),
        keep: fc.integer({ min: 2, max: 6 }),
      }),
    },
  ),
  { maxLength: 120, size: 'max' },
);

function ask(room: ServerRoom, timeline: Timeline, side: 'older' | 'newer') {
  const edge = side === 'older' ? timeline.messages[0] : timeline.messages.at(-1);
  const open = side === 'older' ? timeline.hasOlder : timeline.hasNewer;
  if (!edge || !open || !timeline.cursors.has(edge.id)) return null;
  const page = pageOf(room, (all) =>
    side === 'older'
      ? all.filter(({ seq }) => seq < edge.seq).slice(-3)
      : all.filter(({ seq }) => seq > edge.seq).slice(0, 3),
  );
  return (held: Timeline) => extend(held, page, side, edge.id);
}

/**
 * What must hold at any moment: what last changed up to the position is held as
 * it stands now. (`changes` gives present states: a message that changes again
 * further on comes with that change.)
 */
function check(room: ServerRoom, timeline: Timeline): void {
  const { messages, position } = timeline;
  const seqs = messages.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  const low = timeline.hasOlder ? (messages[0]?.seq ?? Number.POSITIVE_INFINITY) : 0;
  const high = timeline.hasNewer ? (messages.at(-1)?.seq ?? 0) : Number.POSITIVE_INFINITY;
  const held = new Map(messages.map((message) => [message.id, message]));
  for (const state of room.all()) {
    if (state.seq < low || state.seq > high || state.changedSeq > position) continue;
    expect(held.get(state.id)?.changedSeq ?? -1).toBeGreaterThanOrEqual(state.changedSeq);
  }
}

function run(sequence: readonly Step[], seeded: number): { room: ServerRoom; timeline: Timeline } {
  const room = new ServerRoom(EPOCH);
  for (let i = 0; i < seeded; i += 1) write(room, 'other', `seed-${i}`);
  let timeline = begin(
    'r',
    pageOf(room, (all) => all.slice(-3)),
  );
  const answers: ((held: Timeline) => Timeline)[] = [];
  const own: MessageState[] = [];
  for (const step of sequence) {
    switch (step.do) {
      case 'create': {
        const message = write(room, step.mine ? ME : 'other', `c-${room.head}`);
        if (step.mine) own.push(message);
        break;
      }
      case 'change':
        room.change(step.pick, step.deletes);
        break;
      case 'push': {
        // Near the position more often than anywhere, as pushes are.
        const seq =
          step.seq % 3 === 0 ? step.seq % (room.head + 1) : timeline.position + (step.seq % 3);
        const message = room.log[seq - 1];
        if (message) timeline = applyChange(timeline, { seq, epoch: EPOCH, message });
        break;
      }
      case 'own': {
        const message = own.at(-1 - (step.pick % Math.max(1, own.length)));
        const { position } = timeline;
        if (message) timeline = applyOwn(timeline, message);
        expect(timeline.position).toBe(position);
        break;
      }
      case 'ask': {
        const answer = changesOf(room, timeline.position, step.first);
        answers.push((held) => applyChanges(held, answer));
        break;
      }
      case 'page': {
        const answer = ask(room, timeline, step.side);
        if (answer) answers.push(answer);
        break;
      }
      case 'answer': {
        const [answer] = answers.splice(step.pick % Math.max(1, answers.length), 1);
        if (answer) timeline = answer(timeline);
        break;
      }
      case 'head':
        timeline = noteHead(timeline, room.head, EPOCH);
        break;
      case 'unknown': {
        const seq = step.seq % (room.head + 1);
        if (seq > 0) timeline = applyChange(timeline, { seq, epoch: EPOCH, message: null });
        break;
      }
      case 'trim':
        timeline = trim(timeline, step.side, step.keep);
        break;
    }
    check(room, timeline);
  }
  for (const answer of answers) {
    timeline = answer(timeline);
    check(room, timeline);
  }
  return { room, timeline };
}

/** Asks as the page does, until nothing is missing. */
function catchUp(room: ServerRoom, start: Timeline): Timeline {
  let timeline = noteHead(start, room.head, EPOCH);
  for (let i = 0; isBehind(timeline); i += 1) {
    expect(i).toBeLessThan(1_000);
    timeline = applyChanges(timeline, changesOf(room, timeline.position, 3));
    check(room, timeline);
  }
  return timeline;
}

/** The properties take seconds, more on a loaded machine. */
const LONG_MS = 60_000;

describe('guarantee 4 on the screen: each message once and in order', { timeout: LONG_MS }, () => {
  test('whatever the interleaving of pushes, pages, changes and own sends', () => {
    fc.assert(
      fc.property(steps, fc.nat({ max: 6 }), (sequence, seeded) => {
        const { room, timeline } = run(sequence, seeded);
        const done = catchUp(room, timeline);
        expect(done.position).toBe(room.head);
        const low = done.hasOlder ? (done.messages[0]?.seq ?? 0) : 0;
        const high = done.hasNewer ? (done.messages.at(-1)?.seq ?? 0) : room.head;
        expect(done.messages).toEqual(room.all().filter(({ seq }) => seq >= low && seq <= high));
      }),
      { numRuns: 400 },
    );
  });

  test('and read to both ends, the whole room is there', () => {
    fc.assert(
      fc.property(steps, fc.nat({ max: 6 }), (sequence, seeded) => {
        const { room, timeline } = run(sequence, seeded);
        let all = catchUp(room, timeline);
        for (const side of ['older', 'newer'] as const) {
          for (let page = ask(room, all, side); page; page = ask(room, all, side)) all = page(all);
        }
        all = catchUp(room, all);
        if (!all.hasOlder && !all.hasNewer) expect(all.messages).toEqual(room.all());
      }),
      { numRuns: 150 },
    );
  });

  test('changes that came while the first page was on its way are not lost', () => {
    const room = new ServerRoom(EPOCH);
    write(room, 'other', 'a');
    const page = pageOf(room, (all) => all);
    const early = ['b', 'c'].map((id) => {
      const message = write(room, 'other', id);
      return { seq: message.seq, epoch: EPOCH, message };
    });
    const timeline = begin('r', page, early);
    expect(timeline.messages).toEqual(room.all());
    expect(timeline.position).toBe(3);
  });
});

describe('the position', () => {
  const room = new ServerRoom(EPOCH);
  for (const id of ['a', 'b', 'c', 'd', 'e']) write(room, 'other', id);
  const push = (seq: number) => {
    const message = room.log[seq - 1] ?? null;
    return { seq, epoch: EPOCH, message };
  };
  const firstTwo: Page = {
    ...pageOf(room, (all) => all.slice(0, 2)),
    headSeq: 2,
    hasNewer: false,
  };

  test('moves by the next change, and not by one further ahead', () => {
    const started = begin('r', firstTwo);
    expect(started.position).toBe(2);
    const gap = applyChange(started, push(4));
    expect(gap.position).toBe(2);
    expect(gap.messages).toHaveLength(2);
    expect(isBehind(gap)).toBe(true);
    const filled = applyChange(gap, push(3));
    expect(filled.position).toBe(4);
    expect(isBehind(filled)).toBe(false);
  });

  test('is not moved by a change at or below it', () => {
    const started = begin('r', firstTwo);
    expect(applyChange(started, push(1))).toBe(started);
    expect(applyChange(started, push(2))).toBe(started);
  });

  test('is set to nextSeq by changes', () => {
    const started = begin('r', firstTwo);
    expect(applyChanges(started, changesOf(room, 2, 2)).position).toBe(4);
    expect(applyChanges(started, changesOf(room, 2, 9)).position).toBe(5);
  });

  test('goes back with a page that was read before it', () => {
    const started = begin('r', {
      ...firstTwo,
      messages: firstTwo.messages.slice(1),
      hasOlder: true,
    });
    const moved = [3, 4, 5].reduce((held, seq) => applyChange(held, push(seq)), started);
    const page = { ...firstTwo, messages: firstTwo.messages.slice(0, 1), headSeq: 3 };
    const extended = extend(moved, page, 'older', 'e1/2');
    expect(extended.position).toBe(3);
    expect(isBehind(extended)).toBe(true);
  });

  test('is not moved by an answer of changes that was asked above it', () => {
    const started = begin(ROOM, {
      ...firstTwo,
      messages: firstTwo.messages.slice(1),
      hasOlder: true,
    });
    const moved = [3, 4].reduce((held, seq) => applyChange(held, push(seq)), started);
    const asked = changesOf(room, 4, 9);
    const page = { ...firstTwo, messages: firstTwo.messages.slice(0, 1), headSeq: 2 };
    const answered = applyChanges(extend(moved, page, 'older', 'e1/2'), asked);
    expect(answered.position).toBe(2);
    expect(isBehind(answered)).toBe(true);
  });

  test('a kind of change that this release does not know is asked for', () => {
    const unknown = applyChange(begin('r', firstTwo), { seq: 3, epoch: EPOCH, message: null });
    expect(unknown.position).toBe(2);
    expect(isBehind(unknown)).toBe(true);
  });

  test.each([
    ['a change', (held: Timeline) => applyChange(held, { ...push(3), epoch: 'e2' })],
    ['a head', (held: Timeline) => noteHead(held, 9, 'e2')],
    ['a page', (held: Timeline) => extend(held, { ...firstTwo, epoch: 'e2' }, 'older', 'e1/1')],
    [
      'an answer of changes',
      (held: Timeline) => applyChanges(held, { ...changesOf(room, 2, 9), epoch: 'e2' }),
    ],
    ['a reset', (held: Timeline) => applyChanges(held, { ...changesOf(room, 2, 9), reset: true })],
  ])('is forgotten with %s of another epoch, or a reset', (_, apply) => {
    const stale = apply(begin('r', firstTwo));
    expect(stale.stale).toBe(true);
    expect(stale.messages).toEqual(begin('r', firstTwo).messages);
  });
});

describe('own sends', () => {
  const own = (clientMessageId: string): OwnSend => ({
    clientMessageId,
    roomId: 'r',
    content: 'hello',
    replyTo: null,
    createdAt: '2026-01-01T10:00:00Z',
    state: 'sending',
    failure: null,
  });

  test('are shown once, whichever of push and answer comes first', () => {
    const room = new ServerRoom(EPOCH);
    write(room, 'other', 'a');
    const timeline = begin(
      'r',
      pageOf(room, (all) => all),
    );
    const message = write(room, ME, 'mine');
    const push = { seq: message.seq, epoch: EPOCH, message };
    for (const held of [
      applyOwn(applyChange(timeline, push), message),
      applyChange(applyOwn(timeline, message), push),
    ]) {
      const rows = buildRows({
        messages: held.messages,
        sends: [own('mine'), own('next')],
        me: ME,
        newAfter: null,
        hasOlder: false,
      });
      const shown = rows.filter(({ kind }) => kind === 'message' || kind === 'send');
      expect(shown.map(({ key }) => key)).toEqual(['other/a', `${ME}/mine`, `${ME}/next`]);
    }
  });

  test('that are accepted a second time show that the server began anew', () => {
    const room = new ServerRoom(EPOCH);
    write(room, ME, 'mine');
    const timeline = begin(
      ROOM,
      pageOf(room, (all) => all),
    );
    const again = { ...write(room, 'other', 'a'), authorId: ME, clientMessageId: 'mine' };
    expect(applyOwn(timeline, again)).toEqual({ ...timeline, stale: true });
  });

  test("are not settled by another author's message with the same id", () => {
    const room = new ServerRoom(EPOCH);
    write(room, 'other', 'mine');
    expect(settle([own('mine')], room.all(), ME)).toHaveLength(1);
    write(room, ME, 'mine');
    expect(settle([own('mine')], room.all(), ME)).toHaveLength(0);
  });
});
