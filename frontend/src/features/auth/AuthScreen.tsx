import type { FormEvent, ReactNode } from 'react';
import { text } from '../../shared/i18n/text.ts';
import { Brand } from '../../shared/ui/Brand.tsx';
import styles from './AuthScreen.module.css';

interface AuthScreenProps {
  title: string;
  onSubmit(): void;
  error: string | null;
  foot: ReactNode;
  children: ReactNode;
}

/** The frame of the two forms that stand before the rooms. */
export function AuthScreen({ title, onSubmit, error, foot, children }: AuthScreenProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
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
          <p className={styles.lead}>{text.auth.lead}</p>
        </div>
        <form className={styles.form} onSubmit={submit} noValidate>
          {children}
          <p className={styles.error} role="alert">
            {error}
          </p>
        </form>
        <p className={styles.foot}>{foot}</p>
      </div>
    </main>
  );
}
