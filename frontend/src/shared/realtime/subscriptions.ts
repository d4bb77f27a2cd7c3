import { type Centrifuge, type Subscription, UnauthorizedError } from 'centrifuge';
import { isEphemeral, keepsState, opensByToken } from './names.ts';

export interface SubscriptionEvents {
  /** A token of the last few seconds; null: there is none. */
  freshToken(channel: string): string | null;
  /** A token for one channel; null: it is not to be had. Throws when nobody answers. */
  fetchToken(channel: string): Promise<string | null>;
  onPublication(channel: string, data: unknown): void;
  /** Nothing was missed since the channel was last open. */
  onSubscribed(channel: string, recovered: boolean): void;
  /** The SDK has given up: it was refused, or ended by the server. */
  onRefused(channel: string): void;
}

interface Position {
  offset: number;
  epoch: string;
}

interface Held {
  /** Null while no connection carries it. */
  sub: Subscription | null;
  /** From where to go on after a reconnect. */
  position: Position | null;
}

/**
 * The channels that a client holds beside those that its connection opens. The
 * SDK goes on using the token that it was given, which is good for seconds: so
 * what a token opens is let go of when the connection is lost, and subscribed
 * anew, from the same position, by the next `hold`.
 */
export class Subscriptions {
  readonly #held = new Map<string, Held>();
  #client: Centrifuge | null = null;
  #connected = false;
  /** One token is asked for at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly events: SubscriptionEvents) {}

  /** The connection is open. */
  attach(client: Centrifuge): void {
    this.#client = client;
    this.#connected = true;
  }

  /** The connection was lost; `all`: and its client is given up. */
  detach(all = false): void {
    for (const [channel, held] of this.#held) {
      if (all || opensByToken(channel)) this.#close(held);
    }
    this.#connected = false;
  }

  /** Subscribes to what is missing, but for what has to wait, and lets go of everything else. */
  hold(channels: Iterable<string>, wait: ReadonlySet<string> = new Set()): void {
    const wanted = new Set(channels);
    for (const [channel, held] of this.#held) {
      if (wanted.has(channel)) continue;
      this.#held.delete(channel);
      this.#close(held);
    }
    for (const channel of wanted) {
      const held = this.#held.get(channel) ?? { sub: null, position: null };
      this.#held.set(channel, held);
      if (held.sub || !this.#client || !this.#connected || wait.has(channel)) continue;
      this.#open(this.#client, channel, held);
    }
  }

  isSubscribed(channel: string): boolean {
    return this.#held.get(channel)?.sub?.state === 'subscribed';
  }

  /** Whether the channel is subscribed to, or about to be. */
  isOpening(channel: string): boolean {
    return Boolean(this.#held.get(channel)?.sub);
  }

  #open(client: Centrifuge, channel: string, held: Held): void {
    const since = keepsState(channel) ? { offset: 0, epoch: '' } : held.position;
    const sub = client.newSubscription(channel, {
      ...(opensByToken(channel)
        ? { token: this.events.freshToken(channel) ?? '', getToken: () => this.#token(channel) }
        : {}),
      ...(since && !isEphemeral(channel) ? { since } : {}),
    });
    held.sub = sub;
    sub.on('subscribed', ({ recovered, streamPosition }) => {
      if (streamPosition) {
        held.position = { offset: Number(streamPosition.offset), epoch: streamPosition.epoch };
      }
      this.events.onSubscribed(channel, recovered);
    });
    sub.on('publication', ({ data, offset }) => {
      if (held.position && offset !== undefined) held.position.offset = Number(offset);
      this.events.onPublication(channel, data);
    });
    sub.on('unsubscribed', () => {
      this.#held.delete(channel);
      this.#close(held);
      this.events.onRefused(channel);
    });
    sub.subscribe();
  }

  #close(held: Held): void {
    const { sub } = held;
    if (!sub) return;
    held.sub = null;
    // Before it says that it has ended.
    sub.removeAllListeners();
    sub.on('error', () => {});
    this.#client?.removeSubscription(sub);
  }

  async #token(channel: string): Promise<string> {
    const asked = this.#turn.then(() => this.events.fetchToken(channel));
    this.#turn = asked.catch(() => {});
    const token = await asked;
    if (token === null) throw new UnauthorizedError('no token for this channel');
    return token;
  }
}
