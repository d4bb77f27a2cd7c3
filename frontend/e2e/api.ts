/** People and rooms made through GraphQL, for what a test takes as given. */

import { randomBytes } from 'node:crypto';

export interface Account {
  id: string;
  username: string;
  password: string;
  displayName: string;
  token: string;
}

export type Role = 'MEMBER' | 'MODERATOR' | 'ADMIN' | 'OWNER';

interface Answer {
  data?: Record<string, unknown> | null;
  errors?: unknown;
}

/** A short text that no other run has used. */
export function unique(): string {
  return randomBytes(4).toString('hex');
}

export class Api {
  constructor(private readonly base: string) {}

  async register(displayName: string): Promise<Account> {
    const username = `${displayName.toLowerCase().replace(/[^a-z]/g, '')}-${unique()}`;
    const password = `secret-${unique()}`;
    const data = await this.#ask(
      `mutation($input: RegisterInput!) {
        register(input: $input) { accessToken user { id } }
      }`,
      { input: { username, password, displayName, client: 'NATIVE' } },
    );
    const { accessToken, user } = data.register as { accessToken: string; user: { id: string } };
    return { id: user.id, username, password, displayName, token: accessToken };
  }

  async createRoom(
    by: Account,
    name: string,
    topic: string | null = null,
    visibility: 'PUBLIC' | 'PRIVATE' = 'PUBLIC',
  ): Promise<string> {
    const data = await this.#ask(
      `mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }`,
      { input: { name, topic, visibility } },
      by,
    );
    return (data.createRoom as { id: string }).id;
  }

  async join(who: Account, roomId: string): Promise<void> {
    await this.#ask(`mutation($roomId: ID!) { joinRoom(roomId: $roomId) { id } }`, { roomId }, who);
  }

  /** Invites by name; the other one comes in. */
  async bring(by: Account, who: Account, roomId: string): Promise<void> {
    const { id } = await this.invite(by, { roomId, username: who.username });
    await this.#ask(`mutation($id: ID!) { acceptInvitation(id: $id) { id } }`, { id }, who);
  }

  async invite(
    by: Account,
    input: { roomId: string; username?: string; maxUses?: number; expiresIn?: number },
  ): Promise<{ id: string; token: string | null }> {
    const data = await this.#ask(
      `mutation($input: InviteInput!) { invite(input: $input) { id token } }`,
      { input },
      by,
    );
    return data.invite as { id: string; token: string | null };
  }

  async setRole(by: Account, roomId: string, who: Account, role: Role): Promise<void> {
    await this.#ask(
      `mutation($input: SetRoleInput!) { setRole(input: $input) { role } }`,
      { input: { roomId, userId: who.id, role } },
      by,
    );
  }

  async kick(by: Account, roomId: string, who: Account): Promise<void> {
    await this.#ask(
      `mutation($roomId: ID!, $userId: ID!) { kickMember(roomId: $roomId, userId: $userId) }`,
      { roomId, userId: who.id },
      by,
    );
  }

  async ban(by: Account, roomId: string, who: Account, reason: string | null = null) {
    await this.#ask(
      `mutation($input: BanMemberInput!) { banMember(input: $input) }`,
      { input: { roomId, userId: who.id, reason } },
      by,
    );
  }

  /** `seconds` null: they may write again. */
  async mute(by: Account, roomId: string, who: Account, seconds: number | null): Promise<void> {
    const until = seconds === null ? null : new Date(Date.now() + seconds * 1_000).toISOString();
    await this.#ask(
      `mutation($input: MuteMemberInput!) { muteMember(input: $input) { role } }`,
      { input: { roomId, userId: who.id, until } },
      by,
    );
  }

  async leave(who: Account, roomId: string): Promise<void> {
    await this.#ask(`mutation($roomId: ID!) { leaveRoom(roomId: $roomId) }`, { roomId }, who);
  }

  /** How the room's events travel. */
  async fanout(who: Account, roomId: string): Promise<string> {
    const data = await this.#ask(
      `query($roomId: ID!) { room(id: $roomId) { fanout } }`,
      { roomId },
      who,
    );
    return (data.room as { fanout: string }).fanout;
  }

  async send(who: Account, roomId: string, content: string): Promise<void> {
    const input = { roomId, content, clientMessageId: crypto.randomUUID() };
    await this.#ask(
      `mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }`,
      { input },
      who,
    );
  }

  /** The newest messages' texts, in the room's order. */
  async history(who: Account, roomId: string, last: number): Promise<string[]> {
    const texts: string[] = [];
    let before: string | null = null;
    while (texts.length < last) {
      const data = await this.#ask(
        `query($roomId: ID!, $last: Int!, $before: String) {
          room(id: $roomId) {
            messages(last: $last, before: $before) {
              nodes { content } pageInfo { hasPreviousPage startCursor }
            }
          }
        }`,
        { roomId, last: Math.min(100, last - texts.length), before },
        who,
      );
      const { messages } = data.room as {
        messages: {
          nodes: { content: string }[];
          pageInfo: { hasPreviousPage: boolean; startCursor: string | null };
        };
      };
      texts.unshift(...messages.nodes.map(({ content }) => content));
      if (!messages.pageInfo.hasPreviousPage) break;
      before = messages.pageInfo.startCursor;
    }
    return texts;
  }

  async #ask(
    query: string,
    variables: Record<string, unknown>,
    who?: Account,
  ): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.base}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(who ? { authorization: `Bearer ${who.token}` } : {}),
      },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as Answer;
    if (errors || !data) throw new Error(`${response.status}: ${JSON.stringify(errors)}`);
    return data;
  }
}
