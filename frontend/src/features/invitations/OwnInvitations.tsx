import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { OwnInvitationsDocument } from '../../gql/graphql.ts';
import { codeOf } from '../../shared/graphql/errors.ts';
import { Queries } from '../../shared/graphql/Queries.tsx';
import { request } from '../../shared/graphql/request.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { Tile } from '../../shared/ui/Avatar.tsx';
import { Button } from '../../shared/ui/Button.tsx';
import { refusalText } from '../rooms/refusal.ts';
import { acceptInvitation, type Invitation, revokeInvitation } from './invitations.ts';
import styles from './OwnInvitations.module.css';

const KEY = ['own invitations'];
/** At most: the rest comes when some of them are answered. */
const FIRST = 20;
/** Nothing pushes invitations: they are asked for so often, and when the tab comes to the front (ms). */
const ASK_MS = 2 * 60_000;
const FRESH_MS = 30_000;

/** The invitations of the viewer by name; nothing while there are none. */
export default function OwnInvitations() {
  return (
    <Queries>
      <Invitations />
    </Queries>
  );
}

function Invitations() {
  const queries = useQueryClient();
  const place = useRef<HTMLElement>(null);
  const { data } = useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) =>
      (await request(OwnInvitationsDocument, { first: FIRST }, { signal })).invitations.nodes,
    staleTime: FRESH_MS,
    refetchInterval: () => ASK_MS * (0.8 + Math.random() * 0.4),
  });
  if (!data || data.length === 0) return null;
  const drop = (gone: string) => {
    // Its row goes: the focus is where the others are, or at the beginning of the list of rooms.
    const next = data.length > 1 ? place.current : place.current?.closest('nav');
    (next?.querySelector<HTMLElement>('a, button') ?? place.current)?.focus();
    queries.setQueryData<Invitation[]>(KEY, (own) => own?.filter(({ id }) => id !== gone));
  };
  return (
    <section ref={place} className={styles.section} aria-labelledby="own-invitations" tabIndex={-1}>
      <h2 className={styles.title} id="own-invitations">
        {roomText.invited.title}
      </h2>
      <ul className={styles.list} aria-labelledby="own-invitations">
        {data.map((invitation) => (
          <Row key={invitation.id} invitation={invitation} onAnswered={drop} />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  invitation: Invitation;
  onAnswered(id: string): void;
}

function Row({ invitation, onAnswered }: RowProps) {
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const { id, roomId, roomName, inviter } = invitation;
  const words = roomText.invited;

  const answer = async (work: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (failure) {
      setError(codeOf(failure) === 'NOT_FOUND' ? words.over : refusalText(failure));
      setBusy(false);
    }
  };
  const accept = () =>
    answer(async () => {
      const room = await acceptInvitation({ id });
      onAnswered(id);
      await navigate({ to: '/rooms/$roomId', params: { roomId: room.id } });
    });

  const decline = () =>
    answer(async () => {
      await revokeInvitation(id);
      onAnswered(id);
    });

  return (
    <li className={styles.row}>
      <Tile id={roomId} name={roomName} />
      <span className={styles.words}>
        <span className={styles.name}>{roomName}</span>
        <span className={styles.by}>
          {inviter ? words.by(inviter.displayName) : words.byNobody}
        </span>
      </span>
      {error && (
        <span className={styles.error} role="alert">
          {error}
        </span>
      )}
      <span className={styles.actions}>
        <Button look="primary" aria-label={words.acceptOf(roomName)} onClick={() => void accept()}>
          {words.accept}
        </Button>
        <Button aria-label={words.declineOf(roomName)} onClick={() => void decline()}>
          {words.decline}
        </Button>
      </span>
    </li>
  );
}
