import { type FormEvent, useState } from 'react';
import { RequestError } from '../../shared/graphql/errors.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { cx } from '../../shared/ui/cx.ts';
import { Dialog } from '../../shared/ui/Dialog.tsx';
import { Field } from '../../shared/ui/Field.tsx';
import { Icon } from '../../shared/ui/Icon.tsx';
import { DeleteRoom } from './DeleteRoom.tsx';
import { LeaveRoom } from './LeaveRoom.tsx';
import type { RoomEntry } from './model.ts';
import { may } from './permissions.ts';
import styles from './RoomSettings.module.css';
import { refusalText } from './refusal.ts';
import { updateRoom } from './settings.ts';
import { VisibilityChoice } from './VisibilityChoice.tsx';

interface RoomSettingsProps {
  room: RoomEntry;
  onClose(): void;
}

/** What a room is, to change for those who may, and the ways out of it. */
export default function RoomSettings({ room, onClose }: RoomSettingsProps) {
  const [ending, setEnding] = useState<'leave' | 'delete' | null>(null);
  const close = () => setEnding(null);
  return (
    <>
      <Dialog title={roomText.settings.title} onClose={onClose}>
        {may(room.role, 'update') ? <Attributes room={room} /> : <About room={room} />}
        <section className={styles.ending} aria-label={roomText.settings.ending}>
          <Button onClick={() => setEnding('leave')}>
            <Icon name="leave" small />
            {roomText.leave.action}
          </Button>
          {may(room.role, 'delete') && (
            <Button className={styles.delete} onClick={() => setEnding('delete')}>
              <Icon name="trash" small />
              {roomText.remove.action}
            </Button>
          )}
        </section>
      </Dialog>
      {ending === 'leave' && <LeaveRoom room={room} onClose={close} />}
      {ending === 'delete' && <DeleteRoom room={room} onClose={close} />}
    </>
  );
}

type Edits = Partial<Pick<RoomEntry, 'name' | 'topic' | 'visibility'>>;

interface Outcome {
  /** null: it was saved. */
  error: string | null;
  field: string | null;
}

/** What nobody types in shows the room as it is, whoever changes it meanwhile. */
function Attributes({ room }: { room: RoomEntry }) {
  const [edits, setEdits] = useState<Edits>({});
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const { name, topic, visibility } = { ...room, ...edits };

  const changes: Edits = {
    ...(name.trim() !== room.name && { name: name.trim() }),
    ...(topic.trim() !== room.topic && { topic: topic.trim() }),
    ...(visibility !== room.visibility && { visibility }),
  };
  const changed = Object.keys(changes).length > 0;
  const about = (field: string) => (outcome?.field === field ? outcome.error : null);
  const edit = (change: Edits) => {
    setEdits({ ...edits, ...change });
    setOutcome(null);
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !changed || !name.trim()) return;
    setBusy(true);
    setOutcome(null);
    try {
      await updateRoom({ roomId: room.id, ...changes });
      setEdits({});
      setOutcome({ error: null, field: null });
    } catch (failure) {
      const field = failure instanceof RequestError ? failure.field : null;
      setOutcome({ error: refusalText(failure), field });
    } finally {
      setBusy(false);
    }
  };

  const error = outcome?.field ? null : outcome?.error;
  return (
    <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
      <Field
        label={roomText.settings.name}
        value={name}
        data-focus
        required
        error={about('name')}
        onChange={(event) => edit({ name: event.target.value })}
      />
      <Field
        label={roomText.settings.topic}
        hint={roomText.settings.topicHint}
        value={topic}
        error={about('topic')}
        onChange={(event) => edit({ topic: event.target.value })}
      />
      <VisibilityChoice value={visibility} onChange={(next) => edit({ visibility: next })} />
      {visibility !== room.visibility && (
        <p className={styles.warning} role="status">
          {visibility === 'PUBLIC' ? roomText.visibility.opens : roomText.visibility.closes}
        </p>
      )}
      <div className={styles.actions}>
        <span className={cx(styles.note, error && styles.error)} role={error ? 'alert' : 'status'}>
          {error ?? (outcome && !changed ? roomText.settings.saved : '')}
        </span>
        <Button type="submit" look="primary" disabled={busy || !changed || !name.trim()}>
          {text.save}
        </Button>
      </div>
    </form>
  );
}

function About({ room }: { room: RoomEntry }) {
  const { visibility } = room;
  return (
    <section className={styles.form} aria-label={roomText.settings.details}>
      <div>
        <p className={styles.name}>{room.name}</p>
        <p className={styles.topic}>{room.topic || roomText.settings.noTopic}</p>
      </div>
      <p className={styles.meaning}>
        <Icon name={visibility === 'PRIVATE' ? 'lock' : 'compass'} small />
        {roomText.visibility[`${visibility}_HINT`]}
      </p>
      <p className={styles.meaning}>{roomText.settings.onlyAdmins}</p>
    </section>
  );
}
