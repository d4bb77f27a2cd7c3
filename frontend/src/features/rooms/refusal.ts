import { codeOf, RequestError } from '../../shared/graphql/errors.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { errorText } from '../../shared/i18n/text.ts';

/** What a refused act means, and what to do: the server says which rule stood against it. */
export function refusalText(error: unknown): string {
  const code = codeOf(error);
  if (code === 'FORBIDDEN' && error instanceof RequestError && error.message !== '') {
    return `${error.message} ${roomText.refused.roles}`;
  }
  return errorText(code, error instanceof Error ? error.message : '');
}
