// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ConnectionOptions, RealtimeConnection } from './connection.ts';

type Listener = (context: Record<string, unknown>) => void;

/** What the page sees of the SDK, driven by hand. */
class FakeClient {
  static made: FakeClient[] = [];
  readonly listeners = new Map<string, Listener>();
  tokens: string[] = [];
  connects = 0;

  constructor(
    readonly endpoint: string,
    readonly options: { getToken: () => Promise<string> },
  ) {
    FakeClient.made.push(this);
  }
  on(event: string, listener: Listener) {
    this.listeners.set(event, listener);
  }
  emit(event: string, context: Record<string, unknown> = {}) {
    this.listeners.get(event)?.(context);
  }
  setToken(token: string) {
    this.tokens.push(token);
  }
  connect() {
    this.connects += 1;
    this.emit('connecting');
  }
  disconnect() {}
  removeAllListeners() {
    this.listeners.clear();
  }
  readonly pulse = new Map<string, Listener>();
  subscribed: string[] = [];
  newSubscription(channel: string) {
    return {
      on: (event: string, listener: Listener) => this.pulse.set(event, listener),
      subscribe: () => this.subscribed.push(channel),
    };
  }
  tick() {
    this.pulse.get('publication')?.({ data: { v: 1, events: [{ type: 'tick' }] } });
  }
}

/** A socket that opens, or not, as the test says. */
class FakeSocket {
  static made: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }
  close() {
    this.closed = true;
  }
}

vi.mock('centrifuge', () => ({
  get Centrifuge() {
    return FakeClient;
  },
  UnauthorizedError: class extends Error {},
}));

let connection: RealtimeConnection;
let options: { [Key in keyof ConnectionOptions]: ReturnType<typeof vi.fn> };

