import { memo, useRef } from 'react';
import { formatExact, formatTime } from '../../shared/i18n/format.ts';
import { text } from '../../shared/i18n/text.ts';
import { Avatar } from '../../shared/ui/Avatar.tsx';
import { IconButton } from '../../shared/ui/Button.tsx';
import { cx } from '../../shared/ui/cx.ts';
import { MessageEditor } from './MessageEditor.tsx';
import styles from './MessageRow.module.css';
import { Markdown } from './markdown/Markdown.tsx';
import type { MessageState } from './model/timeline.ts';
import { usePeople } from './people.ts';

const LONG_PRESS_MS = 450;

interface MessageRowProps {
  rowKey: string;
  message: MessageState;
  /** The first of its group: with avatar and name. */
  leads: boolean;
  own: boolean;
  removable: boolean;
  editing: boolean;
  tabStop: boolean;
  onEdit(messageId: string | null): void;
  onRemove(messageId: string): void;
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps) {
  const { rowKey, message, leads, own, removable, editing, tabStop, onEdit, onRemove } = props;
  const name = usePeople((people) => people[message.authorId]?.displayName) ?? text.room.someone;
  const press = useLongPress();
  const deleted = message.deletedAt !== null;
  const time = formatTime(message.createdAt);

  return (
    <article
      data-key={rowKey}
      className={cx(styles.row, leads && styles.leads)}
      aria-label={`${name}, ${time}`}
      tabIndex={tabStop ? 0 : -1}
      {...press}
    >
      {leads ? (
        <Avatar id={message.authorId} name={name} />
      ) : (
        <time className={styles.aside} dateTime={message.createdAt}>
          {time}
        </time>
      )}
      <div className={styles.body}>
        {leads && (
          <div className={styles.who}>
            <b>{name}</b>
            <time dateTime={message.createdAt} title={formatExact(message.createdAt)}>
              {time}
            </time>
          </div>
        )}
        {editing ? (
          <MessageEditor message={message} onDone={() => onEdit(null)} />
        ) : deleted ? (
          <p className={styles.gone}>{text.room.deleted}</p>
        ) : (
          <div className={styles.content}>
            <Markdown source={message.content} />
            {message.editedAt && (
              <span className={styles.edited} title={formatExact(message.editedAt)}>
                {text.room.edited}
              </span>
            )}
          </div>
        )}
      </div>
      {removable && !deleted && !editing && (
        <div className={styles.tools}>
          {own && (
            <IconButton
              icon="edit"
              label={text.room.edit}
              tabIndex={tabStop ? 0 : -1}
              onClick={() => onEdit(message.id)}
            />
          )}
          <IconButton
            icon="trash"
            label={text.room.remove}
            tabIndex={tabStop ? 0 : -1}
            onClick={() => onRemove(message.id)}
          />
        </div>
      )}
    </article>
  );
});

/** A long press focuses the row, which shows its tools. */
function useLongPress() {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stop = () => clearTimeout(timer.current);
  return {
    onPointerDown: (event: React.PointerEvent<HTMLElement>) => {
      if (event.pointerType !== 'touch') return;
      const row = event.currentTarget;
      timer.current = setTimeout(() => row.focus({ preventScroll: true }), LONG_PRESS_MS);
    },
    onPointerUp: stop,
    onPointerCancel: stop,
    onPointerMove: stop,
  };
}
