import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useRouter, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { DiscoverDocument, type RoomFieldsFragment } from '../../gql/graphql.ts';
import { codeOf } from '../../shared/graphql/errors.ts';
import { Queries } from '../../shared/graphql/Queries.tsx';
import { request } from '../../shared/graphql/request.ts';
import { errorText, text } from '../../shared/i18n/text.ts';
import { Tile } from '../../shared/ui/Avatar.tsx';
import { Button, IconButton } from '../../shared/ui/Button.tsx';
import { Icon } from '../../shared/ui/Icon.tsx';
import { Bone, Notice, Patience } from '../../shared/ui/State.tsx';
import { joinRoom, useRooms } from '../rooms/store.ts';
import styles from './DiscoverScreen.module.css';

const CreateRoom = lazy(() => import('../rooms/CreateRoom.tsx'));

const PAGE = 30;
const TYPING_MS = 250;
const MAX_SEARCH = 100;

export function DiscoverScreen() {
  const { q } = useSearch({ from: '/shell/discover' });
  const navigate = useNavigate();
  const router = useRouter();
  const [typed, setTyped] = useState(q ?? '');
  const [creating, setCreating] = useState(false);
  const query = q ?? '';

  // The address follows the typing; back goes to the screen before, not to each letter.
  useEffect(() => {
    const wanted = typed.trim();
    if (wanted === query) return;
    const timer = setTimeout(() => {
      // Whoever is on the way to a room is not called back.
      if (router.latestLocation.pathname !== '/discover') return;
      void navigate({ to: '/discover', search: { q: wanted || undefined }, replace: true });
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, query, navigate, router]);

  return (
    <main className={styles.main}>
      <header className={styles.head}>
        <IconButton
          icon="left"
          label={text.back}
          className={styles.back}
          onClick={() => void navigate({ to: '/rooms' })}
        />
        <h1>{text.discover.title}</h1>
        <Button onClick={() => setCreating(true)}>
          <Icon name="plus" small />
          {text.rooms.create}
        </Button>
      </header>
      <div className={styles.body}>
        <label className={styles.search}>
          <Icon name="search" />
          <input
            type="search"
            aria-label={text.discover.search}
            placeholder={text.discover.placeholder}
            maxLength={MAX_SEARCH}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </label>
        <Queries>
          <Results query={query} onCreate={() => setCreating(true)} />
        </Queries>
      </div>
      <Suspense>{creating && <CreateRoom onClose={() => setCreating(false)} />}</Suspense>
    </main>
  );
}

function Results({ query, onCreate }: { query: string; onCreate(): void }) {
  const { data, status, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } =
    useInfiniteQuery({
      queryKey: ['discover', query],
      initialPageParam: null as string | null,
      queryFn: async ({ pageParam, signal }) => {
        const variables = { query: query || null, first: PAGE, after: pageParam };
        return (await request(DiscoverDocument, variables, { signal })).discoverRooms;
      },
      getNextPageParam: ({ pageInfo }) => (pageInfo.hasNextPage ? pageInfo.endCursor : null),
      placeholderData: (before) => before,
    });

  if (status === 'pending') return <Loading />;
  if (status === 'error') {
    return (
      <Notice
        alert
        title={text.discover.failed}
        action={<Button onClick={() => void refetch()}>{text.tryAgain}</Button>}
      >
        {text.discover.failedHint}
      </Notice>
    );
  }
  const rooms = data.pages.flatMap(({ nodes }) => nodes);
  if (rooms.length === 0) {
    return (
      <Notice
        title={query ? text.discover.none : text.discover.empty}
        action={
          <Button look="primary" onClick={onCreate}>
            {text.rooms.create}
          </Button>
        }
      >
        {query ? text.discover.noneHint : text.discover.emptyHint}
      </Notice>
    );
  }
  return (
    <>
      <ul className={styles.list} aria-label={text.discover.title}>
        {rooms.map((room) => (
          <Found key={room.id} room={room} />
        ))}
      </ul>
      {hasNextPage && (
        <div className={styles.more}>
          <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {text.discover.more}
          </Button>
        </div>
      )}
    </>
  );
}

function Found({ room }: { room: RoomFieldsFragment }) {
  const navigate = useNavigate();
  const known = useRooms((state) => state.rooms[room.id]);
  const joined = known ? known.member : room.viewerMembership !== null;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const join = async () => {
    setBusy(true);
    setError(null);
    try {
      await joinRoom(room.id);
      await navigate({ to: '/rooms/$roomId', params: { roomId: room.id } });
    } catch (failure) {
      const code = codeOf(failure);
      setError(code === 'FORBIDDEN' ? text.discover.banned : errorText(code));
      setBusy(false);
    }
  };

  return (
    <li className={styles.room}>
      <Tile id={room.id} name={room.name} />
      <div className={styles.words}>
        <Link to="/rooms/$roomId" params={{ roomId: room.id }} className={styles.name}>
          {room.name}
        </Link>
        {room.topic && <p className={styles.topic}>{room.topic}</p>}
        <p className={styles.count}>
          {text.rooms.members(known?.memberCount ?? room.memberCount)}
          {error && <span role="alert"> {error}</span>}
        </p>
      </div>
      {joined ? (
        <span className={styles.joined}>
          <Icon name="check" small />
          {text.discover.joined}
        </span>
      ) : (
        <Button
          look="primary"
          disabled={busy}
          aria-label={text.discover.joinRoom(room.name)}
          onClick={() => void join()}
        >
          {text.discover.join}
        </Button>
      )}
    </li>
  );
}

function Loading() {
  return (
    <Patience>
      <div className={styles.list} role="status" aria-label={text.discover.loading}>
        {['a', 'b', 'c', 'd', 'e', 'f'].map((key) => (
          <div key={key} className={styles.room}>
            <Bone kind="tile" />
            <div className={styles.words}>
              <Bone kind="name" />
              <Bone kind="line" />
            </div>
          </div>
        ))}
      </div>
    </Patience>
  );
}
