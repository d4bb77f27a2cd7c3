/** Read marks: grown at once on the screen, told to the server now and then. */

import { MarkReadDocument } from '../../gql/graphql.ts';
import { request } from '../../shared/graphql/request.ts';
import { noteRead, useRooms } from '../rooms/store.ts';

/** A room's marks are told at most this often, those of a large one less. */
const INTERVAL_MS = 5_000;
const LARGE_INTERVAL_MS = 15_000;
/** Whoever touches nothing for this long has gone idle. */
const IDLE_MS = 5_000;
const INPUTS = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const;

interface Mark {
  wanted: number;
  told: number;
  toldAt: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const marks = new Map<string, Mark>();
let listening = false;
let lastInput = 0;
let idleTimer: ReturnType<typeof setTimeout> | undefined;

/** Everything up to `number` has been on the screen. */
export function markRead(roomId: string, number: number): void {
  noteRead(roomId, number);
  listen();
  const mark = marks.get(roomId) ?? { wanted: 0, told: 0, toldAt: 0, timer: undefined };
  marks.set(roomId, mark);
  if (number <= mark.wanted) return;
  mark.wanted = number;
  mark.timer ??= setTimeout(
    () => void tell(roomId, mark),
    Math.max(0, mark.toldAt + intervalOf(roomId) - Date.now()),
  );
}

/** Tells at once what is not told yet: of a room that is left, or of all. */
export function tellMarks(roomId?: string): void {
  for (const [id, mark] of marks) {
    if ((roomId !== undefined && id !== roomId) || mark.wanted <= mark.told) continue;
    clearTimeout(mark.timer);
    void tell(id, mark);
  }
}

function intervalOf(roomId: string): number {
  const { route } = useRooms.getState().rooms[roomId] ?? {};
  return route?.mode === 'ROOM' ? LARGE_INTERVAL_MS : INTERVAL_MS;
}

async function tell(roomId: string, mark: Mark): Promise<void> {
  const number = mark.wanted;
  mark.toldAt = Date.now();
  // Until it is answered, what comes meanwhile waits for its turn.
  const timer = setTimeout(() => {
    mark.timer = undefined;
    if (mark.wanted > mark.told && marks.get(roomId) === mark) void tell(roomId, mark);
  }, intervalOf(roomId));
  mark.timer = timer;
  try {
    await request(MarkReadDocument, { roomId, number }, { keepalive: true });
    mark.told = Math.max(mark.told, number);
  } catch {
    // A later one says it again.
  }
}

/** Whoever goes away, or stops reading, is not waited for. */
function listen(): void {
  if (listening) return;
  listening = true;
  document.addEventListener('visibilitychange', onVisibility);
  for (const input of INPUTS) addEventListener(input, onInput, { passive: true });
  onInput();
}

function onVisibility(): void {
  if (document.visibilityState === 'hidden') tellMarks();
}

function onInput(): void {
  lastInput = Date.now();
  idleTimer ??= setTimeout(onQuiet, IDLE_MS);
}

function onQuiet(): void {
  const rest = lastInput + IDLE_MS - Date.now();
  idleTimer = rest > 0 ? setTimeout(onQuiet, rest) : undefined;
  if (rest <= 0) tellMarks();
}

export function forgetMarks(): void {
  for (const { timer } of marks.values()) clearTimeout(timer);
  marks.clear();
  clearTimeout(idleTimer);
  idleTimer = undefined;
  listening = false;
  document.removeEventListener('visibilitychange', onVisibility);
  for (const input of INPUTS) removeEventListener(input, onInput);
}
