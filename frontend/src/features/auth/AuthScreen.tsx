import type { FormEvent, ReactNode } from 'react';
import { text } from '../../shared/i18n/text.ts';
import styles from './AuthScreen.module.css';
import { FrontScreen } from './FrontScreen.tsx';

interface AuthScreenProps {
  title: string;
  onSubmit(): void;
  error: string | null;
  foot: ReactNode;
  children: ReactNode;
}

/** The two forms that stand before the rooms. */
export function AuthScreen({ title, onSubmit, error, foot, children }: AuthScreenProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <FrontScreen title={title} lead={text.auth.lead}>
      <form className={styles.form} onSubmit={submit} noValidate>
        {children}
        <p className={styles.error} role="alert">
          {error}
        </p>
      </form>
      <p className={styles.foot}>{foot}</p>
    </FrontScreen>
  );
}
