import { text } from '../shared/i18n/text.ts';
import { Button } from '../shared/ui/Button.tsx';
import styles from './UpdateNotice.module.css';
import { useVersion } from './version.ts';

/** Offers the newer page; nobody is thrown out of what they are writing. */
export function UpdateNotice() {
  const outdated = useVersion((state) => state.outdated);
  if (!outdated) return null;
  return (
    <div className={styles.notice} role="status">
      {text.update.ready}
      <Button look="primary" onClick={() => location.reload()}>
        {text.update.reload}
      </Button>
    </div>
  );
}
