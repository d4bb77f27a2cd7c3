import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { roomText } from '../../shared/i18n/roomText.ts';
import { text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { Dialog } from '../../shared/ui/Dialog.tsx';
import { Field } from '../../shared/ui/Field.tsx';
import type { RoomEntry } from './model.ts';
import styles from './RoomSettings.module.css';
import { refusalText } from './refusal.ts';
import { deleteRoom } from './settings.ts';

/** Asks for the room's name before it is gone for good. */
export function DeleteRoom({ room, onClose }: { room: RoomEntry; onClose(): void }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const matches = typed.trim().normalize('NFC') === room.name;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !matches) return;
    setBusy(true);
    setError(null);
    try {
      await deleteRoom(room.id);
      onClose();
      await navigate({ to: '/rooms' });
    } catch (failure) {
      setError(refusalText(failure));
      setBusy(false);
    }
  };

  return (
    <Dialog title={roomText.remove.title(room.name)} onClose={onClose}>
      <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <p className={styles.hint}>{roomText.remove.hint}</p>
        <Field
          label={roomText.remove.type(room.name)}
          value={typed}
          data-focus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          error={error}
          onChange={(event) => setTyped(event.target.value)}
        />
        <div className={styles.actions}>
          <Button onClick={onClose}>{text.cancel}</Button>
          <Button type="submit" look="danger" disabled={busy || !matches}>
            {roomText.remove.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
