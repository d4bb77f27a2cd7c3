/** A stand-in for `POST /graphql`: answers by operation name. */

import { vi } from 'vitest';

type Answer = Record<string, unknown> | Error;
type Handler = (variables: Record<string, unknown>) => Answer | Promise<Answer>;

export interface Server {
  /** Operations in the order in which they were asked. */
  readonly asked: string[];
  on(operation: string, handler: Handler): void;
}

/** Replaces `fetch` until the test ends (`unstubGlobals`). */
export function stubServer(): Server {
  const handlers = new Map<string, Handler>();
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    const { query, variables } = JSON.parse(String(init.body));
    const operation = /(?:query|mutation) (\w+)/.exec(query)?.[1] ?? '';
    asked.push(operation);
    const handler = handlers.get(operation);
    if (!handler) throw new Error(`not expected: ${operation}`);
    const answer = await handler(variables);
    if (answer instanceof Error) throw answer;
    return new Response(JSON.stringify(answer), {
      headers: { 'content-type': 'application/json' },
    });
  });
  return { asked, on: (operation, handler) => handlers.set(operation, handler) };
}

export function failure(code: string, extensions: Record<string, unknown> = {}): Answer {
  return { data: null, errors: [{ message: code, extensions: { code, ...extensions } }] };
}
