import { Centrifuge, UnauthorizedError } from 'centrifuge';
import { type PlazaEvent, readPublication } from './events.ts';
import { isPersonal, PULSE } from './names.ts';
import { type LiveStatus, liveStatus, TICK_LIMIT_MS } from './status.ts';
import { type SubscriptionEvents, Subscriptions } from './subscriptions.ts';

export interface RealtimeToken {
  token: string;
  /** A WebSocket address, or a path of this page's host. */
  endpoint: string;
}

export interface ConnectionOptions extends Omit<SubscriptionEvents, 'onPublication'> {
  /** A fresh connection token; null: real time is off. Throws when nobody answers. */
  fetchConnectionToken(): Promise<RealtimeToken | null>;
  /** Whether an error of `fetchConnectionToken` means that the session is over. */
  isSessionOver(error: unknown): boolean;
  /** Events in the order of their channel; `own`: it is the viewer's. */
  onEvents(events: PlazaEvent[], own: boolean): void;
  /** What tokens open has to be held anew. */
  onConnected(): void;
  /** What was missed has to be fetched. */
  onGap(): void;
  onStatus(status: LiveStatus): void;
}

/** A token for an attempt must not be older than this: it is good for a few seconds only. */
const TOKEN_AGE_MS = 3_000;
/** How long a socket may take to open that is only looked at. */
const LOOK_MS = 10_000;
const CHECK_MS = 1_000;
const RETRY_MIN_MS = 4_000;
const RETRY_MAX_MS = 60_000;
/** How often to ask whether real time has been switched on. */
const OFF_RETRY_MS = 60_000;

/**
 * Keeps a connection to Centrifugo, or goes on trying. What the SDK takes as
 * final is retried here, slowly: it includes "the keys could not be fetched".
 */
export class RealtimeConnection {
  #client: Centrifuge | null = null;
  #closed = false;
  #retries = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #checkTimer: ReturnType<typeof setInterval> | undefined;
  #tokenAt = 0;
  #first: RealtimeToken | null = null;
  #failed = false;
  #enabled = true;
  #connected = false;
  #since = Date.now();
  #lastTick = 0;
  #syncing = false;
  #status: LiveStatus = 'catching-up';
  readonly #subscriptions: Subscriptions;

