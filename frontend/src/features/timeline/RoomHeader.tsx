import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { text } from '../../shared/i18n/text.ts';
import { LiveIndicator } from '../../shared/realtime/LiveIndicator.tsx';
import { useLive } from '../../shared/realtime/live.ts';
import { IconButton } from '../../shared/ui/Button.tsx';
import { Icon } from '../../shared/ui/Icon.tsx';
import type { RoomEntry } from '../rooms/model.ts';
import styles from './RoomHeader.module.css';

const RoomSettings = lazy(() => import('../rooms/RoomSettings.tsx'));

interface RoomHeaderProps {
  room: RoomEntry;
  panel: boolean;
  onPanel(): void;
}

export function RoomHeader({ room, panel, onPanel }: RoomHeaderProps) {
  const navigate = useNavigate();
  const [settings, setSettings] = useState(false);
  const live = useLive((state) => state.status === 'live');
  return (
    <header className={styles.head}>
      <IconButton
        icon="left"
        label={text.back}
        className={styles.back}
        onClick={() => void navigate({ to: '/rooms' })}
      />
      <div className={styles.words}>
        <h1>
          {room.name}
          {room.visibility === 'PRIVATE' && <Private />}
        </h1>
        <p className={styles.topic}>{room.topic}</p>
      </div>
      {!live && (
        <span className={styles.status}>
          <LiveIndicator short />
        </span>
      )}
      <span className={styles.pill}>{text.rooms.members(room.memberCount)}</span>
      <IconButton
        icon="users"
        label={text.room.showMembers}
        aria-pressed={panel}
        onClick={onPanel}
      />
      {room.member && (
        <IconButton
          icon="more"
          label={text.room.settings}
          aria-haspopup="dialog"
          onClick={() => setSettings(true)}
        />
      )}
      <Suspense>
        {settings && room.member && <RoomSettings room={room} onClose={() => setSettings(false)} />}
      </Suspense>
    </header>
  );
}

function Private() {
  return (
    <span
      className={styles.lock}
      role="img"
      aria-label={text.rooms.private}
      title={text.rooms.private}
    >
      <Icon name="lock" small />
    </span>
  );
}
