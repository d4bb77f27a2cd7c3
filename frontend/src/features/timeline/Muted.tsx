import { useEffect, useRef } from 'react';
import { roomText } from '../../shared/i18n/roomText.ts';
import { Icon } from '../../shared/ui/Icon.tsx';
import { isOpenEnded } from '../rooms/mute.ts';
import styles from './Muted.module.css';

interface MutedProps {
  until: string;
  /** The composer is there again, and what stood in its place had the focus. */
  onOver(): void;
}

/** Why the composer is off, and until when. */
export default function Muted({ until, onOver }: MutedProps) {
  const place = useRef<HTMLDivElement>(null);

  // Whoever was in the composer is in what takes its place, and back after.
  useEffect(() => {
    const { current } = place;
    if (document.activeElement === document.body) current?.focus();
    return () => {
      if (current === document.activeElement || document.activeElement === document.body) onOver();
    };
  }, [onOver]);

  return (
    <div ref={place} className={styles.muted} role="status" tabIndex={-1}>
      <Icon name="hush" />
      <div>
        <p className={styles.title}>
          {isOpenEnded(until) ? roomText.muted.untilLifted : roomText.muted.until(until)}
        </p>
        <p className={styles.hint}>{roomText.muted.hint}</p>
      </div>
    </div>
  );
}
