import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { BansDocument, type BansQuery } from '../../gql/graphql.ts';
import { codeOf } from '../../shared/graphql/errors.ts';
import { request } from '../../shared/graphql/request.ts';
import { formatExact } from '../../shared/i18n/format.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { text } from '../../shared/i18n/text.ts';
import { Avatar } from '../../shared/ui/Avatar.tsx';
import { Button } from '../../shared/ui/Button.tsx';
import { cx } from '../../shared/ui/cx.ts';
import { Notice } from '../../shared/ui/State.tsx';
import { refusalText } from '../rooms/refusal.ts';
import { Loading } from './Loading.tsx';
import styles from './MembersPanel.module.css';
import { unban } from './moderation.ts';

type Ban = NonNullable<BansQuery['room']>['bans']['nodes'][number];

const PAGE = 50;

interface BanListProps {
  roomId: string;
  /** Says what was done to whoever does not see it. */
  onDone(words: string): void;
}

/** Who is kept out of a room, the latest first. */
export function BanList({ roomId, onDone }: BanListProps) {
  const list = useRef<HTMLDivElement>(null);
  const { data, status, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } =
    useInfiniteQuery({
      queryKey: ['bans', roomId],
      initialPageParam: null as string | null,
      queryFn: async ({ pageParam, signal }) => {
        const variables = { roomId, first: PAGE, after: pageParam };
        const { room } = await request(BansDocument, variables, { signal });
        return room?.bans ?? null;
      },
      getNextPageParam: (page) => (page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null),
      // Whoever opens the list wants to know how it is now.
      staleTime: 0,
    });

  const bans = data?.pages.flatMap((page) => page?.nodes ?? []) ?? [];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div ref={list} className={styles.scroll} tabIndex={0}>
      {status === 'pending' && <Loading label={roomText.bans.loading} />}
      {status === 'error' && (
        <Notice
          alert
          title={roomText.bans.failed}
          action={<Button onClick={() => void refetch()}>{text.tryAgain}</Button>}
        />
      )}
      {status === 'success' && bans.length === 0 && (
        <Notice title={roomText.bans.empty}>{roomText.bans.emptyHint}</Notice>
      )}
      {bans.length > 0 && (
        <ul className={styles.rows} aria-label={roomText.members.bans}>
          {bans.map((ban) => (
            <BanRow
              key={`${ban.user?.id} ${ban.createdAt}`}
              ban={ban}
              roomId={roomId}
              onDone={(words) => {
                onDone(words);
                // Its row goes: the focus stays in the list.
                list.current?.focus();
              }}
            />
          ))}
        </ul>
      )}
      {hasNextPage && (
        <div className={styles.more}>
          <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {roomText.members.more}
          </Button>
        </div>
      )}
    </div>
  );
}

interface BanRowProps extends BanListProps {
  ban: Ban;
}

function BanRow({ ban, roomId, onDone }: BanRowProps) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const { user, by, reason, until, createdAt } = ban;
  const name = user?.displayName ?? roomText.bans.someone;

  const lift = async () => {
    if (!user) return;
    setBusy(true);
    setError(null);
    try {
      await unban(roomId, user.id);
    } catch (failure) {
      // One that is not there any more was lifted, or has ended.
      if (codeOf(failure) !== 'NOT_FOUND') {
        setError(refusalText(failure));
        setBusy(false);
        return;
      }
    }
    onDone(roomText.members.isUnbanned(name));
    await queries.invalidateQueries({ queryKey: ['bans', roomId] });
  };

  return (
    <li className={cx(styles.member, styles.ban)}>
      <Avatar id={user?.id ?? ''} name={name} small />
      <span className={styles.words}>
        <span className={styles.name}>{name}</span>
        <span className={styles.username} title={formatExact(createdAt)}>
          {until ? roomText.bans.until(until) : roomText.bans.forever}
          {by && ` · ${roomText.bans.by(by.displayName)}`}
        </span>
        {reason && <span className={styles.reason}>{reason}</span>}
        {error && (
          <span className={styles.error} role="alert">
            {error}
          </span>
        )}
      </span>
      {user && (
        <Button disabled={busy} aria-label={roomText.bans.liftOf(name)} onClick={() => void lift()}>
          {roomText.bans.lift}
        </Button>
      )}
    </li>
  );
}
