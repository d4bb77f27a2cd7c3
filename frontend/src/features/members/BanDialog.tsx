import { type FormEvent, useState } from 'react';
import { RequestError } from '../../shared/graphql/errors.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { Dialog } from '../../shared/ui/Dialog.tsx';
import { Field } from '../../shared/ui/Field.tsx';
import { Select } from '../../shared/ui/Select.tsx';
import styles from './BanDialog.module.css';
import { BANS, endOf } from './moderation.ts';

type Lasts = keyof typeof BANS;

const LASTS = (Object.keys(BANS) as Lasts[]).map((key) => [key, roomText.ban[key]] as const);

interface BanDialogProps {
  name: string;
  /** @throws RequestError */
  onBan(reason: string, until: string | null): Promise<void>;
  explain(error: unknown): string;
  onClose(): void;
}

/** Asks why and for how long. */
export function BanDialog({ name, onBan, explain, onClose }: BanDialogProps) {
  const [reason, setReason] = useState('');
  const [lasts, setLasts] = useState<Lasts>('forever');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<{ field: string | null; message: string } | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setFailure(null);
    try {
      await onBan(reason, endOf(BANS[lasts]));
      onClose();
    } catch (error) {
      const field = error instanceof RequestError ? error.field : null;
      setFailure({ field, message: explain(error) });
      setBusy(false);
    }
  };

  return (
    <Dialog title={roomText.ban.title(name)} onClose={onClose}>
      <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <p className={styles.hint}>{roomText.ban.hint}</p>
        <Field
          label={roomText.ban.reason}
          hint={roomText.ban.reasonHint}
          value={reason}
          data-focus
          error={failure?.field === 'reason' ? failure.message : null}
          onChange={(event) => setReason(event.target.value)}
        />
        <Select
          label={roomText.ban.lasts}
          value={lasts}
          options={LASTS}
          onChange={(next) => setLasts(next as Lasts)}
        />
        {failure && failure.field !== 'reason' && (
          <p className={styles.error} role="alert">
            {failure.message}
          </p>
        )}
        <div className={styles.actions}>
          <Button onClick={onClose}>{text.cancel}</Button>
          <Button type="submit" look="danger" disabled={busy}>
            {roomText.ban.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
