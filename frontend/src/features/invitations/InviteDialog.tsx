import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { codeOf, RequestError } from '../../shared/graphql/errors.ts';
import { Queries } from '../../shared/graphql/Queries.tsx';
import { roomText } from '../../shared/i18n/roomText.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { copyFrom } from '../../shared/ui/copy.ts';
import { Dialog } from '../../shared/ui/Dialog.tsx';
import { Field } from '../../shared/ui/Field.tsx';
import { Select } from '../../shared/ui/Select.tsx';
import type { RoomEntry } from '../rooms/model.ts';
import { refusalText } from '../rooms/refusal.ts';
import styles from './InviteDialog.module.css';
import { invite, linkOf } from './invitations.ts';
import { OpenInvitations, openKey } from './OpenInvitations.tsx';

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

const LASTS = [
  [String(HOUR_S), roomText.invite.hour],
  [String(DAY_S), roomText.invite.day],
  [String(7 * DAY_S), roomText.invite.week],
  [String(30 * DAY_S), roomText.invite.month],
] as const;

const USES = [1, 5, 25, 100, 1_000].map(
  (count) => [String(count), roomText.invite.times(count)] as const,
);

interface InviteDialogProps {
  room: RoomEntry;
  onClose(): void;
}

/** Ways in, by name and by link, and those that are open. */
export default function InviteDialog({ room, onClose }: InviteDialogProps) {
  return (
    <Dialog title={roomText.invite.title(room.name)} onClose={onClose}>
      <Queries>
        <ByName roomId={room.id} />
        <ByLink roomId={room.id} />
        <section className={styles.section} aria-labelledby="open-invitations">
          <h3 id="open-invitations">{roomText.invite.open}</h3>
          <OpenInvitations roomId={room.id} />
        </section>
      </Queries>
    </Dialog>
  );
}

function ByName({ roomId }: { roomId: string }) {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [sent, setSent] = useState<string | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const username = name.trim().replace(/^@/, '');
    if (busy || !username) return;
    setBusy(true);
    setError(null);
    setSent(null);
    try {
      const { invitee } = await invite({ roomId, username });
      setSent(invitee?.displayName ?? username);
      setName('');
      await queries.invalidateQueries({ queryKey: openKey(roomId) });
    } catch (failure) {
      const missing = codeOf(failure) === 'NOT_FOUND';
      setError(missing ? roomText.invite.nobody(username) : refusalText(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <section className={styles.section} aria-labelledby="invite-by-name">
      <h3 id="invite-by-name">{roomText.invite.byName}</h3>
      <form className={styles.line} onSubmit={(event) => void submit(event)} noValidate>
        <Field
          label={roomText.invite.username}
          hint={roomText.invite.usernameHint}
          error={error}
          value={name}
          data-focus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => {
            setName(event.target.value);
            setError(null);
          }}
        />
        <Button type="submit" look="primary" disabled={!name.trim()}>
          {roomText.invite.send}
        </Button>
      </form>
      <p className={styles.good} role="status">
        {sent && roomText.invite.sent(sent)}
      </p>
    </section>
  );
}

function ByLink({ roomId }: { roomId: string }) {
  const queries = useQueryClient();
  const [uses, setUses] = useState('1');
  const [lasts, setLasts] = useState(String(7 * DAY_S));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [link, setLink] = useState<string | null>(null);

  const make = async () => {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      const input = { roomId, maxUses: Number(uses), expiresIn: Number(lasts) };
      const { token } = await invite(input);
      if (token === null) throw new RequestError('UNAVAILABLE', 'no token');
      setLink(linkOf(token));
      await queries.invalidateQueries({ queryKey: openKey(roomId) });
    } catch (failure) {
      setError(refusalText(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <section className={styles.section} aria-labelledby="invite-by-link">
      <h3 id="invite-by-link">{roomText.invite.byLink}</h3>
      <p className={styles.note}>{roomText.invite.linkHint}</p>
      <div className={styles.options}>
        <Select label={roomText.invite.uses} value={uses} options={USES} onChange={setUses} />
        <Select label={roomText.invite.lasts} value={lasts} options={LASTS} onChange={setLasts} />
        <Button onClick={() => void make()}>{roomText.invite.make}</Button>
      </div>
      {error && (
        <p className={styles.error} role="alert">
          {error}
        </p>
      )}
      {link && <MadeLink key={link} link={link} />}
    </section>
  );
}

/** A link that was just made: nobody can see it again. */
function MadeLink({ link }: { link: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [copied, setCopied] = useState<boolean | null>(null);
  const copy = async () => {
    const input = place.current?.querySelector('input');
    if (input) setCopied(await copyFrom(input));
  };
  return (
    <div className={styles.made} ref={place}>
      <div className={styles.line}>
        <Field
          label={roomText.invite.link}
          value={link}
          readOnly
          onFocus={(event) => event.target.select()}
        />
        <Button look="primary" onClick={() => void copy()}>
          {copied ? roomText.invite.copied : roomText.invite.copy}
        </Button>
      </div>
      <p className={styles.note} role="status">
        {copied === false ? roomText.invite.copyFailed : roomText.invite.made}
      </p>
    </div>
  );
}
