import type { Centrifuge } from 'centrifuge';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Centrifuge as FakeClient, Hub, type Verdict } from '../../testing/centrifugo.ts';
import { Subscriptions } from './subscriptions.ts';

vi.mock('centrifuge', () => import('../../testing/centrifugo.ts'));

let hub: Hub;
let client: FakeClient;
let verdicts: (channel: string, token: string) => Verdict;
let subscriptions: Subscriptions;
let fresh: string | null;
const asked: string[] = [];
const said: string[] = [];

const tick = (ms = 20) => vi.advanceTimersByTimeAsync(ms);
const attach = () => subscriptions.attach(client as unknown as Centrifuge);

beforeEach(async () => {
  vi.useFakeTimers();
  asked.length = 0;
  said.length = 0;
  fresh = 'fresh';
  verdicts = () => 'yes';
  hub = new Hub((channel, token) => verdicts(channel, token));
  client = new FakeClient('', { getToken: async () => 'connection' });
  subscriptions = new Subscriptions({
    freshToken: () => fresh,
    fetchToken: async (channel) => {
      asked.push(channel);
      return 'renewed';
    },
    onPublication: (channel, data) => said.push(`${channel} ${data}`),
    onSubscribed: (channel, recovered) =>
      said.push(`${channel} ${recovered ? 'recovered' : 'open'}`),
    onRefused: (channel) => said.push(`${channel} refused`),
  });
  client.on('connecting', () => subscriptions.detach());
  client.on('connected', attach);
  client.connect();
  await tick();
});

afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

test('each channel has one subscription, and what is not wanted has none', async () => {
  subscriptions.hold(['room:a.1', 'private:b.1']);
  subscriptions.hold(['room:a.1', 'private:b.1']);
  await tick();
  expect(client.channels).toEqual(['room:a.1', 'private:b.1']);
  expect(subscriptions.isSubscribed('room:a.1')).toBe(true);
  subscriptions.hold(['private:b.1']);
  expect(client.channels).toEqual(['private:b.1']);
  subscriptions.hold([]);
  expect(client.channels).toEqual([]);
  expect(hub.subscribed.size).toBe(0);
});

test('tokens open what is public alone', async () => {
  const tokens: Record<string, string> = {};
  verdicts = (channel, token) => {
    tokens[channel] = token;
    return 'yes';
  };
  const channels = ['room:a.1', 'head:a.1', 'private:a.1', 'privatehead:a.1', 'live:a.1'];
  subscriptions.hold(channels);
  await tick();
  expect(channels.map((channel) => tokens[channel])).toEqual(['fresh', 'fresh', '', '', '']);
  expect(asked).toEqual([]);
});

test('after a reconnect no old token is used: nothing is opened before hold, and then from where it was', async () => {
  const tokens: string[] = [];
  subscriptions.hold(['room:a.1', 'private:b.1']);
  await tick();
  hub.publish('room:a.1', 'one');
  await tick();
  said.length = 0;
  verdicts = (channel, token) => {
    if (channel === 'room:a.1') tokens.push(token);
    return 'yes';
  };
  fresh = 'newer';
  hub.cut();
  hub.publish('room:a.1', 'two');
  await tick(5_000);
  expect(tokens).toEqual([]);
  expect(client.channels).toEqual(['private:b.1']);
  subscriptions.hold(['room:a.1', 'private:b.1']);
  await tick();
  expect(tokens).toEqual(['newer']);
  expect(said).toEqual(['private:b.1 recovered', 'room:a.1 recovered', 'room:a.1 two']);
});

test('what waits for its token keeps its place', async () => {
  subscriptions.hold(['room:a.1']);
  await tick();
  hub.cut();
  hub.publish('room:a.1', 'missed');
  await tick();
  subscriptions.hold(['room:a.1'], new Set(['room:a.1']));
  await tick();
  expect(client.channels).toEqual([]);
  said.length = 0;
  subscriptions.hold(['room:a.1']);
  await tick();
  expect(said).toEqual(['room:a.1 recovered', 'room:a.1 missed']);
});

test('a token that has expired is asked for alone, one at a time', async () => {
  verdicts = (_, token) => (token === 'renewed' ? 'yes' : 'expired');
  subscriptions.hold(['room:a.1', 'head:a.1']);
  await tick(2_000);
  expect(asked).toEqual(['room:a.1', 'head:a.1']);
  expect(said).toEqual(['room:a.1 open', 'head:a.1 recovered']);
});

test('what is refused, or ended by the server, is told once and let go of', async () => {
  verdicts = () => 'refused';
  subscriptions.hold(['private:a.1']);
  await tick();
  expect(said).toEqual(['private:a.1 refused']);
  expect(client.channels).toEqual([]);
  verdicts = () => 'yes';
  subscriptions.hold(['private:a.1']);
  await tick();
  hub.unsubscribe('private:a.1');
  await tick();
  expect(said.slice(1)).toEqual(['private:a.1 open', 'private:a.1 refused']);
  expect(client.channels).toEqual([]);
});

test('where a room stands is said with each subscribe', async () => {
  hub.publish('head:a.1', 'before');
  subscriptions.hold(['head:a.1']);
  await tick();
  expect(said).toEqual(['head:a.1 recovered', 'head:a.1 before']);
});
