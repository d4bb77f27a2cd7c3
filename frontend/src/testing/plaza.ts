/** Plaza as one tab sees it: rooms of both modes, what it answers, and what its publisher sends. */

import { type Hub, PERSONAL, type Verdict } from './centrifugo.ts';
import { ADA, ME, type ServerRoom, wire } from './room.ts';

type Event = Record<string, unknown>;

interface Committed {
  event: Event;
  /** What the publisher does with it beside sending. */
  after?: () => void;
}

/** How long a token of a channel can be used. */
const TOKEN_MS = 6_000;
/** The most changes of one answer, and how many may be missing before a reset. */
const FEW = 2;
const RESET = 6;

export class Refused extends Error {
  constructor(readonly code: 'NOT_FOUND' | 'FORBIDDEN') {
    super(code);
  }
}

/** A room, with all that its publisher knows of it. */
export class Place {
  member = true;
  mode: 'personal' | 'room' = 'personal';
  visibility: 'public' | 'private' = 'public';
  generation = 1;
  /** Of every change, and of the latest that clients compare. */
  version = 1;
  stateVersion = 1;
  /** Whether the list is told of each message at once, or by `tellHead`. */
  tellsHeads = true;
  /** What the publisher has not sent yet. */
  outbox: Committed[] = [];
  /** What it has, and where to. */
  sent: { channel: string; event: Event }[] = [];
  #told = { member: true, channel: null as string | null, head: null as string | null };

  constructor(
    readonly id: string,
    public messages: ServerRoom,
    private readonly hub: Hub,
  ) {}

  get readable(): boolean {
    return this.member || this.visibility === 'public';
  }

  get live(): string {
    return `live:${this.id}.${this.generation}`;
  }

  get channel(): string | null {
    if (this.mode === 'personal') return null;
    return `${this.visibility === 'public' ? 'room' : 'private'}:${this.id}.${this.generation}`;
  }

  get headChannel(): string | null {
    if (this.mode === 'personal') return null;
    return `${this.visibility === 'public' ? 'head' : 'privatehead'}:${this.id}.${this.generation}`;
  }

  create(authorId: string, content: string, clientMessageId: string) {
    const { head } = this.messages;
    const message = this.messages.create(authorId, content, clientMessageId);
    if (this.messages.head > head) this.#commitMessage();
    return message;
  }

  change(pick: number, deletes: boolean): void {
    const { head } = this.messages;
    this.messages.change(pick, deletes);
    if (this.messages.head > head) this.#commitMessage();
  }

  /** Has become large, or small again. */
  cross(): void {
    this.mode = this.mode === 'personal' ? 'room' : 'personal';
    this.#commitFanout();
  }

