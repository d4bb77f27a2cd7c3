import { useState } from 'react';
import { codeOf } from '../graphql/errors.ts';
import { errorText, text } from '../i18n/text.ts';
import { Button } from './Button.tsx';
import styles from './ConfirmDialog.module.css';
import { Dialog } from './Dialog.tsx';

interface ConfirmDialogProps {
  title: string;
  hint: string;
  confirm: string;
  /** What it is about; an error stays in the dialog. */
  onConfirm(): Promise<void>;
  onClose(): void;
  /** What an error means here, and what to do. */
  explain?(error: unknown): string;
}

export function ConfirmDialog({
  title,
  hint,
  confirm,
  onConfirm,
  onClose,
  explain = (error) => errorText(codeOf(error)),
}: ConfirmDialogProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = async () => {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (failure) {
      setError(explain(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p className={error ? styles.error : styles.hint} role={error ? 'alert' : undefined}>
        {error ?? hint}
      </p>
      <div className={styles.actions}>
        <Button onClick={onClose}>{text.cancel}</Button>
        <Button look="danger" disabled={busy} onClick={() => void run()}>
          {confirm}
        </Button>
      </div>
    </Dialog>
  );
}
