/**
 * A real-time server and the SDK as a tab sees them: what is late, lost, cut,
 * refused, recovered or not follows the same rules as with Centrifugo.
 */

type Context = Record<string, unknown>;
type Listener = (context: never) => void;

class Emitter {
  #listeners = new Map<string, Listener>();

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, listener);
  }

  removeAllListeners(): void {
    this.#listeners.clear();
  }

  emit(event: string, context: Context = {}): void {
    this.#listeners.get(event)?.(context as never);
  }
}

export class UnauthorizedError extends Error {}

/** What the server says to a subscription. */
export type Verdict = 'yes' | 'expired' | 'refused' | 'later';

interface Publication {
  offset: number;
  data: unknown;
}

/** A channel's history. */
class Stream {
  head = 0;
  publications: Publication[] = [];

  constructor(readonly epoch: string) {}
}

interface Position {
  offset: number;
  epoch: string;
}

export const PERSONAL = 'personal:me';
const PULSE = 'pulse:all';
const TICK_MS = 5_000;
const RETRY_MS = 700;

export class Hub {
  up = true;
  ticking = true;
  /** Of everything between the tab and the server. */
  latencyMs = 0;
  /** How many publications of a channel are kept. */
  kept = 6;
  /** The next publications that get lost on the way. */
  swallow = 0;
  client: Centrifuge | null = null;
  /** Counts connections: what is on its way belongs to one. */
  connection = 0;
  /** The subscriptions that the server knows of, and up to where it has sent. */
  readonly subscribed = new Map<string, { sub: Subscription; sent: number }>();
  #streams = new Map<string, Stream>();
  #epochs = 0;
  #personalSent = 0;

  constructor(readonly verdict: (channel: string, token: string) => Verdict) {
    Centrifuge.hub = this;
    Object.assign(globalThis, { WebSocket: Socket });
    this.#tick();
  }

  stream(channel: string): Stream {
    const known = this.#streams.get(channel);
    if (known) return known;
    this.#epochs += 1;
    const made = new Stream(`s${this.#epochs}`);
    this.#streams.set(channel, made);
    return made;
  }

  publish(channel: string, data: unknown): void {
    const stream = this.stream(channel);
    stream.head += 1;
    const publication = { offset: stream.head, data: structuredClone(data) };
    const kept = channel.includes('head:') ? 1 : this.kept;
    stream.publications = [...stream.publications, publication].slice(-kept);
    if (this.swallow > 0) {
      this.swallow -= 1;
      return;
    }
    this.#send(channel, publication);
  }

  #send(channel: string, publication: Publication): void {
    const { client } = this;
    if (channel === PERSONAL) {
      if (!client?.connected) return;
      if (publication.offset !== this.#personalSent + 1) {
        this.cut();
        return;
      }
      this.#personalSent += 1;
      this.deliver(() => client.receive(publication));
      return;
    }
    const entry = this.subscribed.get(channel);
    if (!entry) return;
    if (publication.offset !== entry.sent + 1) {
      this.#insufficient(channel);
      return;
    }
    entry.sent += 1;
    this.deliver(() => entry.sub.receive(publication));
  }

  /** It has missed something: it subscribes again. */
  #insufficient(channel: string): void {
    const entry = this.subscribed.get(channel);
    this.subscribed.delete(channel);
    if (entry) this.deliver(() => entry.sub.restart());
  }

  /** Looks for what was lost, as Centrifugo does now and then. */
  checkPositions(): void {
    for (const [channel, { sent }] of [...this.subscribed]) {
      if (sent !== this.stream(channel).head) this.#insufficient(channel);
    }
    if (this.client?.connected && this.#personalSent !== this.stream(PERSONAL).head) this.cut();
  }

  /** The server ends a subscription. */
  unsubscribe(channel: string): void {
    const entry = this.subscribed.get(channel);
    this.subscribed.delete(channel);
    if (entry) this.deliver(() => entry.sub.refuse(2000));
  }

  cut(): void {
    this.#over();
    this.client?.lose();
  }

  /** What the SDK takes as final. */
  end(): void {
    this.#over();
    this.client?.giveUp();
  }

  /** All that is kept is gone. */
  flush(): void {
    this.#streams.clear();
    this.cut();
  }

  #over(): void {
    this.connection += 1;
    this.subscribed.clear();
  }

  /** What is sent to the tab comes in order, or not at all. */
  deliver(arrive: () => void): void {
    const { connection } = this;
    const at = Math.max(this.#arrival, Date.now() + this.latencyMs);
    this.#arrival = at;
    setTimeout(() => {
      if (this.connection === connection) arrive();
    }, at - Date.now());
  }
  #arrival = 0;

  /** From where a subscription goes on. */
  recover(channel: string, from: Position | null): { recovered: boolean; missed: Publication[] } {
    const { epoch, head, publications } = this.stream(channel);
    if (channel.includes('head:')) return { recovered: from !== null, missed: publications };
    const missed = from ? publications.filter(({ offset }) => offset > from.offset) : [];
    const recovered = from?.epoch === epoch && missed.length === head - from.offset;
    return recovered ? { recovered, missed } : { recovered, missed: [] };
  }

  opened(): void {
    this.#personalSent = this.stream(PERSONAL).head;
  }

  #tick(): void {
    setTimeout(() => {
      const { client } = this;
      if (this.up && this.ticking && client?.connected) {
        this.deliver(() => client.tick());
      }
      this.#tick();
    }, TICK_MS);
  }
}

