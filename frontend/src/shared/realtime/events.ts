/** The publications of the real-time channels, read with care: `{"v":1,"events":[…]}`. */

interface PushedPerson {
  id: string;
  username: string;
  displayName: string;
}

interface PushedMessage {
  id: string;
  roomId: string;
  seq: number;
  number: number;
  changedSeq: number;
  authorId: string;
  content: string;
  createdAt: string;
  editedAt: string | null;
  deletedAt: string | null;
  clientMessageId: string | null;
  replyTo: string | null;
}

interface About {
  room: string;
  epoch: string;
  time: string;
}

export type PlazaEvent =
  | (About & {
      type: 'message';
      seq: number;
      created: boolean;
      message: PushedMessage;
      author: PushedPerson | null;
    })
  /** A change of a kind that this release does not know, or cannot read. */
  | (About & { type: 'unknown'; seq: number })
  | (About & {
      type: 'room.updated';
      version: number;
      name: string;
      topic: string;
      visibility: 'public' | 'private';
      memberCount: number;
    })
  | (About & {
      type: 'member.updated';
      version: number;
      user: PushedPerson;
      role: string | null;
      mutedUntil: string | null;
      memberCount: number;
    })
  | (About & { type: 'joined'; version: number })
  | (About & { type: 'left'; version: number; reason: string })
  | (About & { type: 'read'; number: number })
  /** Where a room stands, in place of events that are not sent: each part that is known. */
  | (About & {
      type: 'head';
      /** The newest change of its messages. */
      headSeq: number | null;
      /** The latest change of the room itself. */
      version: number | null;
      /** The newest message. */
      number: number | null;
      lastMessageAt: string | null;
      /** Its text; null: it was deleted; undefined: not said. */
      preview: string | null | undefined;
    })
  | { type: 'tick' };

type Fields = Record<string, unknown>;

/** The events of a publication, in order; what is not understood is left out. */
export function readPublication(data: unknown): PlazaEvent[] {
  if (!isFields(data) || data.v !== 1 || !Array.isArray(data.events)) return [];
  return data.events.flatMap((event) => {
    const read = isFields(event) ? readEvent(event) : null;
    return read ? [read] : [];
  });
}

function readEvent(fields: Fields): PlazaEvent | null {
  const { type, room, epoch, time } = fields;
  if (type === 'tick') return { type };
  if (!isText(room) || !isText(epoch)) return null;
  const about: About = { room, epoch, time: isText(time) ? time : '' };
  return (
    readBody(about, fields) ??
    (isCount(fields.seq) ? { ...about, type: 'unknown', seq: fields.seq } : null)
  );
}

function readBody(about: About, fields: Fields): PlazaEvent | null {
  switch (fields.type) {
    case 'message.created':
    case 'message.edited':
    case 'message.deleted': {
      const message = readMessage(fields.message);
      if (!message || !isCount(fields.seq)) return null;
      return {
        ...about,
        type: 'message',
        seq: fields.seq,
        created: fields.type === 'message.created',
        message,
        author: readPerson(fields.author),
      };
    }
    case 'room.updated': {
      const { version, name, topic, visibility, memberCount } = fields;
      if (!isCount(version) || !isText(name) || !isCount(memberCount)) return null;
      return {
        ...about,
        type: 'room.updated',
        version,
        name,
        topic: isText(topic) ? topic : '',
        visibility:
          isText(visibility) && visibility.toLowerCase() === 'private' ? 'private' : 'public',
        memberCount,
      };
    }
    case 'member.updated': {
      const { version, role, memberCount } = fields;
      const user = readPerson(fields.user);
      if (!isCount(version) || !user || !isCount(memberCount)) return null;
      return {
        ...about,
        type: 'member.updated',
        version,
        user,
        role: isText(role) ? role.toUpperCase() : null,
        mutedUntil: textOrNull(fields.mutedUntil),
        memberCount,
      };
    }
    case 'joined':
      return isCount(fields.version) ? { ...about, type: 'joined', version: fields.version } : null;
    case 'left': {
      const { version, reason } = fields;
      if (!isCount(version)) return null;
      return { ...about, type: 'left', version, reason: isText(reason) ? reason : 'left' };
    }
    case 'read':
      return isCount(fields.number) ? { ...about, type: 'read', number: fields.number } : null;
    case 'head':
      return readHead(about, fields);
    default:
      return null;
  }
}

function readHead(about: About, fields: Fields): PlazaEvent | null {
  const { headSeq, version, number, lastMessageAt, preview } = fields;
  const head = {
    headSeq: countOrNull(headSeq),
    version: countOrNull(version),
    number: countOrNull(number),
  };
  if (head.headSeq === null && head.version === null) return null;
  return {
    ...about,
    type: 'head',
    ...head,
    lastMessageAt: textOrNull(lastMessageAt),
    preview: preview === null || isText(preview) ? preview : undefined,
  };
}

function readMessage(value: unknown): PushedMessage | null {
  if (!isFields(value)) return null;
  const { id, roomId, seq, number, changedSeq, authorId, content, createdAt } = value;
  if (!isText(id) || !isText(roomId) || !isText(authorId)) return null;
  if (!isText(content) || !isText(createdAt)) return null;
  if (!isCount(seq) || !isCount(number) || !isCount(changedSeq)) return null;
  return {
    id,
    roomId,
    seq,
    number,
    changedSeq,
    authorId,
    content,
    createdAt,
    editedAt: textOrNull(value.editedAt),
    deletedAt: textOrNull(value.deletedAt),
    clientMessageId: textOrNull(value.clientMessageId),
    replyTo: textOrNull(value.replyTo),
  };
}

function readPerson(value: unknown): PushedPerson | null {
  if (!isFields(value)) return null;
  const { id, username, displayName } = value;
  return isText(id) && isText(username) && isText(displayName)
    ? { id, username, displayName }
    : null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function textOrNull(value: unknown): string | null {
  return isText(value) ? value : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function countOrNull(value: unknown): number | null {
  return isCount(value) ? value : null;
}
