import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { Visibility } from '../../gql/graphql.ts';
import { codeOf, RequestError } from '../../shared/graphql/errors.ts';
import { errorText, text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { Dialog } from '../../shared/ui/Dialog.tsx';
import { Field } from '../../shared/ui/Field.tsx';
import styles from './CreateRoom.module.css';
import { createRoom } from './store.ts';
import { VisibilityChoice } from './VisibilityChoice.tsx';

export default function CreateRoom({ onClose }: { onClose(): void }) {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [topic, setTopic] = useState('');
  const [visibility, setVisibility] = useState<Visibility>('PUBLIC');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<{ field: string | null; message: string } | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !name.trim()) return;
    setBusy(true);
    setFailure(null);
    try {
      const input = { name: name.trim(), topic: topic.trim() || null, visibility };
      const roomId = await createRoom(input);
      onClose();
      await navigate({ to: '/rooms/$roomId', params: { roomId } });
    } catch (error) {
      const field = error instanceof RequestError ? error.field : null;
      const message = errorText(codeOf(error), error instanceof Error ? error.message : '');
      setFailure({ field: field === 'topic' ? 'topic' : 'name', message });
      setBusy(false);
    }
  };

  return (
    <Dialog title={text.create.title} onClose={onClose}>
      <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <Field
          label={text.create.name}
          value={name}
          data-focus
          required
          error={failure?.field === 'name' ? failure.message : null}
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label={text.create.topic}
          hint={text.create.topicHint}
          value={topic}
          error={failure?.field === 'topic' ? failure.message : null}
          onChange={(event) => setTopic(event.target.value)}
        />
        <VisibilityChoice value={visibility} onChange={setVisibility} />
        <div className={styles.actions}>
          <Button onClick={onClose}>{text.cancel}</Button>
          <Button type="submit" look="primary" disabled={busy || !name.trim()}>
            {text.create.submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
