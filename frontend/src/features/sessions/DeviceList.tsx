import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { RevokeSessionDocument, SessionsDocument, type SessionsQuery } from '../../gql/graphql.ts';
import { codeOf } from '../../shared/graphql/errors.ts';
import { Queries } from '../../shared/graphql/Queries.tsx';
import { request } from '../../shared/graphql/request.ts';
import { formatExact, formatWhen } from '../../shared/i18n/format.ts';
import { errorText, text } from '../../shared/i18n/text.ts';
import { Button } from '../../shared/ui/Button.tsx';
import { Bone, Notice, Patience } from '../../shared/ui/State.tsx';
import styles from './DeviceList.module.css';

type Device = SessionsQuery['sessions'][number];

const KEY = ['sessions'];

/** Where the viewer is signed in; each device but this one can be logged out. */
export function DeviceList() {
  return (
    <section className={styles.section} aria-label={text.devices.title}>
      <h3 className={styles.title}>{text.devices.title}</h3>
      <Queries>
        <Devices />
      </Queries>
    </section>
  );
}

function Devices() {
  const { data, status, refetch } = useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => (await request(SessionsDocument, {}, { signal })).sessions,
    // Whoever opens the list wants to know how it is now.
    staleTime: 0,
  });
  if (status === 'pending') return <Loading />;
  if (status === 'error') {
    return (
      <Notice
        alert
        title={text.devices.failed}
        action={<Button onClick={() => void refetch()}>{text.tryAgain}</Button>}
      />
    );
  }
  return (
    <ul className={styles.list}>
      {data.map((device) => (
        <DeviceRow key={device.id} device={device} />
      ))}
    </ul>
  );
}

function DeviceRow({ device }: { device: Device }) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const name = device.device || text.devices.unnamed;

  const logOut = async () => {
    setBusy(true);
    setError(null);
    try {
      await request(RevokeSessionDocument, { id: device.id });
    } catch (failure) {
      // One that is not there any more is logged out.
      if (codeOf(failure) !== 'NOT_FOUND') {
        setError(errorText(codeOf(failure)));
        setBusy(false);
        return;
      }
    }
    queries.setQueryData<Device[]>(KEY, (devices) => devices?.filter(({ id }) => id !== device.id));
  };

  return (
    <li className={styles.device}>
      <div className={styles.words}>
        <span className={styles.name}>{name}</span>
        <span className={styles.when} title={formatExact(device.lastSeenAt)}>
          {device.current ? text.devices.now : text.devices.seen(formatWhen(device.lastSeenAt))}
          {' · '}
          {text.devices.since(formatWhen(device.createdAt))}
        </span>
        {error && (
          <span className={styles.error} role="alert">
            {error}
          </span>
        )}
      </div>
      {device.current ? (
        <span className={styles.current}>{text.devices.current}</span>
      ) : (
        <Button
          disabled={busy}
          aria-label={text.devices.logoutOf(name)}
          onClick={() => void logOut()}
        >
          {text.auth.logout}
        </Button>
      )}
    </li>
  );
}

function Loading() {
  return (
    <Patience>
      <div role="status" aria-label={text.devices.loading}>
        {['a', 'b'].map((key) => (
          <div key={key} className={styles.device}>
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
