import type { TypedDocumentString } from '../../gql/graphql.ts';
import { errorFrom, RequestError } from './errors.ts';

/** Where the access token comes from; set once by the session. */
export interface TokenSource {
  current(): string | null;
  /** A token newer than `stale`; null when the session is over. */
  renew(stale: string | null): Promise<string | null>;
}

export interface RequestOptions {
  signal?: AbortSignal;
  /** Lets the request outlive the page. */
  keepalive?: boolean;
  /** Sends no access token and renews none: for signing in and refreshing. */
  anonymous?: boolean;
}

const TIMEOUT_MS = 15_000;
const ENDPOINT = '/graphql';
/** Nullable fields that an answer is good without: a message reads on while nobody can say who its author is. */
const DISPENSABLE: ReadonlySet<unknown> = new Set(['author', 'token', 'headToken']);

let tokens: TokenSource = { current: () => null, renew: async () => null };

export function setTokenSource(source: TokenSource): void {
  tokens = source;
}

/**
 * Runs one operation. An access token that is no longer good is renewed once.
 * @throws RequestError for whatever is not an answer.
 */
export async function request<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  options: RequestOptions = {},
): Promise<Result> {
  const token = options.anonymous ? null : tokens.current();
  try {
    return await post(document, variables, token, options);
  } catch (error) {
    if (options.anonymous || !isUnauthenticated(error)) throw error;
    const renewed = await tokens.renew(token);
    if (renewed === null) throw error;
    return post(document, variables, renewed, options);
  }
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof RequestError && error.code === 'UNAUTHENTICATED';
}

async function post<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  token: string | null,
  { signal, keepalive }: RequestOptions,
): Promise<Result> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(ENDPOINT, {
      method: 'POST',
      credentials: 'same-origin',
      cache: 'no-store',
      keepalive: keepalive ?? false,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query: document.toString(), variables }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new RequestError('NETWORK', 'no answer');
  }
  return read<Result>(response);
}

async function read<Result>(response: Response): Promise<Result> {
  let body: { data?: Result | null; errors?: { path?: unknown[] }[] };
  try {
    body = await response.json();
  } catch {
    throw new RequestError(statusCode(response.status), `HTTP ${response.status}`);
  }
  const failed = body.errors?.find(({ path }) => !DISPENSABLE.has(path?.at(-1)));
  if (failed !== undefined) throw errorFrom(failed);
  if (body.data === undefined || body.data === null) {
    throw new RequestError(statusCode(response.status), `HTTP ${response.status}`);
  }
  return body.data;
}

function statusCode(status: number) {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 429) return 'RATE_LIMITED';
  return 'UNAVAILABLE';
}