  constructor(private readonly options: ConnectionOptions) {
    this.#subscriptions = new Subscriptions({
      freshToken: (channel) => options.freshToken(channel),
      fetchToken: (channel) => options.fetchToken(channel),
      onPublication: (channel, data) => this.#receive(channel, data),
      onSubscribed: (channel, recovered) => options.onSubscribed(channel, recovered),
      onRefused: (channel) => options.onRefused(channel),
    });
  }

  open(): void {
    this.#checkTimer = setInterval(() => this.#check(), CHECK_MS);
    addEventListener('online', this.#onNetwork);
    addEventListener('offline', this.#onNetwork);
    void this.#start();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#checkTimer);
    clearTimeout(this.#retryTimer);
    removeEventListener('online', this.#onNetwork);
    removeEventListener('offline', this.#onNetwork);
    this.#subscriptions.hold([]);
    this.#client?.disconnect();
    this.#client?.removeAllListeners();
    this.#client = null;
  }

  /**
   * Holds these channels and no others, beside those that come with the
   * connection; those that have to `wait` are not opened yet.
   */
  hold(channels: Iterable<string>, wait?: ReadonlySet<string>): void {
    this.#subscriptions.hold(channels, wait);
  }

  get connected(): boolean {
    return this.#connected;
  }

  isSubscribed(channel: string): boolean {
    return this.#subscriptions.isSubscribed(channel);
  }

  isOpening(channel: string): boolean {
    return this.#subscriptions.isOpening(channel);
  }

  get status(): LiveStatus {
    return this.#status;
  }

  /** Tells whether what was missed is being fetched. */
  setSyncing(syncing: boolean): void {
    this.#syncing = syncing;
    this.#check();
  }

  readonly #onNetwork = () => this.#check();

  async #start(): Promise<void> {
    try {
      const token = await this.options.fetchConnectionToken();
      if (this.#closed) return;
      this.#enabled = token !== null;
      this.#check();
      if (!token) {
        this.#again(OFF_RETRY_MS);
        return;
      }
      this.#first = token;
      this.#tokenAt = Date.now();
      this.#client = this.#build(token.endpoint);
      this.#client.connect();
    } catch (error) {
      if (!this.#closed && !this.options.isSessionOver(error)) this.#again(this.#backoff());
    }
  }

  #build(endpoint: string): Centrifuge {
    const url = webSocketUrl(endpoint);
    const client = new Centrifuge(url, {
      getToken: () => this.#token(url),
      minReconnectDelay: 500 + Math.random() * 500,
      maxReconnectDelay: 20_000,
    });
    client.on('connecting', () => {
      this.#socket(false);
      this.#subscriptions.detach();
      client.setToken('');
    });
    client.on('error', () => {
      this.#failed = true;
      if (Date.now() - this.#tokenAt > TOKEN_AGE_MS) client.setToken('');
    });
    client.on('connected', () => {
      this.#retries = 0;
      this.#failed = false;
      this.#socket(true);
      this.#subscriptions.attach(client);
      this.options.onConnected();
    });
    client.on('subscribed', ({ channel, recovered }) => {
      if (isPersonal(channel) && !recovered) this.options.onGap();
    });
    client.on('publication', ({ channel, data }) => this.#receive(channel, data));
    const pulse = client.newSubscription(PULSE);
    pulse.on('publication', ({ data }) => this.#receive(PULSE, data));
    pulse.subscribe();
    client.on('disconnected', () => {
      this.#socket(false);
      if (this.#closed) return;
      this.#subscriptions.detach(true);
      client.removeAllListeners();
      this.#client = null;
      this.#again(this.#backoff());
    });
    return client;
  }

  async #token(url: string): Promise<string> {
    const first = this.#first;
    this.#first = null;
    if (first && Date.now() - this.#tokenAt < TOKEN_AGE_MS) return first.token;
    // While real time is away, everybody would ask again and again for what opens nothing.
    if (this.#failed && !(await opens(url))) throw new Error('no socket opens');
    try {
      const token = await this.options.fetchConnectionToken();
      this.#tokenAt = Date.now();
      if (!token) throw new UnauthorizedError('real time is off');
      return token.token;
    } catch (error) {
      throw this.options.isSessionOver(error) ? new UnauthorizedError('session over') : error;
    }
  }

  #receive(channel: string, data: unknown): void {
    const events = readPublication(data);
    const about = events.filter(({ type }) => type !== 'tick');
    if (about.length > 0) this.options.onEvents(about, isPersonal(channel));
    if (about.length !== events.length) this.#tick();
  }

  #tick(): void {
    const now = Date.now();
    const silent = this.#lastTick > 0 && now - this.#lastTick >= TICK_LIMIT_MS;
    this.#lastTick = now;
    // Whatever was published during the silence may never have come.
    if (silent || this.#status === 'not-live') this.options.onGap();
    this.#check();
  }

  #socket(connected: boolean): void {
    if (this.#connected !== connected) {
      this.#connected = connected;
      this.#since = Date.now();
    }
    this.#check();
  }

  #check(): void {
    if (this.#closed) return;
    const status = liveStatus({
      now: Date.now(),
      online: navigator.onLine,
      enabled: this.#enabled,
      connected: this.#connected,
      since: this.#since,
      lastTick: this.#lastTick,
      syncing: this.#syncing,
    });
    if (status === this.#status) return;
    this.#status = status;
    this.options.onStatus(status);
  }

  #backoff(): number {
    const ceiling = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#retries);
    this.#retries = Math.min(this.#retries + 1, 10);
    return RETRY_MIN_MS / 2 + Math.random() * ceiling;
  }

  #again(delayMs: number): void {
    clearTimeout(this.#retryTimer);
    if (this.#closed) return;
    this.#retryTimer = setTimeout(() => void this.#start(), delayMs);
  }
}

/** Whether somebody takes a socket there. */
function opens(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const end = (opened: boolean) => {
      clearTimeout(timer);
      socket.close();
      resolve(opened);
    };
    const timer = setTimeout(end, LOOK_MS, false);
    socket.onopen = () => end(true);
    socket.onerror = () => end(false);
  });
}

function webSocketUrl(endpoint: string): string {
  const url = new URL(endpoint, location.href);
  url.protocol = url.protocol.replace(/^http/, 'ws');
  return url.href;
}
