import { formatTime } from '../../shared/i18n/format.ts';
import { text } from '../../shared/i18n/text.ts';
import { Avatar } from '../../shared/ui/Avatar.tsx';
import { cx } from '../../shared/ui/cx.ts';
import { useSession } from '../auth/session.ts';
import styles from './MessageRow.module.css';
import { Markdown } from './markdown/Markdown.tsx';
import type { OwnSend } from './model/sends.ts';
import { discard, sendAgain } from './sending.ts';

interface SendRowProps {
  rowKey: string;
  send: OwnSend;
  leads: boolean;
  tabStop: boolean;
}

/** An own message on its way: quiet, unless it waits or failed. */
export function SendRow({ rowKey, send, leads, tabStop }: SendRowProps) {
  const viewer = useSession((state) => state.viewer);
  const name = viewer?.displayName ?? text.room.someone;
  const time = formatTime(send.createdAt);
  const failed = send.state === 'failed';
  return (
    <article
      data-key={rowKey}
      className={cx(styles.row, leads && styles.leads)}
      aria-label={`${name}, ${failed ? time : text.room.sending}`}
      tabIndex={tabStop ? 0 : -1}
    >
      {leads ? <Avatar id={viewer?.id ?? ''} name={name} /> : <span />}
      <div className={styles.body}>
        {leads && (
          <div className={styles.who}>
            <b>{name}</b>
            <time dateTime={send.createdAt}>{time}</time>
          </div>
        )}
        <div className={styles.pending}>
          <Markdown source={send.content} />
        </div>
        {send.failure && send.state !== 'sending' && (
          <div className={styles.state} role={failed ? 'alert' : 'status'}>
            <span className={cx(failed && styles.failed)}>{text.room.failure[send.failure]}</span>
            <button
              type="button"
              className={cx(failed && styles.failed)}
              onClick={() => sendAgain(send)}
            >
              {failed ? text.room.sendAgain : text.room.sendNow}
            </button>
            <button type="button" onClick={() => discard(send)}>
              {text.room.discard}
            </button>
          </div>
        )}
      </div>
    </article>
  );
}
