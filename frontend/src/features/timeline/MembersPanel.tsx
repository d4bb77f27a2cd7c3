import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { MembersDocument } from '../../gql/graphql.ts';
import { Queries } from '../../shared/graphql/Queries.tsx';
import { request } from '../../shared/graphql/request.ts';
import { text } from '../../shared/i18n/text.ts';
import { Avatar } from '../../shared/ui/Avatar.tsx';
import { Button, IconButton } from '../../shared/ui/Button.tsx';
import { ConfirmDialog } from '../../shared/ui/ConfirmDialog.tsx';
import { Bone, Notice, Patience } from '../../shared/ui/State.tsx';
import type { RoomEntry } from '../rooms/model.ts';
import { leaveRoom } from '../rooms/store.ts';
import styles from './MembersPanel.module.css';

const PAGE = 50;
/** Joins and leaves come in bursts: the list is asked for once. */
const SETTLE_MS = 1_000;

interface MembersPanelProps {
  room: RoomEntry;
  onClose(): void;
}

export default function MembersPanel(props: MembersPanelProps) {
  return (
    <Queries>
      <Members {...props} />
    </Queries>
  );
}

function Members({ room, onClose }: MembersPanelProps) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const closer = useRef<HTMLButtonElement>(null);
  const [leaving, setLeaving] = useState(false);
  const { data, status, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } =
    useInfiniteQuery({
      queryKey: ['members', room.id],
      initialPageParam: null as string | null,
      queryFn: async ({ pageParam, signal }) => {
        const variables = { roomId: room.id, first: PAGE, after: pageParam };
        const { room: found } = await request(MembersDocument, variables, { signal });
        return found?.members ?? null;
      },
      getNextPageParam: (page) => (page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null),
    });

  // Whoever opens the panel is in it, and back where they were after.
  useEffect(() => {
    const before = document.activeElement;
    closer.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  // Who joined or left since is on the next load of the list.
  const { countVersion } = room;
  const shown = useRef(countVersion);
  useEffect(() => {
    if (shown.current === countVersion) return;
    const timer = setTimeout(() => {
      shown.current = countVersion;
      void queries.invalidateQueries({ queryKey: ['members', room.id] });
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [countVersion, queries, room.id]);

  const members = data?.pages.flatMap((page) => page?.nodes ?? []) ?? [];

  return (
    <aside className={styles.panel} aria-label={text.room.members}>
      <header className={styles.head}>
        <h2>{text.rooms.members(room.memberCount)}</h2>
        <IconButton ref={closer} icon="close" label={text.close} onClick={onClose} />
      </header>
      {status === 'pending' && (
        <Patience>
          <div className={styles.list} role="status" aria-label={text.room.members}>
            {['a', 'b', 'c', 'd'].map((key) => (
              <div key={key} className={styles.member}>
                <Bone kind="avatar" />
                <Bone kind="name" />
              </div>
            ))}
          </div>
        </Patience>
      )}
      {status === 'error' && (
        <Notice
          alert
          title={text.room.membersFailed}
          action={<Button onClick={() => void refetch()}>{text.tryAgain}</Button>}
        />
      )}
      {status === 'success' && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <ul className={styles.list} tabIndex={0} aria-label={text.room.members}>
          {members.map(({ user, role }) => (
            <li key={user.id} className={styles.member}>
              <Avatar id={user.id} name={user.displayName} small />
              <span className={styles.words}>
                <span className={styles.name}>{user.displayName}</span>
                <span className={styles.username}>{user.username}</span>
              </span>
              {text.room.role[role] && <span className={styles.role}>{text.room.role[role]}</span>}
            </li>
          ))}
          {hasNextPage && (
            <li className={styles.more}>
              <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                {text.room.moreMembers}
              </Button>
            </li>
          )}
        </ul>
      )}
      {room.member && (
        <footer className={styles.foot}>
          <Button onClick={() => setLeaving(true)}>{text.room.leave}</Button>
        </footer>
      )}
      {leaving && (
        <ConfirmDialog
          title={text.room.leaveTitle(room.name)}
          hint={text.room.leaveHint}
          confirm={text.room.leave}
          onConfirm={async () => {
            await leaveRoom(room.id);
            await navigate({ to: '/rooms' });
          }}
          onClose={() => setLeaving(false)}
        />
      )}
    </aside>
  );
}
