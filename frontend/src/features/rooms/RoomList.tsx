import { Link } from '@tanstack/react-router';
import { memo, useMemo } from 'react';
import { formatNumber, formatWhen } from '../../shared/i18n/format.ts';
import { text } from '../../shared/i18n/text.ts';
import { Tile } from '../../shared/ui/Avatar.tsx';
import { Button } from '../../shared/ui/Button.tsx';
import { cx } from '../../shared/ui/cx.ts';
import { Bone, Notice, Patience } from '../../shared/ui/State.tsx';
import { joinedByActivity, type Preview, type RoomEntry, unreadOf } from './model.ts';
import { plainText } from './plain.ts';
import styles from './RoomList.module.css';
import { loadRooms, useRooms } from './store.ts';

/** The joined rooms, by last activity. */
export function RoomList({ me }: { me: string }) {
  const rooms = useRooms((state) => state.rooms);
  const list = useRooms((state) => state.list);
  const joined = useMemo(() => joinedByActivity(rooms), [rooms]);

  if (joined.length > 0) {
    return (
      <ul className={styles.list} aria-labelledby="rooms-title">
        {joined.map((room) => (
          <Row key={room.id} room={room} me={me} />
        ))}
      </ul>
    );
  }
  if (list === 'loading') return <Loading />;
  if (list === 'failed') {
    return (
      <Notice
        alert
        title={text.rooms.failed}
        action={<Button onClick={() => void loadRooms()}>{text.tryAgain}</Button>}
      >
        {text.rooms.failedHint}
      </Notice>
    );
  }
  return (
    <Notice
      title={text.rooms.empty}
      action={
        <Link to="/discover" className={styles.find}>
          {text.rooms.discover}
        </Link>
      }
    >
      {text.rooms.emptyHint}
    </Notice>
  );
}

const Row = memo(function Row({ room, me }: { room: RoomEntry; me: string }) {
  const unread = unreadOf(room);
  return (
    <li>
      <Link
        to="/rooms/$roomId"
        params={{ roomId: room.id }}
        className={cx(styles.room, unread > 0 && styles.unread)}
        activeProps={{ 'aria-current': 'page' }}
      >
        <Tile id={room.id} name={room.name} />
        <span className={styles.words}>
          <span className={styles.name}>{room.name}</span>
          <span className={styles.preview}>
            <PreviewText preview={room.preview} me={me} />
          </span>
        </span>
        <span className={styles.side}>
          {room.preview && <time dateTime={room.activeAt}>{formatWhen(room.activeAt)}</time>}
          {unread > 0 && (
            <span className={styles.badge}>
              <span aria-hidden="true">{formatNumber(unread)}</span>
              <span className={styles.spoken}>{text.rooms.unread(unread)}</span>
            </span>
          )}
        </span>
      </Link>
    </li>
  );
});

function PreviewText({ preview, me }: { preview: Preview | null; me: string }) {
  if (!preview) return text.rooms.nothingYet;
  if (preview.deleted) return text.rooms.deleted;
  const author = preview.authorId === me ? text.rooms.you : preview.author?.split(/\s/)[0];
  const words = plainText(preview.text);
  return author ? `${author}: ${words}` : words;
}

function Loading() {
  return (
    <Patience>
      <div className={styles.list} role="status" aria-label={text.rooms.loading}>
        {Array.from({ length: 7 }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike.
          <div key={index} className={styles.room}>
            <Bone kind="tile" />
            <span>
              <Bone kind="name" />
              <Bone kind="line" />
            </span>
          </div>
        ))}
      </div>
    </Patience>
  );
}