  changeVisibility(): void {
    this.visibility = this.visibility === 'public' ? 'private' : 'public';
    this.generation += 1;
    this.stateVersion = this.#next();
    this.outbox.push({
      event: this.#about('room.updated', {
        version: this.stateVersion,
        name: this.id,
        topic: '',
        visibility: this.visibility,
        memberCount: 2,
      }),
    });
    this.#commitFanout();
  }

  setMember(member: boolean): void {
    if (this.member === member) return;
    this.member = member;
    const version = this.#next();
    const event = member
      ? this.#about('joined', { version, mode: this.mode })
      : this.#about('left', { version, reason: 'kicked' });
    this.outbox.push({ event });
  }

  /** A restore: what was on its way is gone. */
  restore(keep: number, epoch: string): void {
    this.messages = this.messages.restored(keep, epoch);
    this.outbox = [];
    this.#told = { member: this.member, channel: this.channel, head: this.headChannel };
  }

  /** The publisher sends what is next, as many events as there are up to `count`. */
  forward(count: number): void {
    for (const { event, after } of this.outbox.splice(0, count)) {
      for (const channel of this.#channelsOf(event)) this.#send(channel, event);
      after?.();
      if (this.tellsHeads && String(event.type).startsWith('message')) this.tellHead();
    }
  }

  /** Tells the list where the room stands. */
  tellHead(): void {
    const { head } = this.#told;
    if (head) this.#send(head, this.head());
  }

  /** Sends an earlier event again. */
  repeat(pick: number): void {
    const earlier = this.sent.at(-1 - (pick % Math.max(1, this.sent.length)));
    if (earlier) this.#send(earlier.channel, earlier.event);
  }

  /** Sends changes of the messages out of their turn. */
  stray(messages: ServerRoom, seqs: readonly number[], unknown = false): void {
    const events = seqs.flatMap((seq) => messageEvent(messages, seq, unknown) ?? []);
    const channel = this.#told.channel ?? (this.#told.member ? PERSONAL : null);
    if (channel) this.hub.publish(channel, { v: 1, events });
  }

  head(whole = true): Event {
    const newest = this.messages.all().at(-1);
    return this.#about('head', {
      headSeq: this.messages.head,
      number: newest?.number ?? 0,
      ...(whole ? { lastMessageAt: newest?.createdAt, preview: newest?.content } : {}),
    });
  }

  /** To the members, in place of events. */
  sendHead(whole: boolean): void {
    const channel = this.#told.channel ?? (this.#told.member ? PERSONAL : null);
    if (channel) this.hub.publish(channel, { v: 1, events: [this.head(whole)] });
  }

  #channelsOf({ type, mode }: Event): string[] {
    const { channel, head } = this.#told;
    const own = this.#told.member ? [PERSONAL] : [];
    if (type === 'joined' || type === 'left') {
      this.#told.member = type === 'joined';
      if (type === 'left') {
        for (const one of [channel, head, this.live]) if (one) this.hub.unsubscribe(one);
      }
      return [PERSONAL];
    }
    if (type !== 'fanout') return channel ? [channel] : own;
    if (!channel || !head) return own;
    // It asks who the members are.
    this.#told.member = this.member;
    return mode === 'room' ? [channel, head] : [channel, head, ...(this.member ? [PERSONAL] : [])];
  }

  #send(channel: string, event: Event): void {
    this.sent.push({ channel, event });
    this.hub.publish(channel, { v: 1, events: [event] });
  }

  #commitMessage(): void {
    const event = messageEvent(this.messages, this.messages.head);
    if (event) this.outbox.push({ event });
  }

  #commitFanout(): void {
    this.stateVersion = this.#next();
    const {
      stateVersion: version,
      mode,
      visibility,
      generation,
      channel,
      headChannel: head,
    } = this;
    this.outbox.push({
      event: this.#about('fanout', { version, mode, visibility, generation }),
      after: () => {
        this.#told.channel = channel;
        this.#told.head = head;
      },
    });
  }

  #next(): number {
    this.version += 1;
    return this.version;
  }

  #about(type: string, body: Event): Event {
    const { epoch } = this.messages;
    return { type, room: this.id, epoch, time: '2026-01-01T00:00:00Z', ...body };
  }
}

function messageEvent(messages: ServerRoom, seq: number, unknown = false): Event | null {
  const message = messages.log[seq - 1];
  if (!message) return null;
  const type = message.seq === seq ? 'created' : message.deletedAt === null ? 'edited' : 'deleted';
  return {
    type: unknown ? 'message.painted' : `message.${type}`,
    room: messages.id,
    epoch: messages.epoch,
    time: message.createdAt,
    seq,
    message: { ...message, roomId: messages.id },
  };
}

export class Plaza {
  readonly places = new Map<string, Place>();
  /** What is said to the next subscriptions, whatever they are. */
  readonly verdicts: Verdict[] = [];

  place(id: unknown): Place {
    const place = this.places.get(String(id));
    if (!place) throw new Refused('NOT_FOUND');
    return place;
  }

  /** Whether a channel may be opened, as Centrifugo and the subscribe proxy decide. */
  verdict(channel: string, token: string): Verdict {
    const place = this.#placeOf(channel);
    const next = this.verdicts.shift();
    if (next) return next;
    if (/^(room|head):/.test(channel)) {
      const [name, at] = token.split('|');
      if (name !== channel) return 'refused';
      return Date.now() - Number(at) > TOKEN_MS ? 'expired' : 'yes';
    }
    if (channel.startsWith('live:')) {
      return place?.readable && channel === place.live ? 'yes' : 'refused';
    }
    const current = channel === place?.channel || channel === place?.headChannel;
    return current && place?.member ? 'yes' : 'refused';
  }

