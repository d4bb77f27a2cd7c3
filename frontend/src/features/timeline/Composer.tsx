import { type Ref, useId, useState } from 'react';
import { text } from '../../shared/i18n/text.ts';
import { cx } from '../../shared/ui/cx.ts';
import { Icon } from '../../shared/ui/Icon.tsx';
import styles from './Composer.module.css';
import { draftOf, keepDraft } from './drafts.ts';
import { sayTyping } from './here.ts';
import { charsOver } from './limits.ts';
import { send } from './sending.ts';
import { TextBox, type TextBoxHandle } from './TextBox.tsx';

interface ComposerProps {
  roomId: string;
  roomName: string;
  onSent(): void;
  /** Up in an empty composer. */
  onEditLast(): void;
  ref: Ref<TextBoxHandle>;
}

export function Composer({ roomId, roomName, onSent, onEditLast, ref }: ComposerProps) {
  const [value, setValue] = useState(() => draftOf(roomId));
  const over = charsOver(value);
  const noteId = useId();
  const [full, setFull] = useState(false);
  const note = over > 0 ? text.composer.tooLong(over) : full ? text.composer.full : null;
  const ready = value.trim() !== '' && over === 0;

  const change = (next: string) => {
    setValue(next);
    setFull(false);
    keepDraft(roomId, next);
    if (next.trim() !== '') sayTyping(roomId);
  };

  const submit = () => {
    if (!ready) return;
    if (!send(roomId, value)) {
      setFull(true);
      return;
    }
    change('');
    onSent();
  };

  return (
    <div className={cx(styles.box, styles.composer)}>
      <TextBox
        ref={ref}
        label={text.composer.label(roomName)}
        value={value}
        describedBy={noteId}
        onChange={change}
        onEnter={submit}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowUp' || value !== '') return;
          event.preventDefault();
          onEditLast();
        }}
      />
      <div className={styles.actions}>
        <span
          id={noteId}
          className={note ? styles.over : styles.hint}
          role={note ? 'alert' : undefined}
        >
          {note ?? text.composer.hint}
        </span>
        <span className={styles.grow} />
        <button
          type="button"
          className={styles.send}
          aria-label={text.composer.send}
          disabled={!ready}
          onClick={submit}
        >
          <span>{text.composer.send}</span>
          <Icon name="up" small />
        </button>
      </div>
    </div>
  );
}
