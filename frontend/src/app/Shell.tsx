import { Link, Outlet, useMatches, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useSession } from '../features/auth/session.ts';
import { unreadOf } from '../features/rooms/model.ts';
import { RoomList } from '../features/rooms/RoomList.tsx';
import { useRooms } from '../features/rooms/store.ts';
import { resumeSends } from '../features/timeline/sending.ts';
import { text } from '../shared/i18n/text.ts';
import { LiveIndicator } from '../shared/realtime/LiveIndicator.tsx';
import { Avatar } from '../shared/ui/Avatar.tsx';
import { Brand } from '../shared/ui/Brand.tsx';
import { IconButton } from '../shared/ui/Button.tsx';
import { Icon } from '../shared/ui/Icon.tsx';
import styles from './Shell.module.css';
import { startSync, stopSync } from './sync.ts';

const CreateRoom = lazy(() => import('../features/rooms/CreateRoom.tsx'));
const loadSwitcher = () => import('../features/rooms/Switcher.tsx');
const Switcher = lazy(loadSwitcher);
const OwnInvitations = lazy(() => import('../features/invitations/OwnInvitations.tsx'));
const SettingsDialog = lazy(() => import('./SettingsDialog.tsx'));
const ShortcutSheet = lazy(() => import('./ShortcutSheet.tsx'));

type Open = 'switcher' | 'create' | 'settings' | 'shortcuts' | null;

/** The rooms at the left, what the address says at the right; one of both when narrow. */
export function Shell() {
  const viewer = useSession((state) => state.viewer);
  const [open, setOpen] = useState<Open>(null);
  const atList = useMatches({ select: (matches) => matches.at(-1)?.routeId === '/shell/rooms' });
  const close = () => setOpen(null);

  useEffect(() => {
    void startSync();
    void resumeSends();
    // Loaded before it is wanted: it jumps without the network too.
    void loadSwitcher().catch(() => {});
    return stopSync;
  }, []);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const what = shortcut(event);
      if (!what) return;
      event.preventDefault();
      setOpen(what);
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);

  useTitle();

  if (!viewer) return null;
  return (
    <div className={styles.shell} data-at={atList ? 'list' : 'main'}>
      <nav className={styles.rooms} aria-label={text.rooms.title}>
        <div className={styles.bar}>
          <Brand />
          <span className={styles.grow} />
          <Link
            to="/discover"
            className={styles.icon}
            aria-label={text.rooms.discover}
            title={text.rooms.discover}
          >
            <Icon name="compass" />
          </Link>
          <IconButton icon="plus" label={text.rooms.create} onClick={() => setOpen('create')} />
        </div>
        <button type="button" className={styles.find} onClick={() => setOpen('switcher')}>
          <Icon name="search" small />
          <span className={styles.grow}>{text.rooms.find}</span>
          <kbd>{JUMP_KEYS}</kbd>
        </button>
        <h2 className={styles.label} id="rooms-title">
          {text.rooms.title}
        </h2>
        <div className={styles.list}>
          <RoomList me={viewer.id} />
        </div>
        {/* Below the list: what comes later moves nothing that is there. */}
        <Suspense>
          <OwnInvitations />
        </Suspense>
        <div className={styles.me}>
          <Avatar id={viewer.id} name={viewer.displayName} small />
          <div className={styles.self}>
            <div className={styles.name}>{viewer.displayName}</div>
            <LiveIndicator />
          </div>
          <IconButton
            icon="settings"
            label={text.rooms.settings}
            onClick={() => setOpen('settings')}
          />
        </div>
      </nav>
      <div className={styles.main}>
        <Outlet />
      </div>
      <Suspense>
        {open === 'switcher' && <Switcher onClose={close} />}
        {open === 'create' && <CreateRoom onClose={close} />}
        {open === 'settings' && (
          <SettingsDialog onClose={close} onShortcuts={() => setOpen('shortcuts')} />
        )}
        {open === 'shortcuts' && <ShortcutSheet onClose={close} />}
      </Suspense>
    </div>
  );
}

/** The tab says where it is and how much is unread. */
function useTitle() {
  const roomId = useParams({ strict: false, select: ({ roomId }) => roomId });
  const name = useRooms(({ rooms }) => (roomId ? rooms[roomId]?.name : undefined));
  const unread = useRooms(({ rooms }) =>
    Object.values(rooms).reduce((sum, room) => sum + unreadOf(room), 0),
  );
  useEffect(() => {
    document.title = text.title(name ?? null, unread);
    return () => {
      document.title = text.title(null, 0);
    };
  }, [name, unread]);
}

const JUMP_KEYS = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘ K' : 'Ctrl K';

function shortcut(event: KeyboardEvent): Open {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') return 'switcher';
  const typing =
    event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement;
  return event.key === '?' && !typing ? 'shortcuts' : null;
}
