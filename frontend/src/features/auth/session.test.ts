// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { failure, type Server, stubServer } from '../../testing/server.ts';

const USER = { id: 'u', username: 'noor', displayName: 'Noor' };

let server: Server;
let tokens: number;

const session = () => ({
  accessToken: `token-${++tokens}`,
  expiresAt: new Date(Date.now() + 600_000).toISOString(),
  user: USER,
});

/** As a page that was just opened has it. */
async function fresh() {
  vi.resetModules();
  const [{ useSession, startSession, login, logout }, { request }, { HeadsDocument }] =
    await Promise.all([
      import('./session.ts'),
      import('../../shared/graphql/request.ts'),
      import('../../gql/graphql.ts'),
    ]);
  return { useSession, startSession, login, logout, ask: () => request(HeadsDocument, {}) };
}

beforeEach(() => {
  tokens = 0;
  vi.useFakeTimers();
  vi.stubGlobal('BroadcastChannel', undefined);
  server = stubServer();
  server.on('Refresh', () => ({ data: { refreshSession: session() } }));
  server.on('Login', () => ({ data: { login: session() } }));
  server.on('Logout', () => ({ data: { logout: true } }));
  server.on('Heads', () => ({ data: { heads: { pollAfter: 5_000, rooms: [] } } }));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('a session is taken up from the cookie and renewed before its token ends', async () => {
  const { useSession, startSession } = await fresh();
  await startSession({ onEnd: () => {} });
  expect(useSession.getState()).toEqual({ status: 'signed-in', viewer: USER });
  await vi.advanceTimersByTimeAsync(500_000);
  expect(server.asked).toEqual(['Refresh']);
  await vi.advanceTimersByTimeAsync(50_000);
  expect(server.asked).toEqual(['Refresh', 'Refresh']);
});

test('without a session it is anonymous, and says nothing of an end', async () => {
  server.on('Refresh', () => failure('UNAUTHENTICATED'));
  const { useSession, startSession } = await fresh();
  const onEnd = vi.fn();
  await startSession({ onEnd });
  expect(useSession.getState().status).toBe('anonymous');
  expect(onEnd).not.toHaveBeenCalled();
});

test('while the server is away nobody is logged out, and it is asked again', async () => {
  server.on('Refresh', () => new TypeError('no route'));
  const { useSession, startSession } = await fresh();
  await startSession({ onEnd: () => {} });
  expect(useSession.getState().status).toBe('unreachable');
  server.on('Refresh', () => ({ data: { refreshSession: session() } }));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(useSession.getState().status).toBe('signed-in');
});

test('requests that meet an outdated token renew it once, together', async () => {
  const { startSession, ask } = await fresh();
  await startSession({ onEnd: () => {} });
  let good = false;
  server.on('Heads', () =>
    good ? { data: { heads: { pollAfter: 5_000, rooms: [] } } } : failure('UNAUTHENTICATED'),
  );
  server.on('Refresh', () => {
    good = true;
    return { data: { refreshSession: session() } };
  });
  await Promise.all([ask(), ask(), ask()]);
  expect(server.asked.filter((name) => name === 'Refresh')).toHaveLength(2);
});

test('a session that was ended elsewhere ends here', async () => {
  const { useSession, startSession, ask } = await fresh();
  const onEnd = vi.fn();
  await startSession({ onEnd });
  server.on('Heads', () => failure('UNAUTHENTICATED'));
  server.on('Refresh', () => failure('UNAUTHENTICATED'));
  await expect(ask()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(useSession.getState()).toEqual({ status: 'anonymous', viewer: null });
  expect(onEnd).toHaveBeenCalledTimes(1);
});

test('logging out ends the session here even when the server is away', async () => {
  server.on('Refresh', () => failure('UNAUTHENTICATED'));
  const { useSession, startSession, login, logout } = await fresh();
  const onEnd = vi.fn();
  await startSession({ onEnd });
  await login({ username: 'noor', password: 'secret' });
  expect(useSession.getState().status).toBe('signed-in');
  server.on('Logout', () => new TypeError('no route'));
  await expect(logout()).rejects.toMatchObject({ code: 'NETWORK' });
  expect(useSession.getState().status).toBe('anonymous');
  expect(onEnd).toHaveBeenCalledTimes(1);
});
