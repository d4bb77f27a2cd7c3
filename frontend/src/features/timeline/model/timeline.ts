/**
 * A room's timeline as one ordered list, and its position: every change up to
 * the position has been applied to the range that is held. Pure functions over
 * immutable values; whoever calls them does the asking.
 *
 * What moves the position: the page that begins a timeline (to its `headSeq`),
 * an answer of `changes` (to its `nextSeq`), and the change at position + 1. A
 * further page that was read earlier than the position takes it back to its own
 * `headSeq`, so that `changes` brings what that page could not know. The answer
 * to an own send is shown and moves nothing.
 */

/** A message's whole present state. */
export interface MessageState {
  id: string;
  roomId: string;
  /** The change that made it: its place in the timeline. */
  seq: number;
  /** Its place among the room's messages. */
  number: number;
  /** The latest change to it: of two states the higher stands. */
  changedSeq: number;
  authorId: string;
  content: string;
  createdAt: string;
  editedAt: string | null;
  deletedAt: string | null;
  clientMessageId: string | null;
  replyTo: string | null;
}

/** A change that was pushed; without a message when this release does not know its kind. */
export interface Change {
  seq: number;
  epoch: string;
  message: MessageState | null;
}

/** Messages that follow each other without a hole, read together with the room's head. */
export interface Page {
  messages: readonly MessageState[];
  /** Where to read on from a message, by its id. */
  cursors: ReadonlyMap<string, string>;
  headSeq: number;
  epoch: string;
  hasOlder: boolean;
  hasNewer: boolean;
}

/** What `changes` answers. */
export interface ChangesAnswer {
  /** What was asked: changes above this. */
  sinceSeq: number;
  messages: readonly MessageState[];
  nextSeq: number;
  headSeq: number;
  epoch: string;
  /** Too much is missing: load pages anew. */
  reset: boolean;
}

export interface Timeline {
  roomId: string;
  epoch: string;
  position: number;
  /** The highest change known to exist; above the position, something is missing. */
  head: number;
  /** By `seq`, each id once. */
  messages: readonly MessageState[];
  hasOlder: boolean;
  hasNewer: boolean;
  cursors: ReadonlyMap<string, string>;
  /** Changes that came before those below them, by `seq`. */
  ahead: readonly Change[];
  /** The server began anew: drop everything and load. */
  stale: boolean;
}

/** How many changes may wait for a missing one; `changes` brings the rest. */
const MAX_AHEAD = 256;

/** Begins a timeline; `early` are changes that came while the page was on its way. */
export function begin(roomId: string, page: Page, early: readonly Change[] = []): Timeline {
  const empty: Timeline = {
    roomId,
    epoch: page.epoch,
    position: page.headSeq,
    head: page.headSeq,
    messages: [],
    hasOlder: page.hasOlder,
    hasNewer: page.hasNewer,
    cursors: page.cursors,
    ahead: [],
    stale: false,
  };
  const begun = { ...empty, messages: merge([], page.messages) };
  return early
    .filter((change) => change.epoch === page.epoch)
    .reduce((timeline, change) => applyChange(timeline, change), begun);
}

/** Adds the page that adjoins the held range at `anchorId`; another is ignored. */
export function extend(
  timeline: Timeline,
  page: Page,
  side: 'older' | 'newer',
  anchorId: string,
): Timeline {
  if (page.epoch !== timeline.epoch) return { ...timeline, stale: true };
  const edge = side === 'older' ? timeline.messages[0] : timeline.messages.at(-1);
  if (edge?.id !== anchorId) return timeline;
  return {
    ...timeline,
    messages: merge(timeline.messages, page.messages),
    cursors: new Map([...timeline.cursors, ...page.cursors]),
    hasOlder: side === 'older' ? page.hasOlder : timeline.hasOlder,
    hasNewer: side === 'newer' ? page.hasNewer : timeline.hasNewer,
    position: Math.min(timeline.position, page.headSeq),
    head: Math.max(timeline.head, timeline.position, page.headSeq),
  };
}

/** Applies a pushed change: the next one moves the position, an old one is dropped. */
export function applyChange(timeline: Timeline, change: Change): Timeline {
  if (change.epoch !== timeline.epoch) return { ...timeline, stale: true };
  if (change.seq <= timeline.position) return timeline;
  const head = Math.max(timeline.head, change.seq);
  if (change.seq === timeline.position + 1 && change.message) {
    return drain(put({ ...timeline, head, position: change.seq }, [change.message]));
  }
  if (!change.message || timeline.ahead.some((waiting) => waiting.seq === change.seq)) {
    return { ...timeline, head };
  }
  const ahead = [...timeline.ahead, change].sort((a, b) => a.seq - b.seq).slice(0, MAX_AHEAD);
  return { ...timeline, head, ahead };
}

