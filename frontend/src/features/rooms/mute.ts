/** Who may not write for a time. */

import { useEffect, useState } from 'react';

/** Longest delay of a timer (ms). */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** From here on a mute counts as one that lasts until somebody lifts it. */
const OPEN_ENDED_MS = 180 * 86_400_000;

export function isOpenEnded(until: string, now = Date.now()): boolean {
  return Date.parse(until) - now > OPEN_ENDED_MS;
}

function isMuted(until: string | null, now = Date.now()): until is string {
  return until !== null && Date.parse(until) > now;
}

/** Until when somebody may not write; null once that is over. */
export function useMute(until: string | null): string | null {
  const [over, setOver] = useState<string | null>(null);
  useEffect(() => {
    if (until === null) return;
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      const left = Date.parse(until) - Date.now();
      if (left <= 0) setOver(until);
      else timer = setTimeout(look, Math.min(left, MAX_TIMER_MS));
    };
    look();
    return () => clearTimeout(timer);
  }, [until]);
  return over !== until && isMuted(until) ? until : null;
}
