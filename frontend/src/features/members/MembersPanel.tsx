import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { Queries } from '../../shared/graphql/Queries.tsx';
import { roomText } from '../../shared/i18n/roomText.ts';
import { text } from '../../shared/i18n/text.ts';
import { Button, IconButton } from '../../shared/ui/Button.tsx';
import { Icon } from '../../shared/ui/Icon.tsx';
import type { RoomEntry } from '../rooms/model.ts';
import { may } from '../rooms/permissions.ts';
import { BanList } from './BanList.tsx';
import { MemberList } from './MemberList.tsx';
import styles from './MembersPanel.module.css';

const InviteDialog = lazy(() => import('../invitations/InviteDialog.tsx'));

/** Joins and leaves come in bursts: the list is asked for once. */
const SETTLE_MS = 1_000;

interface MembersPanelProps {
  room: RoomEntry;
  onClose(): void;
}

export default function MembersPanel(props: MembersPanelProps) {
  return (
    <Queries>
      <Panel {...props} />
    </Queries>
  );
}

function Panel({ room, onClose }: MembersPanelProps) {
  const closer = useRef<HTMLButtonElement>(null);
  const [tab, setTab] = useState<'members' | 'bans'>('members');
  const [inviting, setInviting] = useState(false);
  const [done, setDone] = useState('');
  const moderates = may(room.role, 'ban');
  const shown = moderates ? tab : 'members';

  // Whoever opens the panel is in it, and back where they were after.
  useEffect(() => {
    const before = document.activeElement;
    closer.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  useRenewed(room);

  return (
    <aside className={styles.panel} aria-label={text.room.members}>
      <header className={styles.head}>
        <h2>{text.rooms.members(room.memberCount)}</h2>
        {may(room.role, 'invite') && (
          <Button onClick={() => setInviting(true)}>
            <Icon name="invite" small />
            {roomText.invite.action}
          </Button>
        )}
        <IconButton ref={closer} icon="close" label={text.close} onClick={onClose} />
      </header>
      {moderates && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is sent.
        <div className={styles.tabs} role="group" aria-label={roomText.members.tabs}>
          {(['members', 'bans'] as const).map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={shown === name}
              onClick={() => setTab(name)}
            >
              {name === 'members' ? roomText.members.tab : roomText.members.bans}
            </button>
          ))}
        </div>
      )}
      {shown === 'members' ? (
        <MemberList room={room} onDone={setDone} />
      ) : (
        <BanList roomId={room.id} onDone={setDone} />
      )}
      <div className={styles.spoken} role="status">
        {done}
      </div>
      <Suspense>
        {inviting && <InviteDialog room={room} onClose={() => setInviting(false)} />}
      </Suspense>
    </aside>
  );
}

/** Who joined or left, and whose role changed since, is on the next load of the lists. */
function useRenewed({ id, countVersion, version }: RoomEntry) {
  const queries = useQueryClient();
  const now = `${countVersion} ${version}`;
  const shown = useRef(now);
  useEffect(() => {
    if (shown.current === now) return;
    const timer = setTimeout(() => {
      shown.current = now;
      void queries.invalidateQueries({ queryKey: ['members', id] });
      void queries.invalidateQueries({ queryKey: ['bans', id] });
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [now, queries, id]);
}
