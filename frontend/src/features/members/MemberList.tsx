import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { MembersDocument, type MembersQuery } from '../../gql/graphql.ts';
import { codeOf } from '../../shared/graphql/errors.ts';
import { request } from '../../shared/graphql/request.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { ConfirmDialog } from '../../shared/ui/ConfirmDialog.tsx';
import { Notice } from '../../shared/ui/State.tsx';
import { useSession } from '../auth/session.ts';
import type { RoomEntry } from '../rooms/model.ts';
import { refusalText } from '../rooms/refusal.ts';
import { loadRoom } from '../rooms/store.ts';
import { BanDialog } from './BanDialog.tsx';
import { Loading } from './Loading.tsx';
import { MemberRow, type Wish } from './MemberRow.tsx';
import styles from './MembersPanel.module.css';
import { ban, endOf, kick, type MemberEntry, mute, setRole } from './moderation.ts';
import { hasOneOwner, offersFor } from './offers.ts';

type Page = NonNullable<MembersQuery['room']>['members'] | null;

const PAGE = 50;

/** What waits for a word of the viewer. */
interface Question {
  member: MemberEntry;
  wish: Wish;
}

interface MemberListProps {
  room: RoomEntry;
  /** Says what was done to whoever does not see it. */
  onDone(words: string): void;
}

/** The members, higher roles first, each with what the viewer may do. */
export function MemberList({ room, onDone }: MemberListProps) {
  const me = useSession((state) => state.viewer?.id ?? '');
  const list = useRef<HTMLUListElement>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const { data, status, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } =
    useInfiniteQuery({
      queryKey: ['members', room.id],
      initialPageParam: null as string | null,
      queryFn: async ({ pageParam, signal }): Promise<Page> => {
        const variables = { roomId: room.id, first: PAGE, after: pageParam };
        const { room: found } = await request(MembersDocument, variables, { signal });
        return found?.members ?? null;
      },
      getNextPageParam: (page) => (page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null),
    });
  const acts = useActs(room, onDone);

  // Whose row was acted on may be gone: the focus stays in the list.
  useEffect(() => {
    if (question === null && document.activeElement === document.body) list.current?.focus();
  }, [question]);

  if (status === 'pending') return <Loading label={text.room.members} />;
  if (status === 'error') {
    return (
      <Notice
        alert
        title={roomText.members.failed}
        action={<Button onClick={() => void refetch()}>{text.tryAgain}</Button>}
      />
    );
  }

  const members = data.pages.flatMap((page) => page?.nodes ?? []);
  const viewer = { id: me, role: room.role };
  const lastOwner = hasOneOwner(members);
  const wish = (member: MemberEntry, wanted: Wish) => {
    if (asksFirst(wanted, member.user.id === me)) setQuestion({ member, wish: wanted });
    else void acts.run(member, wanted);
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <ul ref={list} className={styles.list} tabIndex={0} aria-label={text.room.members}>
        {members.map((member) => (
          <MemberRow
            key={member.user.id}
            member={member}
            own={member.user.id === me}
            offers={offersFor(viewer, member, lastOwner)}
            error={acts.failed?.id === member.user.id ? acts.failed.words : null}
            onWish={(wanted) => wish(member, wanted)}
          />
        ))}
        {hasNextPage && (
          <li className={styles.more}>
            <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              {roomText.members.more}
            </Button>
          </li>
        )}
      </ul>
      {question && (
        <Confirm
          question={question}
          room={room}
          act={acts.act}
          explain={acts.explain}
          onClose={() => setQuestion(null)}
        />
      )}
    </>
  );
}

/** What cannot be taken back by who does it, or ends a membership. */
function asksFirst(wish: Wish, own: boolean): boolean {
  if (wish.kind === 'role') return own || wish.role === 'OWNER';
  return wish.kind !== 'mute';
}

interface ConfirmProps {
  question: Question;
  room: RoomEntry;
  act(
    member: MemberEntry,
    wish: Wish,
    ban?: { reason: string; until: string | null },
  ): Promise<void>;
  explain(member: MemberEntry, error: unknown): string;
  onClose(): void;
}

