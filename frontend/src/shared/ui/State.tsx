import { type ReactNode, useEffect, useState } from 'react';
import styles from './State.module.css';

const PATIENCE_MS = 150;

/** Shows a skeleton, but not for what is there in a blink. */
export function Patience({ children }: { children: ReactNode }) {
  const [waited, setWaited] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setWaited(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return waited ? children : null;
}

/** A grey line or block of the shape that is to come. */
export function Bone({ kind }: { kind: 'avatar' | 'tile' | 'name' | 'line' | 'short' }) {
  return <span className={`${styles.bone} ${styles[kind]}`} aria-hidden="true" />;
}

interface NoticeProps {
  title: string;
  children?: ReactNode;
  /** The one thing to do. */
  action?: ReactNode;
  alert?: boolean;
  /** It is what the screen is about. */
  heading?: boolean;
}

/** An empty or failed list: one sentence and the one thing to do. */
export function Notice({ title, children, action, alert = false, heading = false }: NoticeProps) {
  return (
    <div className={styles.notice} role={alert ? 'alert' : undefined}>
      {heading ? (
        <h1 className={styles.title}>{title}</h1>
      ) : (
        <p className={styles.title}>{title}</p>
      )}
      {children && <p className={styles.text}>{children}</p>}
      {action}
    </div>
  );
}
