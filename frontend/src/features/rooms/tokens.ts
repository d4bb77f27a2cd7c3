/** Tokens that open channels: they came with an answer, and are good for seconds. */

interface Tokens {
  channel: string | null;
  token: string | null;
  headChannel: string | null;
  headToken: string | null;
}

/** A token is good for 6 s; it has to travel, too. */
const GOOD_MS = 4_000;

const tokens = new Map<string, { token: string; at: number }>();

export function noteTokens(realtime: Tokens | null): void {
  if (!realtime) return;
  const at = Date.now();
  const { channel, token, headChannel, headToken } = realtime;
  if (channel !== null && token !== null) tokens.set(channel, { token, at });
  if (headChannel !== null && headToken !== null) {
    tokens.set(headChannel, { token: headToken, at });
  }
}

/** A token of the last few seconds; null: there is none. */
export function freshToken(channel: string): string | null {
  const known = tokens.get(channel);
  if (known && Date.now() - known.at < GOOD_MS) return known.token;
  tokens.delete(channel);
  return null;
}

export function forgetTokens(): void {
  tokens.clear();
}