  #placeOf(channel: string): Place | undefined {
    return this.places.get(/:(.*)\./.exec(channel)?.[1] ?? '');
  }

  /** Answers an operation as of now. @throws Refused */
  answer(operation: string, variables: Record<string, unknown>): unknown {
    const { last, first, before, after, sinceSeq, input, id, roomId, channel } = variables;
    const page = (pick: Parameters<ServerRoom['connection']>[0]) => {
      const place = this.place(roomId);
      return { room: place.readable ? { messages: place.messages.connection(pick) } : null };
    };
    const joined = [...this.places.values()].filter(({ member }) => member);
    switch (operation) {
      case 'ConnectionToken':
        return { connectionToken: { token: 'c', endpoint: '/connection/websocket', channels: [] } };
      case 'SubscriptionToken':
        return { subscriptionToken: { token: this.#tokenOf(String(channel)) } };
      case 'Rooms':
        return {
          rooms: {
            nodes: joined.map((place) => roomFields(place, false)),
            pageInfo: { hasNextPage: false, endCursor: null },
          },
        };
      case 'Room': {
        const place = this.place(id);
        return { room: place.readable ? roomFields(place, true) : null };
      }
      case 'Online':
        return { room: { onlineCount: 1 } };
      case 'Heads':
      case 'HeadsWithTokens':
        return {
          heads: {
            pollAfter: 5_000,
            rooms: joined.map((place) => headFields(place, operation !== 'Heads')),
          },
        };
      case 'Newest':
        return page((all) => all.slice(-Number(last)));
      case 'Older':
        return page((all) => all.filter(({ seq }) => seq < Number(before)).slice(-Number(last)));
      case 'Newer':
        return page((all) => all.filter(({ seq }) => seq > Number(after)).slice(0, Number(first)));
      case 'Changes': {
        const place = this.place(roomId);
        const changes = place.messages.changes(Number(sinceSeq), FEW, RESET);
        return { room: place.readable ? { version: place.stateVersion, changes } : null };
      }
      case 'Send': {
        const { roomId, content, clientMessageId } = input as Record<string, string>;
        const place = this.place(roomId);
        if (!place.member) throw new Refused(place.readable ? 'FORBIDDEN' : 'NOT_FOUND');
        return { sendMessage: wire(place.create(ME.id, content ?? '', clientMessageId ?? '')) };
      }
      case 'Users':
        return { users: [ADA, ME] };
      default:
        throw new Error(`not expected: ${operation}`);
    }
  }

  #tokenOf(channel: string): string {
    const place = this.#placeOf(channel);
    const current = channel === place?.channel || channel === place?.headChannel;
    if (!current || place?.visibility !== 'public') throw new Refused('NOT_FOUND');
    return signed(channel) ?? '';
  }
}

function signed(channel: string | null): string | null {
  return channel && /^(room|head):/.test(channel) ? `${channel}|${Date.now()}` : null;
}

function realtime({ live, channel, headChannel }: Place, tokens: boolean) {
  return {
    live,
    channel,
    headChannel,
    ...(tokens ? { token: signed(channel), headToken: signed(headChannel) } : {}),
  };
}

function roomFields(place: Place, tokens: boolean) {
  const newest = place.messages.all().at(-1);
  return {
    id: place.id,
    name: place.id,
    topic: null,
    visibility: place.visibility.toUpperCase(),
    memberCount: 2,
    unreadCount: 0,
    readNumber: newest?.number ?? 0,
    version: place.stateVersion,
    epoch: place.messages.epoch,
    createdAt: '2026-01-01T00:00:00Z',
    fanout: place.mode.toUpperCase(),
    realtime: realtime(place, tokens),
    viewerMembership: place.member ? { role: 'MEMBER', joinedAt: '2026-01-01T00:00:00Z' } : null,
    lastMessage: newest ? wire(newest) : null,
  };
}

function headFields(place: Place, tokens: boolean) {
  const { head: headSeq, epoch } = place.messages;
  const newest = place.messages.all().at(-1);
  return {
    roomId: place.id,
    headSeq,
    version: place.stateVersion,
    number: newest?.number ?? 0,
    unreadCount: 0,
    lastMessageAt: newest?.createdAt ?? null,
    preview: newest?.content ?? null,
    epoch,
    fanout: place.mode.toUpperCase(),
    realtime: realtime(place, tokens),
  };
}
