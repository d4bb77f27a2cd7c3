import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { roomText } from '../../shared/i18n/roomText.ts';
import { Notice } from '../../shared/ui/State.tsx';
import type { Ending } from '../rooms/membership.ts';
import styles from './RoomScreen.module.css';

/** What happened, in place of a room that the viewer has no part in any more. */
export default function Departed({ name, ending }: { name: string; ending: Ending }) {
  const link = useRef<HTMLAnchorElement>(null);
  // Where what had the focus is gone, it is at what to do next.
  useEffect(() => {
    if (document.activeElement === document.body) link.current?.focus();
  }, []);
  return (
    <Notice
      alert
      heading
      title={roomText.gone[ending](name)}
      action={
        <Link ref={link} to="/rooms" className={styles.link}>
          {roomText.way.rooms}
        </Link>
      }
    >
      {roomText.gone[`${ending}Hint`]}
    </Notice>
  );
}
