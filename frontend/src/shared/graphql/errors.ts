/** What a request can end with, other than an answer. */
export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'CONFLICT'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  /** No answer: no network, or the server cannot be reached. */
  | 'NETWORK';

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'CONFLICT',
  'RATE_LIMITED',
  'UNAVAILABLE',
]);

export class RequestError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    /** The input field at fault. */
    readonly field: string | null = null,
    /** When trying again makes sense, in ms. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
    this.name = 'RequestError';
  }

  /** Whether the same request may succeed later. */
  get temporary(): boolean {
    return this.code === 'NETWORK' || this.code === 'UNAVAILABLE' || this.code === 'RATE_LIMITED';
  }
}

export function codeOf(error: unknown): ErrorCode {
  return error instanceof RequestError ? error.code : 'UNAVAILABLE';
}

/** Reads one entry of a GraphQL answer's `errors`. */
export function errorFrom(entry: unknown): RequestError {
  const { message, extensions } = asRecord(entry);
  const { code, field, retryAfterMs } = asRecord(extensions);
  return new RequestError(
    typeof code === 'string' && CODES.has(code) ? (code as ErrorCode) : 'UNAVAILABLE',
    typeof message === 'string' ? message : '',
    typeof field === 'string' ? field : null,
    typeof retryAfterMs === 'number' ? retryAfterMs : null,
  );
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