function Confirm({ question: { member, wish }, room, act, explain, onClose }: ConfirmProps) {
  const me = useSession((state) => state.viewer?.id);
  const name = member.user.displayName;
  if (wish.kind === 'ban') {
    return (
      <BanDialog
        name={name}
        onBan={(reason, until) => act(member, wish, { reason, until })}
        explain={(error) => explain(member, error)}
        onClose={onClose}
      />
    );
  }
  return (
    <ConfirmDialog
      {...wordsOf(wish, name, member.user.id === me, room)}
      onConfirm={() => act(member, wish)}
      explain={(error) => explain(member, error)}
      onClose={onClose}
    />
  );
}

function wordsOf(wish: Wish, name: string, own: boolean, { visibility }: RoomEntry) {
  if (wish.kind !== 'role') {
    const { title, hint, hintPrivate, confirm } = roomText.kick;
    return { title: title(name), hint: visibility === 'PRIVATE' ? hintPrivate : hint, confirm };
  }
  if (own) {
    const { title, hint, confirm } = roomText.stepDown;
    return { title: title(roomText.members[wish.role]), hint, confirm };
  }
  const { title, hint, confirm } = roomText.makeOwner;
  return { title: title(name), hint, confirm };
}

/** Does what was wished for, shows it at once, and takes in what a refusal says of the present. */
function useActs(room: RoomEntry, onDone: (words: string) => void) {
  const queries = useQueryClient();
  const key = ['members', room.id];
  /** Whose button is disabled loses the focus: a second act waits in vain instead. */
  const busy = useRef(false);
  const [failed, setFailed] = useState<{ id: string; words: string } | null>(null);

  const change = (id: string, to: MemberEntry | null) =>
    queries.setQueryData<InfiniteData<Page>>(key, (data) => data && withMember(data, id, to));

  /** @throws RequestError */
  const act: ConfirmProps['act'] = async (member, wish, why) => {
    const { id, displayName: name } = member.user;
    const words = roomText.members;
    switch (wish.kind) {
      case 'role':
        change(id, await setRole(room.id, id, wish.role));
        onDone(words.isNow(name, words[wish.role]));
        // Its place in the list is another one, and the own role says what is offered.
        void queries.invalidateQueries({ queryKey: key });
        break;
      case 'mute':
        change(id, await mute(room.id, id, endOf(wish.lasts)));
        onDone(wish.lasts === null ? words.isUnmuted(name) : words.isMuted(name));
        break;
      case 'kick':
        await kick(room.id, id);
        change(id, null);
        onDone(words.isGone(name));
        break;
      case 'ban':
        await ban(room.id, id, why?.reason ?? '', why?.until ?? null);
        change(id, null);
        onDone(words.isBanned(name));
        void queries.invalidateQueries({ queryKey: ['bans', room.id] });
        break;
    }
  };

  /** Refused: somebody's role or membership is another one than what is shown. */
  const explain: ConfirmProps['explain'] = (member, error) => {
    const code = codeOf(error);
    if (code === 'FORBIDDEN' || code === 'NOT_FOUND' || code === 'CONFLICT') {
      void loadRoom(room.id);
      void queries.invalidateQueries({ queryKey: key });
    }
    return code === 'NOT_FOUND'
      ? roomText.refused.member(member.user.displayName)
      : refusalText(error);
  };

  const run = async (member: MemberEntry, wish: Wish) => {
    if (busy.current) return;
    busy.current = true;
    setFailed(null);
    try {
      await act(member, wish);
    } catch (error) {
      setFailed({ id: member.user.id, words: explain(member, error) });
    } finally {
      busy.current = false;
    }
  };

  return { failed, act, run, explain };
}

/** The pages with a member as it is now; null: no longer a member. */
function withMember(
  data: InfiniteData<Page>,
  id: string,
  to: MemberEntry | null,
): InfiniteData<Page> {
  const pages = data.pages.map(
    (page) =>
      page && {
        ...page,
        nodes: page.nodes.flatMap((member) => {
          if (member.user.id !== id) return [member];
          return to ? [to] : [];
        }),
      },
  );
  return { ...data, pages };
}
