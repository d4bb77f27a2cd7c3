import { Link } from '@tanstack/react-router';
import { text } from '../shared/i18n/text.ts';
import { Button } from '../shared/ui/Button.tsx';
import { Notice } from '../shared/ui/State.tsx';
import styles from './NoRoom.module.css';

/** A part of the page could not be loaded, or failed. */
export function Failed() {
  return (
    <main className={styles.main}>
      <Notice
        alert
        heading
        title={text.trouble.failed}
        action={
          <Button look="primary" onClick={() => location.reload()}>
            {text.update.reload}
          </Button>
        }
      >
        {text.trouble.failedHint}
      </Notice>
    </main>
  );
}

export function NoSuchPage() {
  return (
    <main className={styles.main}>
      <Notice
        heading
        title={text.trouble.noPage}
        action={
          <Link to="/rooms" className={styles.link}>
            {text.back}
          </Link>
        }
      />
    </main>
  );
}
