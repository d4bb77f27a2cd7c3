import { Link, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { codeOf, type ErrorCode } from '../../shared/graphql/errors.ts';
import { errorText, text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { Bone, Notice, Patience } from '../../shared/ui/State.tsx';
import { usePageVisible } from '../../shared/ui/usePageVisible.ts';
import { useSession } from '../auth/session.ts';
import { endingOf } from '../rooms/membership.ts';
import { type RoomEntry, unreadOf } from '../rooms/model.ts';
import { useMute } from '../rooms/mute.ts';
import { joinRoom, loadRoom, useRooms } from '../rooms/store.ts';
import { Composer } from './Composer.tsx';
import { loadNewest, openRoom, setOpenRoom } from './history.ts';
import { type LogHandle, MessageLog } from './MessageLog.tsx';
import type { Timeline } from './model/timeline.ts';
import { usePeople } from './people.ts';
import { RoomHeader } from './RoomHeader.tsx';
import styles from './RoomScreen.module.css';
import { markRead } from './reading.ts';
import { remove } from './sending.ts';
import { heldOf, useTimelines } from './store.ts';
import type { TextBoxHandle } from './TextBox.tsx';

const MembersPanel = lazy(() => import('../members/MembersPanel.tsx'));
const ConfirmDialog = lazy(() =>
  import('../../shared/ui/ConfirmDialog.tsx').then((module) => ({ default: module.ConfirmDialog })),
);
const Departed = lazy(() => import('./Departed.tsx'));
const Muted = lazy(() => import('./Muted.tsx'));

export function RoomScreen() {
  const { roomId } = useParams({ from: '/shell/rooms/$roomId' });
  return <Room key={roomId} roomId={roomId} />;
}

function Room({ roomId }: { roomId: string }) {
  const room = useRooms((state) => state.rooms[roomId]);
  const failure = useRooms((state) => state.failures[roomId]);
  const [panel, setPanel] = useState(false);

  useEffect(() => {
    if (!useRooms.getState().rooms[roomId]) void loadRoom(roomId);
  }, [roomId]);

  // How much is unread says how far back the messages have to be loaded.
  const known = room !== undefined;
  const ending = room ? endingOf(room, isMissing(failure)) : null;
  const ended = ending !== null;
  // Gone without a word: whether it can still be read says more.
  const lost = room !== undefined && !room.member && room.departure === null;
  const wasMember = useRef(false);
  useEffect(() => {
    if (lost && wasMember.current) void loadRoom(roomId);
    wasMember.current = room?.member === true;
  }, [lost, room?.member, roomId]);
  useEffect(() => {
    // Of what has ended nothing is asked for any more.
    if (ended) return;
    setOpenRoom(roomId);
    return () => setOpenRoom(null);
  }, [roomId, ended]);
  useEffect(() => {
    const entry = useRooms.getState().rooms[roomId];
    if (known && entry) void openRoom(roomId, unreadOf(entry));
  }, [roomId, known]);

  if (!room) {
    if (!failure) return <main className={styles.main} />;
    const missing = isMissing(failure);
    return (
      <main className={styles.main}>
        <Notice
          alert
          heading
          title={missing ? text.room.notFound : text.room.failed}
          action={
            missing ? (
              <Link to="/rooms" className={styles.link}>
                {text.back}
              </Link>
            ) : (
              <Button onClick={() => void loadRoom(roomId)}>{text.tryAgain}</Button>
            )
          }
        >
          {missing ? text.room.notFoundHint : errorText(failure)}
        </Notice>
      </main>
    );
  }
  if (ending) {
    return (
      <main className={styles.main}>
        <Suspense>
          <Departed name={room.name} ending={ending} />
        </Suspense>
      </main>
    );
  }
  return (
    <div className={styles.split}>
      <main className={styles.main}>
        <RoomHeader room={room} panel={panel} onPanel={() => setPanel(!panel)} />
        <Conversation room={room} />
      </main>
      <Suspense>{panel && <MembersPanel room={room} onClose={() => setPanel(false)} />}</Suspense>
    </div>
  );
}

/** Not there, or not for the viewer: the same to whoever asks. */
function isMissing(failure: ErrorCode | undefined): boolean {
  return failure === 'NOT_FOUND' || failure === 'FORBIDDEN' || failure === 'BAD_USER_INPUT';
}

/** The log and what stands below it. */
function Conversation({ room }: { room: RoomEntry }) {
  const roomId = room.id;
  const me = useSession((state) => state.viewer?.id ?? '');
  const held = useTimelines((state) => state.held[roomId]) ?? heldOf(roomId);
  const { timeline } = held;
  const [editing, setEditing] = useState<string | null>(null);
  const [removing, setRemoving] = useState<string | null>(null);
  const composer = useRef<TextBoxHandle>(null);
  const log = useRef<LogHandle>(null);
  const reading = useReading(room, timeline);
  const mutedUntil = useMute(room.mutedUntil);

  // It is there again after this.
  const focusComposer = useCallback(
    () => requestAnimationFrame(() => composer.current?.focus()),
    [],
  );
  const stopEditing = useCallback((id: string | null) => {
    setEditing(id);
    if (id === null) composer.current?.focus();
  }, []);

  useEffect(() => {
    if (matchMedia('(hover: hover)').matches) composer.current?.focus();
    const onKeyDown = (event: globalThis.KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) composer.current?.focus();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);

  const editLast = () => {
    const last = timeline?.messages.findLast(
      ({ authorId, deletedAt }) => authorId === me && deletedAt === null,
    );
    if (last) setEditing(last.id);
  };

  return (
    <>
      {timeline ? (
        <MessageLog
          ref={log}
          roomId={roomId}
          roomName={room.name}
          member={room.member}
          held={held}
          me={me}
          newAfter={reading.newAfter}
          editing={editing}
          onEdit={stopEditing}
          onRemove={setRemoving}
          below={reading.below}
          onAtEnd={reading.setAtEnd}
        />
      ) : (
        <BeforeLog roomId={roomId} failed={held.failed.first !== null} busy={held.loading.first} />
      )}
      <Announcer timeline={timeline} me={me} />
      <footer className={styles.foot}>
        <div className={styles.wrap}>
          {mutedUntil ? (
            <Suspense fallback={<div className={styles.guest} />}>
              <Muted until={mutedUntil} onOver={focusComposer} />
            </Suspense>
          ) : room.member ? (
            <Composer
              ref={composer}
              roomId={roomId}
              roomName={room.name}
              onSent={() => log.current?.toEnd()}
              onEditLast={editLast}
            />
          ) : (
            <Guest room={room} />
          )}
        </div>
      </footer>
      <Suspense>
        {removing && (
          <ConfirmDialog
            title={text.room.removeTitle}
            hint={text.room.removeHint}
            confirm={text.room.remove}
            onConfirm={() => remove(roomId, removing)}
            onClose={() => setRemoving(null)}
          />
        )}
      </Suspense>
    </>
  );
}

/** Where the New line stands, how many are below, and marking what was read. */
function useReading(room: RoomEntry, timeline: Timeline | null) {
  const [atEnd, setAtEnd] = useState(false);
  const visible = usePageVisible();
  const loaded = timeline !== null;
  const newest = Math.max(room.lastNumber, timeline?.messages.at(-1)?.number ?? 0);
  const unread = unreadOf(room);
  const [newAfter, setNewAfter] = useState<number | null>(() =>
    unread > 0 ? room.readNumber : null,
  );
  const [seen, setSeen] = useState(() => (room.member ? room.readNumber : newest));
  const atNewest = loaded && atEnd && !timeline.hasNewer;

  useEffect(() => {
    if (!atNewest || !visible) return;
    setSeen(newest);
    if (room.member && newest > room.readNumber) markRead(room.id, newest);
  }, [atNewest, visible, newest, room.id, room.member, room.readNumber]);

  // Whoever comes back finds the line where the reading stopped.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only going away moves the line.
  useEffect(() => {
    if (!visible) setNewAfter(unread > 0 ? room.readNumber : newest);
  }, [visible]);

  return { newAfter, below: Math.max(0, newest - seen), setAtEnd };
}

interface BeforeLogProps {
  roomId: string;
  failed: boolean;
  busy: boolean;
}

function BeforeLog({ roomId, failed, busy }: BeforeLogProps) {
  if (failed) {
    return (
      <div className={styles.before}>
        <Notice
          alert
          title={text.room.failed}
          action={
            <Button disabled={busy} onClick={() => void loadNewest(roomId)}>
              {text.tryAgain}
            </Button>
          }
        >
          {text.room.failedHint}
        </Notice>
      </div>
    );
  }
  return (
    <div className={styles.before}>
      <Patience>
        <div className={styles.wrap} role="status" aria-label={text.room.loading}>
          {['a', 'b', 'c', 'd', 'e'].map((key) => (
            <div key={key} className={styles.bones}>
              <Bone kind="avatar" />
              <span>
                <Bone kind="name" />
                <Bone kind="line" />
                <Bone kind="short" />
              </span>
            </div>
          ))}
        </div>
      </Patience>
    </div>
  );
}

function Guest({ room }: { room: RoomEntry }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const removed = room.departure === 'kicked';
  const words = removed ? text.room.guestRemoved : text.room.guest;
  const join = async () => {
    setBusy(true);
    setError(null);
    try {
      await joinRoom(room.id);
    } catch (failure) {
      setError(errorText(codeOf(failure)));
      setBusy(false);
    }
  };
  return (
    <div className={styles.guest}>
      <span role={error || removed ? 'alert' : undefined}>{error ?? words}</span>
      <Button look="primary" disabled={busy} onClick={() => void join()}>
        {text.room.join}
      </Button>
    </div>
  );
}

/** Says politely who has written, outside of the log. */
function Announcer({ timeline, me }: { timeline: Timeline | null; me: string }) {
  const last = timeline?.hasNewer ? undefined : timeline?.messages.at(-1);
  const first = useRef<string | undefined>(undefined);
  const name = usePeople((people) => people[last?.authorId ?? '']?.displayName);
  first.current ??= last?.id;
  const words = useMemo(
    () =>
      last && last.id !== first.current && last.authorId !== me
        ? text.room.from(name ?? text.room.someone)
        : '',
    [last, me, name],
  );
  return (
    <div className={styles.spoken} aria-live="polite">
      {words}
    </div>
  );
}
