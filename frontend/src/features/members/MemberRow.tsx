import type { Role } from '../../gql/graphql.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { Avatar } from '../../shared/ui/Avatar.tsx';
import { MenuButton, type MenuGroup } from '../../shared/ui/Menu.tsx';
import { isOpenEnded, useMute } from '../rooms/mute.ts';
import styles from './MembersPanel.module.css';
import { type MemberEntry, MUTES } from './moderation.ts';
import { choicesOf, isNothing, type Offers } from './offers.ts';

/** What is asked for a member, before anything is confirmed. */
export type Wish =
  | { kind: 'role'; role: Role }
  /** For how long (ms); null: they may write again. */
  | { kind: 'mute'; lasts: number | null }
  | { kind: 'kick' }
  | { kind: 'ban' };

interface MemberRowProps {
  member: MemberEntry;
  own: boolean;
  offers: Offers;
  /** What went wrong with the last act. */
  error: string | null;
  onWish(wish: Wish): void;
}

export function MemberRow({ member, own, offers, error, onWish }: MemberRowProps) {
  const { user, role } = member;
  const mutedUntil = useMute(member.mutedUntil);
  const name = user.displayName;
  return (
    <li className={styles.member}>
      <Avatar id={user.id} name={name} small />
      <span className={styles.words}>
        <span className={styles.name}>
          {name}
          {own && <span className={styles.own}> ({roomText.members.you})</span>}
        </span>
        <span className={styles.username}>{user.username}</span>
        {mutedUntil && (
          <span className={styles.muted}>
            {isOpenEnded(mutedUntil)
              ? roomText.members.mutedForNow
              : roomText.members.muted(mutedUntil)}
          </span>
        )}
        {error && (
          <span className={styles.error} role="alert">
            {error}
          </span>
        )}
      </span>
      {role !== 'MEMBER' && <span className={styles.role}>{roomText.members[role]}</span>}
      {isNothing(offers) ? (
        <span className={styles.noMenu} />
      ) : (
        <MenuButton
          label={roomText.members.actions(name)}
          title={name}
          groups={groupsOf(role, own, mutedUntil !== null, offers, onWish)}
        />
      )}
    </li>
  );
}

function groupsOf(
  role: Role,
  own: boolean,
  muted: boolean,
  offers: Offers,
  onWish: (wish: Wish) => void,
): MenuGroup[] {
  const words = roomText.members;
  const groups: MenuGroup[] = [];
  if (offers.roles.length > 0) {
    groups.push({
      label: own ? words.stepDown : words.role,
      items: choicesOf(offers.roles, role).map((to) => ({
        label: words[to],
        checked: to === role,
        onSelect: () => {
          if (to !== role) onWish({ kind: 'role', role: to });
        },
      })),
    });
  }
  if (offers.mute) {
    const lift = { label: words.unmute, onSelect: () => onWish({ kind: 'mute', lasts: null }) };
    const lasts = (Object.keys(MUTES) as (keyof typeof MUTES)[]).map((key) => ({
      label: words.muteFor[key],
      onSelect: () => onWish({ kind: 'mute', lasts: MUTES[key] }),
    }));
    groups.push({ label: words.mute, items: muted ? [lift, ...lasts] : lasts });
  }
  if (offers.kick || offers.ban) {
    groups.push({
      label: words.access,
      items: [
        ...(offers.kick
          ? [
              {
                label: words.kick,
                icon: 'leave' as const,
                danger: true,
                onSelect: () => onWish({ kind: 'kick' }),
              },
            ]
          : []),
        ...(offers.ban
          ? [
              {
                label: words.ban,
                icon: 'ban' as const,
                danger: true,
                onSelect: () => onWish({ kind: 'ban' }),
              },
            ]
          : []),
      ],
    });
  }
  return groups;
}
