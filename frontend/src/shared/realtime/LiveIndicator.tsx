import { text } from '../i18n/text.ts';
import styles from './LiveIndicator.module.css';
import { useLive } from './live.ts';

/** Says whether changes come at once. A `short` one repeats another: it is not read out. */
export function LiveIndicator({ short = false }: { short?: boolean }) {
  const status = useLive((state) => state.status);
  return (
    <span
      className={styles.live}
      role={short ? undefined : 'status'}
      aria-hidden={short ? true : undefined}
      data-status={status}
    >
      {short ? text.liveShort[status] : text.live[status]}
    </span>
  );
}
