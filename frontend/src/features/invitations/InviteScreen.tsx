import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { codeOf } from '../../shared/graphql/errors.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { Button, buttonClass } from '../../shared/ui/Button.tsx';
import { FrontScreen } from '../auth/FrontScreen.tsx';
import { useSession } from '../auth/session.ts';
import { refusalText } from '../rooms/refusal.ts';
import styles from './InviteScreen.module.css';
import { acceptInvitation, joinedRooms } from './invitations.ts';

type Outcome =
  | { kind: 'already'; room: { id: string; name: string } }
  /** Used up, expired, revoked, or never there: the server does not tell which. */
  | { kind: 'over' }
  | { kind: 'failed'; words: string };

/** Where a link leads: into the room, or to signing in first. */
export function InviteScreen() {
  const { token } = useParams({ from: '/invite/$token' });
  const viewer = useSession((state) => state.viewer);
  if (!viewer) return <SignInFirst token={token} />;
  return <Way key={`${token} ${viewer.id}`} token={token} viewer={viewer} />;
}

function SignInFirst({ token }: { token: string }) {
  const next = `/invite/${encodeURIComponent(token)}`;
  return (
    <FrontScreen title={roomText.way.title} lead={roomText.way.lead}>
      <p className={styles.note}>{roomText.way.first}</p>
      <div className={styles.actions}>
        <Link to="/login" search={{ next }} className={buttonClass('primary')}>
          {roomText.way.login}
        </Link>
        <Link to="/register" search={{ next }} className={buttonClass('plain')}>
          {roomText.way.register}
        </Link>
      </div>
    </FrontScreen>
  );
}

interface WayProps {
  token: string;
  viewer: { displayName: string; username: string };
}

function Way({ token, viewer }: WayProps) {
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const before = useRef<Promise<ReadonlySet<string>> | null>(null);

  // Whoever was a member before is told so; who cannot be told just comes in.
  useEffect(() => {
    before.current ??= joinedRooms().catch(() => new Set<string>());
  }, []);

  const join = async () => {
    if (busy) return;
    setBusy(true);
    setOutcome(null);
    try {
      const joined = await before.current;
      const room = await acceptInvitation({ token });
      if (joined?.has(room.id)) setOutcome({ kind: 'already', room });
      else await navigate({ to: '/rooms/$roomId', params: { roomId: room.id }, replace: true });
    } catch (error) {
      const over = codeOf(error) === 'NOT_FOUND';
      setOutcome(over ? { kind: 'over' } : { kind: 'failed', words: refusalText(error) });
    } finally {
      setBusy(false);
    }
  };

  if (outcome?.kind === 'already') {
    const { id, name } = outcome.room;
    return (
      <Told title={roomText.way.already(name)} lead={roomText.way.alreadyHint}>
        <Link to="/rooms/$roomId" params={{ roomId: id }} className={buttonClass('primary')}>
          {roomText.way.open}
        </Link>
      </Told>
    );
  }
  if (outcome?.kind === 'over') {
    return (
      <Told title={roomText.way.over} lead={roomText.way.overHint}>
        <Link to="/rooms" className={buttonClass('primary')}>
          {roomText.way.rooms}
        </Link>
      </Told>
    );
  }
  return (
    <FrontScreen title={roomText.way.title} lead={roomText.way.lead}>
      <p className={styles.note}>{roomText.way.as(viewer.displayName, viewer.username)}</p>
      {outcome && (
        <p className={styles.error} role="alert">
          {outcome.words}
        </p>
      )}
      <div className={styles.actions}>
        <Button look="primary" onClick={() => void join()}>
          {roomText.way.join}
        </Button>
        <Link to="/rooms" className={buttonClass('plain')}>
          {roomText.way.later}
        </Link>
      </div>
    </FrontScreen>
  );
}

/** What came of it, in place of the question. */
function Told({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  const actions = useRef<HTMLDivElement>(null);
  // What was pressed is gone: the focus is at what to do next.
  useEffect(() => actions.current?.querySelector('a')?.focus(), []);
  return (
    <FrontScreen title={title} lead={lead}>
      <div className={styles.actions} ref={actions}>
        {children}
      </div>
    </FrontScreen>
  );
}
