import { useEffect, useRef, useState } from 'react';
import { codeOf } from '../../shared/graphql/errors.ts';
import { errorText, text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import styles from './Composer.module.css';
import { charsOver } from './limits.ts';
import type { MessageState } from './model/timeline.ts';
import { edit } from './sending.ts';
import { TextBox, type TextBoxHandle } from './TextBox.tsx';

/** Edits an own message in its place. */
export function MessageEditor({ message, onDone }: { message: MessageState; onDone(): void }) {
  const [value, setValue] = useState(message.content);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const box = useRef<TextBoxHandle>(null);
  const over = charsOver(value);

  useEffect(() => box.current?.focus(), []);

  const save = async () => {
    if (busy || over > 0 || !value.trim()) return;
    if (value === message.content) return onDone();
    setBusy(true);
    setError(null);
    try {
      await edit(message.roomId, message.id, value);
      onDone();
    } catch (failure) {
      setError(errorText(codeOf(failure), failure instanceof Error ? failure.message : ''));
      setBusy(false);
    }
  };

  return (
    <div className={styles.editor}>
      <div className={styles.box}>
        <TextBox
          ref={box}
          label={text.composer.editLabel}
          value={value}
          onChange={setValue}
          onEnter={() => void save()}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            event.preventDefault();
            event.stopPropagation();
            onDone();
          }}
        />
      </div>
      <div className={styles.editActions}>
        <span
          className={error || over ? styles.over : undefined}
          role={error ? 'alert' : undefined}
        >
          {error ?? (over > 0 ? text.composer.tooLong(over) : text.composer.editHint)}
        </span>
        <span className={styles.grow} />
        <Button onClick={onDone}>{text.cancel}</Button>
        <Button
          look="primary"
          disabled={busy || over > 0 || !value.trim()}
          onClick={() => void save()}
        >
          {text.save}
        </Button>
      </div>
    </div>
  );
}
