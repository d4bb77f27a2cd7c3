import { text } from '../../shared/i18n/text.ts';
import { useHere } from './here.ts';
import styles from './Typing.module.css';

/** More names than these are a number. */
const MAX_NAMES = 3;

/** Who writes in the open room; its line is there all the time, so that nothing moves. */
export function Typing() {
  const people = useHere((here) => here.people);
  const count = useHere((here) => here.count);
  return (
    <div className={styles.typing}>
      {words(
        people.map(({ displayName }) => displayName),
        count,
      )}
    </div>
  );
}

function words(names: readonly string[], count: number): string {
  if (names.length > 0 && names.length <= MAX_NAMES) return text.room.typing(names);
  const all = Math.max(names.length, count);
  return all > 0 ? text.room.typingCount(all) : '';
}