/** A WebSocket that is only looked at: whether it opens. */
class Socket {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor() {
    const { hub } = Centrifuge;
    setTimeout(() => (hub.up ? this.onopen?.() : this.onerror?.()), hub.latencyMs);
  }

  close(): void {}
}

interface ClientOptions {
  getToken(): Promise<string>;
}

interface SubscriptionOptions {
  token?: string;
  getToken?: () => Promise<string>;
  since?: Position;
}

export class Centrifuge extends Emitter {
  static hub: Hub;
  readonly #hub = Centrifuge.hub;
  readonly #subs = new Map<string, Subscription>();
  #pulse: Pulse | null = null;
  #state: 'disconnected' | 'connecting' | 'connected' = 'disconnected';
  #token = '';
  #position: Position | null = null;
  #phase = 0;

  constructor(
    _endpoint: string,
    private readonly options: ClientOptions,
  ) {
    super();
    this.#hub.client = this;
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  get channels(): string[] {
    return [...this.#subs.keys()];
  }

  setToken(token: string): void {
    this.#token = token;
  }

  connect(): void {
    this.#state = 'connecting';
    this.#phase += 1;
    this.emit('connecting');
    void this.#attempt(this.#phase);
  }

  disconnect(): void {
    this.#state = 'disconnected';
    this.#phase += 1;
    if (this.#hub.client !== this) return;
    this.#hub.client = null;
    this.#hub.connection += 1;
    this.#hub.subscribed.clear();
  }

  newSubscription(channel: string, options: SubscriptionOptions = {}): Subscription | Pulse {
    if (channel === PULSE) {
      this.#pulse = new Pulse();
      return this.#pulse;
    }
    if (this.#subs.has(channel)) throw new Error(`subscription to ${channel} already exists`);
    const sub = new Subscription(this, this.#hub, channel, options);
    this.#subs.set(channel, sub);
    return sub;
  }

  removeSubscription(sub: Subscription): void {
    if (this.#subs.get(sub.channel) !== sub) return;
    this.#subs.delete(sub.channel);
    sub.remove();
  }

  async #attempt(phase: number): Promise<void> {
    const over = () => this.#phase !== phase;
    const again = () => {
      this.emit('error');
      setTimeout(() => !over() && void this.#attempt(phase), RETRY_MS);
    };
    if (!this.#hub.up) return again();
    if (!this.#token) {
      try {
        this.#token = await this.options.getToken();
      } catch {
        if (!over()) again();
        return;
      }
    }
    if (over()) return;
    setTimeout(() => {
      if (over()) return;
      if (this.#hub.up) this.#open();
      else again();
    }, this.#hub.latencyMs);
  }

  #open(): void {
    const hub = this.#hub;
    this.#state = 'connected';
    hub.connection += 1;
    const { epoch, head } = hub.stream(PERSONAL);
    const { recovered, missed } = hub.recover(PERSONAL, this.#position);
    const offset = recovered ? head - missed.length : head;
    this.#position = { offset, epoch };
    hub.opened();
    for (const sub of [...this.#subs.values()]) sub.resume();
    this.emit('connected');
    this.emit('subscribed', { channel: PERSONAL, recovered });
    for (const publication of missed) this.receive(publication);
  }

  receive({ offset, data }: Publication): void {
    if (this.#position) this.#position.offset = offset;
    this.emit('publication', { channel: PERSONAL, data, offset });
  }

  tick(): void {
    this.#pulse?.tick();
  }

  /** The socket has closed. */
  lose(): void {
    if (!this.connected) return;
    for (const sub of this.#subs.values()) sub.suspend();
    this.connect();
  }

  giveUp(): void {
    if (this.#state === 'disconnected') return;
    for (const sub of this.#subs.values()) sub.suspend();
    this.#state = 'disconnected';
    this.#phase += 1;
    this.#hub.client = null;
    this.emit('disconnected', { code: 3500 });
  }
}

/** The subscription to the sign of life, which everybody may have. */
class Pulse extends Emitter {
  #subscribed = false;

  subscribe(): void {
    this.#subscribed = true;
  }

  tick(): void {
    if (!this.#subscribed) return;
    this.emit('publication', { channel: PULSE, data: { v: 1, events: [{ type: 'tick' }] } });
  }
}

export class Subscription extends Emitter {
  state: 'unsubscribed' | 'subscribing' | 'subscribed' = 'unsubscribed';
  #token: string;
  #position: Position | null;
  #flow = 0;

  constructor(
    private readonly client: Centrifuge,
    private readonly hub: Hub,
    readonly channel: string,
    private readonly options: SubscriptionOptions,
  ) {
    super();
    this.#token = options.token ?? '';
    this.#position = options.since ?? null;
  }

  subscribe(): void {
    this.state = 'subscribing';
    this.resume();
  }

  /** The connection is there. */
  resume(): void {
    if (this.state !== 'subscribing' || !this.client.connected) return;
    this.#flow += 1;
    void this.#attempt(this.#flow);
  }

  suspend(): void {
    this.#flow += 1;
    if (this.state === 'subscribed') this.state = 'subscribing';
  }

  restart(): void {
    if (this.state !== 'subscribed') return;
    this.suspend();
    this.resume();
  }

  remove(): void {
    this.#flow += 1;
    this.state = 'unsubscribed';
    if (this.hub.subscribed.get(this.channel)?.sub === this) {
      this.hub.subscribed.delete(this.channel);
    }
  }

  refuse(code: number): void {
    if (this.state === 'unsubscribed') return;
    this.#flow += 1;
    this.state = 'unsubscribed';
    this.emit('unsubscribed', { channel: this.channel, code });
  }

  receive({ offset, data }: Publication): void {
    if (this.state !== 'subscribed') return;
    if (this.#position) this.#position.offset = offset;
    this.emit('publication', { channel: this.channel, data, offset });
  }

  async #attempt(flow: number): Promise<void> {
    const over = () => this.#flow !== flow || !this.client.connected;
    const again = () => setTimeout(() => !over() && void this.#attempt(flow), RETRY_MS);
    if (!this.#token && this.options.getToken) {
      try {
        this.#token = await this.options.getToken();
      } catch (error) {
        if (over()) return;
        if (error instanceof UnauthorizedError) this.refuse(1);
        else again();
        return;
      }
    }
    if (over()) return;
    setTimeout(() => {
      if (over()) return;
      const verdict = this.hub.verdict(this.channel, this.#token);
      if (verdict === 'yes') this.#accept(flow);
      else {
        this.hub.deliver(() => {
          if (over()) return;
          if (verdict === 'refused') return this.refuse(103);
          if (verdict === 'expired') this.#token = '';
          again();
        });
      }
    }, this.hub.latencyMs);
  }

  #accept(flow: number): void {
    const { channel, hub } = this;
    const { epoch, head } = hub.stream(channel);
    const wasRecovering = this.#position !== null;
    const { recovered, missed } = hub.recover(channel, this.#position);
    hub.subscribed.set(channel, { sub: this, sent: head });
    hub.deliver(() => {
      if (this.#flow !== flow) return;
      this.state = 'subscribed';
      const streamPosition = { offset: head - missed.length, epoch };
      this.#position = channel.startsWith('live:') ? null : { ...streamPosition };
      this.emit('subscribed', {
        channel,
        wasRecovering,
        recovered,
        ...(this.#position ? { streamPosition } : {}),
      });
      for (const publication of missed) this.receive(publication);
    });
  }
}
