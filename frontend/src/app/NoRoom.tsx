import { text } from '../shared/i18n/text.ts';
import { Notice } from '../shared/ui/State.tsx';
import styles from './NoRoom.module.css';

/** What stands beside the list while no room is open. */
export function NoRoom() {
  return (
    <main className={styles.main}>
      <Notice heading title={text.rooms.pick}>
        {text.rooms.pickHint}
      </Notice>
    </main>
  );
}
