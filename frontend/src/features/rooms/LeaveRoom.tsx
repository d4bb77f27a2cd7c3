import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { roomText } from '../../shared/i18n/roomText.ts';
import { ConfirmDialog } from '../../shared/ui/ConfirmDialog.tsx';
import { useSession } from '../auth/session.ts';
import { type Successor, successorOf } from './membership.ts';
import type { RoomEntry } from './model.ts';
import { type FirstMember, firstMembers } from './settings.ts';
import { leaveRoom } from './store.ts';

type Follows = Successor<FirstMember['user']> | { kind: 'loading' } | { kind: 'unknown' };

/** Asks before leaving, and says how to come back and who owns the room after. */
export function LeaveRoom({ room, onClose }: { room: RoomEntry; onClose(): void }) {
  const navigate = useNavigate();
  const follows = useSuccessor(room);
  return (
    <ConfirmDialog
      title={roomText.leave.title(room.name)}
      hint={hintOf(room, follows)}
      confirm={roomText.leave.action}
      onConfirm={async () => {
        await leaveRoom(room.id);
        await navigate({ to: '/rooms' });
      }}
      onClose={onClose}
    />
  );
}

/** Only an owner is followed by somebody; the last member of any role leaves an empty room. */
function useSuccessor({ id, role, memberCount }: RoomEntry): Follows {
  const me = useSession((state) => state.viewer?.id ?? '');
  const matters = role === 'OWNER' || memberCount <= 1;
  const [follows, setFollows] = useState<Follows>({ kind: matters ? 'loading' : 'nobody' });
  useEffect(() => {
    if (!matters) return;
    let over = false;
    const show = (next: Follows) => {
      if (!over) setFollows(next);
    };
    firstMembers(id).then(
      (first) => show(successorOf(me, role, first)),
      () => show({ kind: 'unknown' }),
    );
    return () => {
      over = true;
    };
  }, [id, role, matters, me]);
  return follows;
}

function hintOf({ visibility }: RoomEntry, follows: Follows): string {
  const { leave } = roomText;
  const isPrivate = visibility === 'PRIVATE';
  const back = isPrivate ? leave.backPrivate : leave.back;
  switch (follows.kind) {
    case 'nobody':
      return back;
    case 'member':
      return `${leave.successor(follows.who.displayName)} ${back}`;
    case 'empty':
      return isPrivate ? leave.emptyPrivate : leave.empty;
    case 'loading':
      return `${back} ${leave.loading}`;
    case 'unknown':
      return `${back} ${leave.unknown}`;
  }
}
