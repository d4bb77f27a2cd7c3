/** Read marks: grown at once on the screen, told to the server now and then. */

import { MarkReadDocument } from '../../gql/graphql.ts';
import { request } from '../../shared/graphql/request.ts';
import { noteRead } from '../rooms/store.ts';

const INTERVAL_MS = 5_000;

interface Mark {
  wanted: number;
  told: number;
  toldAt: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const marks = new Map<string, Mark>();

/** Everything up to `number` has been on the screen. At most one request in 5 s a room. */
export function markRead(roomId: string, number: number): void {
  noteRead(roomId, number);
  const mark = marks.get(roomId) ?? { wanted: 0, told: 0, toldAt: 0, timer: undefined };
  marks.set(roomId, mark);
  if (number <= mark.wanted) return;
  mark.wanted = number;
  mark.timer ??= setTimeout(
    () => void tell(roomId, mark),
    Math.max(0, mark.toldAt + INTERVAL_MS - Date.now()),
  );
}

async function tell(roomId: string, mark: Mark): Promise<void> {
  const number = mark.wanted;
  mark.toldAt = Date.now();
  try {
    await request(MarkReadDocument, { roomId, number }, { keepalive: true });
    mark.told = number;
  } catch {
    // A later mark says it again.
  }
  mark.timer =
    mark.wanted > mark.told && marks.get(roomId) === mark
      ? setTimeout(() => void tell(roomId, mark), INTERVAL_MS)
      : undefined;
}

export function forgetMarks(): void {
  for (const { timer } of marks.values()) clearTimeout(timer);
  marks.clear();
}