beforeEach(() => {
  vi.useFakeTimers();
  FakeClient.made = [];
  FakeSocket.made = [];
  vi.stubGlobal('WebSocket', FakeSocket);
  let count = 0;
  options = {
    fetchConnectionToken: vi.fn(async () => {
      count += 1;
      return { token: `token-${count}`, endpoint: '/connection/websocket' };
    }),
    isSessionOver: vi.fn(() => false),
    freshToken: vi.fn(() => null),
    fetchToken: vi.fn(async () => 'token'),
    onConnected: vi.fn(),
    onSubscribed: vi.fn(),
    onRefused: vi.fn(),
    onEvents: vi.fn(),
    onGap: vi.fn(),
    onStatus: vi.fn(),
  };
  connection = new RealtimeConnection(options as unknown as ConnectionOptions);
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function opened(): Promise<FakeClient> {
  connection.open();
  await vi.advanceTimersByTimeAsync(0);
  const [client] = FakeClient.made;
  if (!client) throw new Error('no client');
  return client;
}

async function live(): Promise<FakeClient> {
  const client = await opened();
  client.emit('connected');
  client.emit('subscribed', { channel: 'personal:u', recovered: false });
  client.tick();
  options.onGap.mockClear();
  return client;
}

test('a path is an address of this host', async () => {
  const client = await opened();
  expect(client.endpoint).toBe('ws://localhost:3000/connection/websocket');
});

test('each client subscribes to the sign of life', async () => {
  const client = await opened();
  expect(client.subscribed).toEqual(['pulse:all']);
});

test('each attempt gets a token of its own', async () => {
  const client = await opened();
  expect(client.tokens).toEqual(['']);
  expect(await client.options.getToken()).toBe('token-1');
  expect(await client.options.getToken()).toBe('token-2');
  client.emit('error');
  expect(client.tokens).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(3_500);
  client.emit('error');
  expect(client.tokens).toHaveLength(2);
});

test('after a failed attempt no token is asked for before a socket opens', async () => {
  const client = await live();
  client.emit('connecting');
  expect(await client.options.getToken()).toBe('token-1');
  client.emit('error');
  const none = client.options.getToken();
  const [refused] = FakeSocket.made;
  expect(refused?.url).toBe(client.endpoint);
  refused?.onerror?.();
  await expect(none).rejects.toThrow('no socket opens');
  expect(refused?.closed).toBe(true);
  const silent = client.options.getToken();
  silent.catch(() => {});
  await vi.advanceTimersByTimeAsync(11_000);
  await expect(silent).rejects.toThrow('no socket opens');
  expect(options.fetchConnectionToken).toHaveBeenCalledTimes(1);

  const token = client.options.getToken();
  FakeSocket.made.at(-1)?.onopen?.();
  expect(await token).toBe('token-2');
  client.emit('connected');
  client.emit('connecting');
  expect(await client.options.getToken()).toBe('token-3');
  expect(FakeSocket.made).toHaveLength(3);
});

test('what the SDK takes as final is tried again', async () => {
  const client = await live();
  client.emit('disconnected', { code: 3500 });
  await vi.advanceTimersByTimeAsync(70_000);
  expect(FakeClient.made).toHaveLength(2);
  expect(FakeClient.made[1]?.connects).toBe(1);
});

test('when the session is over, it is left', async () => {
  options.fetchConnectionToken.mockRejectedValue(new Error('401'));
  options.isSessionOver.mockReturnValue(true);
  connection.open();
  await vi.advanceTimersByTimeAsync(200_000);
  expect(options.fetchConnectionToken).toHaveBeenCalledTimes(1);
});

test('while nobody answers, it goes on asking for a token', async () => {
  options.fetchConnectionToken.mockRejectedValue(new Error('no answer'));
  connection.open();
  await vi.advanceTimersByTimeAsync(200_000);
  expect(options.fetchConnectionToken.mock.calls.length).toBeGreaterThan(2);
  expect(connection.status).toBe('not-live');
});

test('with real time switched off it is not live at once, and looks again', async () => {
  options.fetchConnectionToken.mockResolvedValue(null);
  connection.open();
  await vi.advanceTimersByTimeAsync(0);
  expect(connection.status).toBe('not-live');
  await vi.advanceTimersByTimeAsync(61_000);
  expect(options.fetchConnectionToken).toHaveBeenCalledTimes(2);
});

test('a subscription that was not recovered is a gap, one that was is none', async () => {
  const client = await live();
  client.emit('subscribed', { channel: 'personal:u', recovered: true });
  expect(options.onGap).not.toHaveBeenCalled();
  client.emit('subscribed', { channel: 'personal:u', recovered: false });
  expect(options.onGap).toHaveBeenCalledTimes(1);
});

test('12 s without a tick are not live, and the next tick is a gap', async () => {
  const client = await live();
  expect(connection.status).toBe('live');
  await vi.advanceTimersByTimeAsync(13_000);
  expect(connection.status).toBe('not-live');
  client.tick();
  expect(options.onGap).toHaveBeenCalledTimes(1);
  expect(connection.status).toBe('live');
  client.tick();
  expect(options.onGap).toHaveBeenCalledTimes(1);
});

test('a return from sleep is a gap with its first tick, before the clock was looked at', async () => {
  const client = await live();
  vi.setSystemTime(Date.now() + 3_600_000);
  client.tick();
  expect(options.onGap).toHaveBeenCalledTimes(1);
});

test('events are handed on in order, without the ticks', async () => {
  const client = await live();
  const about = { room: 'r', epoch: 'e', time: 't' };
  client.emit('publication', {
    channel: 'personal:u',
    data: {
      v: 1,
      events: [
        { ...about, type: 'read', number: 1 },
        { type: 'tick' },
        { ...about, type: 'read', number: 2 },
      ],
    },
  });
  expect(options.onEvents).toHaveBeenCalledWith(
    [
      { ...about, type: 'read', number: 1 },
      { ...about, type: 'read', number: 2 },
    ],
    true,
  );
});
