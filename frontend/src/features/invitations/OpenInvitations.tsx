import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { RoomInvitationsDocument } from '../../gql/graphql.ts';
import { request } from '../../shared/graphql/request.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { text } from '../../shared/i18n/text.ts';
import { Avatar } from '../../shared/ui/Avatar.tsx';
import { Button } from '../../shared/ui/Button.tsx';
import { Icon } from '../../shared/ui/Icon.tsx';
import { Bone, Notice, Patience } from '../../shared/ui/State.tsx';
import { useSession } from '../auth/session.ts';
import { refusalText } from '../rooms/refusal.ts';
import styles from './InviteDialog.module.css';
import { type Invitation, revokeInvitation } from './invitations.ts';

const PAGE = 50;

/** Of what the open invitations of a room are kept under. */
export const openKey = (roomId: string) => ['invitations', roomId];

/** A room's invitations that can be used, each with how far it is used and a way to end it. */
export function OpenInvitations({ roomId }: { roomId: string }) {
  const place = useRef<HTMLDivElement>(null);
  const { data, status, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } =
    useInfiniteQuery({
      queryKey: openKey(roomId),
      initialPageParam: null as string | null,
      queryFn: async ({ pageParam, signal }) => {
        const variables = { roomId, first: PAGE, after: pageParam };
        const { room } = await request(RoomInvitationsDocument, variables, { signal });
        return room?.invitations ?? null;
      },
      getNextPageParam: (page) => (page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null),
      // Whoever opens the list wants to know how it is now.
      staleTime: 0,
    });

  if (status === 'pending') return <Loading />;
  if (status === 'error') {
    return (
      <Notice
        alert
        title={roomText.invite.failed}
        action={<Button onClick={() => void refetch()}>{text.tryAgain}</Button>}
      />
    );
  }
  const invitations = data.pages.flatMap((page) => page?.nodes ?? []);
  return (
    <div ref={place} tabIndex={-1}>
      {invitations.length === 0 && <p className={styles.note}>{roomText.invite.none}</p>}
      <ul className={styles.list} aria-labelledby="open-invitations">
        {invitations.map((invitation) => (
          <Row
            key={invitation.id}
            invitation={invitation}
            onRevoked={() => place.current?.focus()}
          />
        ))}
      </ul>
      {hasNextPage && (
        <div className={styles.more}>
          <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {roomText.invite.more}
          </Button>
        </div>
      )}
    </div>
  );
}

interface RowProps {
  invitation: Invitation;
  /** Its row goes: the focus stays in the list. */
  onRevoked(): void;
}

function Row({ invitation, onRevoked }: RowProps) {
  const queries = useQueryClient();
  const me = useSession((state) => state.viewer?.id);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const { id, roomId, invitee, inviter, uses, maxUses, expiresAt } = invitation;
  const words = roomText.invite;
  const details = [
    invitee ? null : words.used(uses, maxUses),
    words.until(expiresAt),
    inviter && inviter.id !== me && words.by(inviter.displayName),
  ].filter((detail): detail is string => typeof detail === 'string');
  const name = invitee?.displayName ?? words.aLink;

  const revoke = async () => {
    setBusy(true);
    setError(null);
    try {
      await revokeInvitation(id);
      onRevoked();
      await queries.invalidateQueries({ queryKey: openKey(roomId) });
    } catch (failure) {
      setError(refusalText(failure));
      setBusy(false);
    }
  };

  return (
    <li className={styles.row}>
      {invitee ? (
        <Avatar id={invitee.id} name={invitee.displayName} small />
      ) : (
        <span className={styles.mark}>
          <Icon name="link" small />
        </span>
      )}
      <span className={styles.words}>
        <span className={styles.name}>{name}</span>
        <span className={styles.detail}>{details.join(' · ')}</span>
        {error && (
          <span className={styles.error} role="alert">
            {error}
          </span>
        )}
      </span>
      <Button
        disabled={busy}
        aria-label={words.revokeOf(`${name}, ${details.join(', ')}`)}
        onClick={() => void revoke()}
      >
        {words.revoke}
      </Button>
    </li>
  );
}

function Loading() {
  return (
    <Patience>
      <div role="status" aria-label={roomText.invite.loading}>
        {['a', 'b'].map((key) => (
          <div key={key} className={styles.row}>
            <Bone kind="avatar" />
            <Bone kind="line" />
          </div>
        ))}
      </div>
    </Patience>
  );
}
