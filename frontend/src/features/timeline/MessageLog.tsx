import {
  type KeyboardEvent,
  type RefObject,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { formatDay } from '../../shared/i18n/format.ts';
import { text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { Icon } from '../../shared/ui/Icon.tsx';
import { Bone, Notice } from '../../shared/ui/State.tsx';
import { loadNewer, loadNewest, loadOlder, setInView, trimOlder } from './history.ts';
import styles from './MessageLog.module.css';
import { MessageRow } from './MessageRow.tsx';
import { buildRows, type Row } from './model/rows.ts';
import { SendRow } from './SendRow.tsx';
import { ScrollKeeper } from './scroll.ts';
import type { Held } from './store.ts';

/** Pages load when less than this many screens are left. */
const SCREENS_AHEAD = 1.5;

export interface LogHandle {
  toEnd(): void;
  /** Puts the focus on the last row. */
  focusLast(): void;
}

interface MessageLogProps {
  roomId: string;
  roomName: string;
  /** Whether the viewer may write. */
  member: boolean;
  held: Held;
  me: string;
  newAfter: number | null;
  editing: string | null;
  onEdit(messageId: string | null): void;
  /** Whether the viewer may delete what others wrote; of whom, the server decides. */
  moderates: boolean;
  onRemove(messageId: string): void;
  /** How many are new below. */
  below: number;
  onAtEnd(atEnd: boolean): void;
  ref: RefObject<LogHandle | null>;
}

/** The messages of a room: a bounded window of rows that grows where one reads. */
export function MessageLog(props: MessageLogProps) {
  const { roomId, held, me, newAfter, moderates, editing, onEdit, onRemove, onAtEnd } = props;
  const { timeline, sends } = held;
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const keeper = useRef<ScrollKeeper | null>(null);
  const [atEnd, setAtEnd] = useState(true);
  const [active, setActive] = useState<string | null>(null);
  const hasNewer = timeline?.hasNewer ?? false;

  const rows = useMemo(
    () =>
      timeline
        ? buildRows({
            messages: timeline.messages,
            sends: timeline.hasNewer ? [] : sends,
            me,
            newAfter,
            hasOlder: timeline.hasOlder,
          })
        : [],
    [timeline, sends, me, newAfter],
  );
  const lastKey = rows.at(-1)?.key ?? null;
  const idByKey = useMemo(() => {
    const ids = new Map<string, string>();
    for (const row of rows) if (row.kind === 'message') ids.set(row.key, row.message.id);
    return ids;
  }, [rows]);

  const settle = useCallback(() => {
    const [view, keep] = [scroller.current, keeper.current];
    if (!view || !keep) return;
    setAtEnd(keep.atEnd);
    onAtEnd(keep.atEnd);
    setInView(roomId, keep.reading === null ? null : (idByKey.get(keep.reading) ?? null));
    const reach = view.clientHeight * SCREENS_AHEAD;
    if (view.scrollTop < reach) void loadOlder(roomId);
    if (view.scrollHeight - view.clientHeight - view.scrollTop < reach) {
      if (hasNewer) void loadNewer(roomId);
      else if (keep.atEnd) void trimOlder(roomId);
    }
  }, [roomId, hasNewer, idByKey, onAtEnd]);

  // A room opens at its first new message, else at the newest.
  useLayoutEffect(() => {
    if (!scroller.current || !content.current) return;
    keeper.current = new ScrollKeeper(scroller.current, content.current);
    const line = keeper.current.find('new');
    if (line) keeper.current.toRow(line);
    else keeper.current.toEnd();
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever the rows show may move them.
  useLayoutEffect(() => {
    keeper.current?.restore();
  }, [rows, editing, held]);

  useEffect(settle, [settle]);

  useEffect(() => {
    const [view, inside] = [scroller.current, content.current];
    if (!view || !inside) return;
    const observer = new ResizeObserver(() => keeper.current?.restore());
    observer.observe(view);
    observer.observe(inside);
    return () => observer.disconnect();
  }, []);

  useImperativeHandle(
    props.ref,
    () => ({
      toEnd: () => {
        if (hasNewer) void loadNewest(roomId).then(() => keeper.current?.toEnd());
        else keeper.current?.toEnd();
        settle();
      },
      focusLast: () => {
        if (lastKey) keeper.current?.find(lastKey)?.focus();
      },
    }),
    [roomId, hasNewer, settle, lastKey],
  );

  const onScroll = () => {
    keeper.current?.record(hasNewer);
    settle();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const row = event.target;
    if (!(row instanceof HTMLElement) || row.dataset.key === undefined) return;
    const next = walk(row, event.key);
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: 'nearest' });
  };

  const tabStop = active !== null && rows.some(({ key }) => key === active) ? active : lastKey;

  const renderRow = (row: Row) => {
    switch (row.kind) {
      case 'day':
        return (
          <div key={row.key} data-key={row.key} className={styles.day}>
            {formatDay(row.at)}
          </div>
        );
      case 'new':
        return (
          <div key="new" data-key="new" className={styles.newLine}>
            {text.room.newLine}
          </div>
        );
      case 'send':
        return (
          <SendRow
            key={row.key}
            rowKey={row.key}
            send={row.send}
            leads={row.leads}
            tabStop={row.key === tabStop}
          />
        );
      case 'message':
        return (
          <MessageRow
            key={row.key}
            rowKey={row.key}
            message={row.message}
            leads={row.leads}
            own={row.message.authorId === me}
            removable={moderates || row.message.authorId === me}
            editing={editing === row.message.id}
            tabStop={row.key === tabStop}
            onEdit={onEdit}
            onRemove={onRemove}
          />
        );
    }
  };

  return (
    <div className={styles.frame}>
      <section
        ref={scroller}
        className={styles.log}
        role="log"
        aria-live="off"
        aria-label={text.room.messages}
        tabIndex={rows.length === 0 ? 0 : -1}
        onScroll={onScroll}
        onKeyDown={onKeyDown}
        onFocus={(event) => {
          const key = event.target.closest<HTMLElement>('[data-key]')?.dataset.key;
          if (key !== undefined) setActive(key);
        }}
      >
        <div className={styles.fill} />
        {rows.length === 0 ? (
          <Notice title={text.room.empty}>
            {props.member ? text.room.emptyHint : text.room.emptyGuest}
          </Notice>
        ) : (
          <Top held={held} roomId={roomId} roomName={props.roomName} />
        )}
        <div ref={content} className={styles.rows}>
          {rows.map(renderRow)}
        </div>
        {held.failed.newer && hasNewer && (
          <p className={styles.edge} role="alert">
            {text.room.newerFailed}{' '}
            <Button onClick={() => void loadNewer(roomId)}>{text.tryAgain}</Button>
          </p>
        )}
      </section>
      {!atEnd && props.below > 0 && (
        <button type="button" className={styles.jump} onClick={() => toEndOf(props.ref)}>
          <Icon name="down" />
          {text.room.newMessages(props.below)}
        </button>
      )}
      {!atEnd && props.below === 0 && (
        <button
          type="button"
          className={styles.return}
          aria-label={text.room.toNewest}
          title={text.room.toNewest}
          onClick={() => toEndOf(props.ref)}
        >
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}

/** What stands above the first row that is held. */
function Top({ held, roomId, roomName }: { held: Held; roomId: string; roomName: string }) {
  if (!held.timeline?.hasOlder) {
    return <p className={styles.beginning}>{text.room.beginning(roomName)}</p>;
  }
  if (held.failed.older) {
    return (
      <p className={styles.edge} role="alert">
        {text.room.olderFailed}{' '}
        <Button onClick={() => void loadOlder(roomId)}>{text.tryAgain}</Button>
      </p>
    );
  }
  return (
    <div className={styles.older} role="status" aria-label={text.room.loading}>
      <Bone kind="avatar" />
      <span>
        <Bone kind="name" />
        <Bone kind="line" />
      </span>
    </div>
  );
}

function toEndOf(log: RefObject<LogHandle | null>): void {
  log.current?.toEnd();
}

/** The row that a key leads to. */
function walk(row: HTMLElement, key: string): HTMLElement | null {
  const rows = [...(row.parentElement?.querySelectorAll<HTMLElement>(':scope > [tabindex]') ?? [])];
  const at = rows.indexOf(row);
  switch (key) {
    case 'ArrowUp':
      return rows[at - 1] ?? null;
    case 'ArrowDown':
      return rows[at + 1] ?? null;
    case 'Home':
      return rows[0] ?? null;
    case 'End':
      return rows.at(-1) ?? null;
    default:
      return null;
  }
}
