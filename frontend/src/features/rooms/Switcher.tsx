import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useId, useMemo, useState } from 'react';
import { formatNumber } from '../../shared/i18n/format.ts';
import { text } from '../../shared/i18n/text.ts';
import { Tile } from '../../shared/ui/Avatar.tsx';
import { Dialog } from '../../shared/ui/Dialog.tsx';
import { Icon } from '../../shared/ui/Icon.tsx';
import { joinedByActivity, type RoomEntry, unreadOf } from './model.ts';
import styles from './Switcher.module.css';
import { useRooms } from './store.ts';

const MAX_SHOWN = 8;

/** Jumps to a room by a few letters of its name. */
export default function Switcher({ onClose }: { onClose(): void }) {
  const navigate = useNavigate();
  const rooms = useRooms((state) => state.rooms);
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const id = useId();
  const found = useMemo(() => search(joinedByActivity(rooms), query), [rooms, query]);
  const last = found.length;
  const at = Math.min(active, last);

  const go = (index: number) => {
    onClose();
    const room = found[index];
    if (room) void navigate({ to: '/rooms/$roomId', params: { roomId: room.id } });
    else void navigate({ to: '/discover', search: { q: query.trim() || undefined } });
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setActive(at === last ? 0 : at + 1);
    else if (event.key === 'ArrowUp') setActive(at === 0 ? last : at - 1);
    else if (event.key === 'Enter' && !event.nativeEvent.isComposing) go(at);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog title={text.switcher.title} onClose={onClose} bare>
      <div className={styles.search}>
        <Icon name="search" />
        <input
          data-focus
          role="combobox"
          aria-label={text.switcher.title}
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={`${id}-${at}`}
          placeholder={text.switcher.placeholder}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div id={`${id}-list`} role="listbox" aria-label={text.rooms.title} className={styles.list}>
        {found.map((room, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox has the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: the combobox keeps the focus.
          <div
            key={room.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            className={styles.option}
            onClick={() => go(index)}
            onPointerMove={() => setActive(index)}
          >
            <Tile id={room.id} name={room.name} small />
            <span className={styles.name}>{room.name}</span>
            {unreadOf(room) > 0 && (
              <span className={styles.unread}>{formatNumber(unreadOf(room))}</span>
            )}
          </div>
        ))}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the combobox has the keys. */}
        {/* biome-ignore lint/a11y/useFocusableInteractive: the combobox keeps the focus. */}
        <div
          id={`${id}-${last}`}
          role="option"
          aria-selected={at === last}
          className={styles.option}
          onClick={() => go(last)}
          onPointerMove={() => setActive(last)}
        >
          <span className={styles.icon}>
            <Icon name="compass" />
          </span>
          <span className={styles.name}>{text.switcher.discover(query.trim())}</span>
        </div>
      </div>
    </Dialog>
  );
}

/** Names that begin with the query first, then those that hold it. */
function search(rooms: readonly RoomEntry[], query: string): RoomEntry[] {
  const wanted = query.trim().toLocaleLowerCase();
  const name = (room: RoomEntry) => room.name.toLocaleLowerCase();
  const holding = rooms.filter((room) => name(room).includes(wanted));
  const starting = holding.filter((room) => name(room).startsWith(wanted));
  return [...new Set([...starting, ...holding])].slice(0, MAX_SHOWN);
}
