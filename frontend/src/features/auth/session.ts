/**
 * The session of this browser. The access token lives in memory only; the
 * refresh token is a cookie that no script sees. Tabs take turns to refresh
 * (where Web Locks exist) and share what they get. Without Web Locks the
 * server's grace for the token just replaced is guard enough.
 */
import { create } from 'zustand';
import {
  LoginDocument,
  type LoginInput,
  LogoutDocument,
  RefreshDocument,
  RegisterDocument,
  type RegisterInput,
  type SessionFieldsFragment,
} from '../../gql/graphql.ts';
import { codeOf } from '../../shared/graphql/errors.ts';
import { request, setTokenSource } from '../../shared/graphql/request.ts';

interface Viewer {
  id: string;
  username: string;
  displayName: string;
}

interface SessionState {
  /** `unknown` until the first refresh was answered; `unreachable` when it could not be. */
  status: 'unknown' | 'anonymous' | 'signed-in' | 'unreachable';
  viewer: Viewer | null;
}

type TabMessage = { type: 'token'; session: SessionFieldsFragment } | { type: 'ended' };

const LOCK = 'plaza-session';
const REFRESH_BEFORE_MS = 60_000;
const MIN_REFRESH_DELAY_MS = 20_000;

export const useSession = create<SessionState>(() => ({ status: 'unknown', viewer: null }));

let accessToken: string | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let renewing: Promise<string | null> | null = null;
let endListener: () => void = () => {};

const tabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('plaza-session');

/** Finds out whether there is a session. Call once, at the start. */
export async function startSession(options: { onEnd: () => void }): Promise<void> {
  endListener = options.onEnd;
  setTokenSource({ current: () => accessToken, renew });
  tabs?.addEventListener('message', (event: MessageEvent<TabMessage>) => hear(event.data));
  await renew(null);
}

export async function login(input: LoginInput): Promise<void> {
  const { login: session } = await request(LoginDocument, { input }, { anonymous: true });
  share(session);
}

export async function register(input: RegisterInput): Promise<void> {
  const { register: session } = await request(RegisterDocument, { input }, { anonymous: true });
  share(session);
}

/** Ends the session in every tab; what this browser holds goes even if the server is away. */
export async function logout(): Promise<void> {
  try {
    await request(LogoutDocument, {});
  } finally {
    tabs?.postMessage({ type: 'ended' } satisfies TabMessage);
    end();
  }
}

/** A token newer than `stale`; null when the session is over or nobody answers. */
async function renew(stale: string | null): Promise<string | null> {
  if (accessToken !== null && accessToken !== stale) return accessToken;
  renewing ??= takeTurn(() => refresh(stale)).finally(() => {
    renewing = null;
  });
  return renewing;
}

async function takeTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  return navigator.locks ? navigator.locks.request(LOCK, work) : work();
}

async function refresh(stale: string | null): Promise<string | null> {
  // Another tab may have been faster.
  if (accessToken !== null && accessToken !== stale) return accessToken;
  try {
    const { refreshSession } = await request(RefreshDocument, {}, { anonymous: true });
    share(refreshSession);
    return refreshSession.accessToken;
  } catch (error) {
    if (codeOf(error) === 'UNAUTHENTICATED') {
      end();
    } else {
      if (useSession.getState().status === 'unknown')
        useSession.setState({ status: 'unreachable' });
      plan(MIN_REFRESH_DELAY_MS);
    }
    return null;
  }
}

function share(session: SessionFieldsFragment): void {
  tabs?.postMessage({ type: 'token', session } satisfies TabMessage);
  hold(session);
}

function hear(message: TabMessage): void {
  if (message.type === 'ended') end();
  else hold(message.session);
}

function hold({ accessToken: token, expiresAt, user }: SessionFieldsFragment): void {
  const { viewer } = useSession.getState();
  if (viewer && viewer.id !== user.id) {
    // Somebody else signed in with another tab: nothing of the first may stay.
    location.reload();
    return;
  }
  accessToken = token;
  useSession.setState({ status: 'signed-in', viewer: user });
  plan(Date.parse(expiresAt) - Date.now() - REFRESH_BEFORE_MS * (1 + Math.random() / 2));
}

function plan(delayMs: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void renew(accessToken), Math.max(delayMs, MIN_REFRESH_DELAY_MS));
}

function end(): void {
  clearTimeout(timer);
  accessToken = null;
  const { status } = useSession.getState();
  useSession.setState({ status: 'anonymous', viewer: null });
  if (status === 'signed-in') endListener();
}