/** Applies an answer of `changes`. */
export function applyChanges(timeline: Timeline, answer: ChangesAnswer): Timeline {
  if (answer.reset || answer.epoch !== timeline.epoch) return { ...timeline, stale: true };
  const known = put(timeline, answer.messages);
  // A page may have taken the position back below what was asked.
  const joins = answer.sinceSeq <= timeline.position;
  return drain({
    ...known,
    position: joins ? Math.max(timeline.position, answer.nextSeq) : timeline.position,
    head: Math.max(timeline.head, answer.headSeq, answer.nextSeq),
  });
}

/** Shows the answer to an own send, edit or deletion. */
export function applyOwn(timeline: Timeline, message: MessageState): Timeline {
  // One send has become two messages: only a server that began anew accepts it again.
  const other = timeline.messages.some(
    ({ id, authorId, clientMessageId }) =>
      clientMessageId !== null &&
      clientMessageId === message.clientMessageId &&
      authorId === message.authorId &&
      id !== message.id,
  );
  return other ? { ...timeline, stale: true } : put(timeline, [message]);
}

/** Learns from elsewhere how far the room has come. */
export function noteHead(timeline: Timeline, headSeq: number, epoch: string): Timeline {
  if (epoch !== timeline.epoch) return { ...timeline, stale: true };
  return headSeq > timeline.head ? { ...timeline, head: headSeq } : timeline;
}

/** Whether `changes` has something to bring. */
export function isBehind(timeline: Timeline): boolean {
  return timeline.head > timeline.position;
}

/**
 * Lets go of messages at one end until about `keep` are left, at a message from
 * which reading on is possible; without one, nothing changes.
 */
export function trim(timeline: Timeline, side: 'older' | 'newer', keep: number): Timeline {
  const { messages, cursors } = timeline;
  if (messages.length <= keep) return timeline;
  if (side === 'older') {
    let from = messages.length - keep;
    while (from > 0 && !cursors.has(messages[from]?.id ?? '')) from -= 1;
    return from === 0 ? timeline : cut(timeline, messages.slice(from), { hasOlder: true });
  }
  let to = keep;
  while (to < messages.length && !cursors.has(messages[to - 1]?.id ?? '')) to += 1;
  return to === messages.length
    ? timeline
    : cut(timeline, messages.slice(0, to), { hasNewer: true });
}

function cut(
  timeline: Timeline,
  messages: readonly MessageState[],
  ends: Partial<Pick<Timeline, 'hasOlder' | 'hasNewer'>>,
): Timeline {
  const cursors = new Map<string, string>();
  for (const { id } of messages) {
    const cursor = timeline.cursors.get(id);
    if (cursor !== undefined) cursors.set(id, cursor);
  }
  return { ...timeline, ...ends, messages, cursors };
}

function drain(timeline: Timeline): Timeline {
  let { position } = timeline;
  const ready: MessageState[] = [];
  const ahead: Change[] = [];
  for (const change of timeline.ahead) {
    if (change.seq <= position) continue;
    if (change.seq === position + 1 && change.message) {
      ready.push(change.message);
      position = change.seq;
    } else {
      ahead.push(change);
    }
  }
  if (ready.length === 0 && ahead.length === timeline.ahead.length) return timeline;
  return put({ ...timeline, position, ahead }, ready);
}

/** Takes in states of messages that belong to the held range. */
function put(timeline: Timeline, states: readonly MessageState[]): Timeline {
  const first = timeline.messages[0];
  const last = timeline.messages.at(-1);
  const held = states.filter(
    ({ seq }) =>
      (!timeline.hasOlder || (first !== undefined && seq >= first.seq)) &&
      (!timeline.hasNewer || (last !== undefined && seq <= last.seq)),
  );
  if (held.length === 0) return timeline;
  return { ...timeline, messages: merge(timeline.messages, held) };
}

/** One list by `seq`; of two states of a message the higher `changedSeq` stands. */
function merge(
  held: readonly MessageState[],
  states: readonly MessageState[],
): readonly MessageState[] {
  const byId = new Map(held.map((message) => [message.id, message]));
  let changed = false;
  for (const state of states) {
    const known = byId.get(state.id);
    if (known && known.changedSeq >= state.changedSeq) continue;
    byId.set(state.id, state);
    changed = true;
  }
  return changed ? [...byId.values()].sort((a, b) => a.seq - b.seq) : held;
}
