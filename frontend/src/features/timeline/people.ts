import { create } from 'zustand';
import { UsersDocument } from '../../gql/graphql.ts';
import { request } from '../../shared/graphql/request.ts';
import type { Person } from './wire.ts';

/** Everybody whose messages were seen, by id. */
export const usePeople = create<Readonly<Record<string, Person>>>(() => ({}));

const MAX_IDS = 100;
const asked = new Set<string>();

export function learnPeople(people: readonly Person[]): void {
  const known = usePeople.getState();
  const news = people.filter(
    ({ id, displayName, username }) =>
      known[id]?.displayName !== displayName || known[id]?.username !== username,
  );
  if (news.length > 0) {
    usePeople.setState(Object.fromEntries(news.map((person) => [person.id, person])));
  }
}

/** Asks once for authors that neither a page nor a push has named. */
export async function findPeople(ids: readonly string[]): Promise<void> {
  const known = usePeople.getState();
  const missing = [...new Set(ids)].filter((id) => !known[id] && !asked.has(id)).slice(0, MAX_IDS);
  if (missing.length === 0) return;
  for (const id of missing) asked.add(id);
  try {
    const { users } = await request(UsersDocument, { ids: missing });
    learnPeople(users);
  } catch {
    for (const id of missing) asked.delete(id);
  }
}

export function clearPeople(): void {
  asked.clear();
  usePeople.setState({}, true);
}
