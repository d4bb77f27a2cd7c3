import { clearRooms } from '../features/rooms/store.ts';
import { forgetDrafts } from '../features/timeline/drafts.ts';
import { clearHistory } from '../features/timeline/history.ts';
import { forgetOpen } from '../features/timeline/open.ts';
import { clearPeople } from '../features/timeline/people.ts';
import { forgetMarks } from '../features/timeline/reading.ts';
import { forgetSends } from '../features/timeline/sending.ts';
import { clearTimelines } from '../features/timeline/store.ts';
import { queries } from '../shared/graphql/Queries.tsx';
import { stopSync } from './sync.ts';

/** Empties everything that a session has put into this tab. */
export function forgetEverything(): void {
  stopSync();
  forgetSends();
  forgetMarks();
  forgetDrafts();
  clearHistory();
  forgetOpen();
  clearTimelines();
  clearPeople();
  clearRooms();
  queries.clear();
}
