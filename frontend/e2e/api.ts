/** People and rooms made through GraphQL, for what a test takes as given. */

import { randomBytes } from 'node:crypto';

export interface Account {
  username: string;
  password: string;
  displayName: string;
  token: string;
}

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
      `mutation($input: RegisterInput!) { register(input: $input) { accessToken } }`,
      { input: { username, password, displayName, client: 'NATIVE' } },
    );
    const { accessToken } = data.register as { accessToken: string };
    return { username, password, displayName, token: accessToken };
  }

  async createRoom(by: Account, name: string, topic: string | null = null): Promise<string> {
    const data = await this.#ask(
      `mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }`,
      { input: { name, topic } },
      by,
    );
    return (data.createRoom as { id: string }).id;
  }

  async join(who: Account, roomId: string): Promise<void> {
    await this.#ask(`mutation($roomId: ID!) { joinRoom(roomId: $roomId) { id } }`, { roomId }, who);
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
