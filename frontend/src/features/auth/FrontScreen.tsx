import type { ReactNode } from 'react';
import { Brand } from '../../shared/ui/Brand.tsx';
import styles from './AuthScreen.module.css';

interface FrontScreenProps {
  title: string;
  lead: string;
  children: ReactNode;
}

/** The frame of what stands before the rooms. */
export function FrontScreen({ title, lead, children }: FrontScreenProps) {
  return (
    <main className={styles.screen}>
      <svg className={styles.squares} viewBox="0 0 26 26" aria-hidden="true">
        <rect x="2" y="2" width="10.5" height="10.5" rx="2.5" />
        <rect x="13.5" y="2" width="10.5" height="10.5" rx="2.5" />
        <rect x="2" y="13.5" width="10.5" height="10.5" rx="2.5" />
        <rect x="13.5" y="13.5" width="10.5" height="10.5" rx="2.5" className={styles.corner} />
      </svg>
      <div className={styles.card}>
        <Brand />
        <div>
          <h1>{title}</h1>
          <p className={styles.lead}>{lead}</p>
        </div>
        {children}
      </div>
    </main>
  );
}
