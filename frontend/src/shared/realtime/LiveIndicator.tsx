import { text } from '../i18n/text.ts';
import styles from './LiveIndicator.module.css';
import { useLive } from './live.ts';

/** Says whether changes come at once. A `quiet` one repeats another: it is not read out. */
export function LiveIndicator({ quiet = false }: { quiet?: boolean }) {
  const status = useLive((state) => state.status);
  return (
    <span
      className={styles.live}
      role={quiet ? undefined : 'status'}
      aria-hidden={quiet ? true : undefined}
      data-status={status}
    >
      {text.live[status]}
    </span>
  );
}
