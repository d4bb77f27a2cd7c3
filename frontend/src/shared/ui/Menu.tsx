import {
  type KeyboardEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { IconButton } from './Button.tsx';
import { cx } from './cx.ts';
import { Icon, type IconName } from './Icon.tsx';
import styles from './Menu.module.css';

interface MenuItem {
  label: string;
  icon?: IconName;
  danger?: boolean;
  /** One of a group of which one holds. */
  checked?: boolean;
  onSelect(): void;
}

export interface MenuGroup {
  label: string;
  items: readonly MenuItem[];
}

interface MenuButtonProps {
  /** What it is a menu of. */
  label: string;
  title: string;
  groups: readonly MenuGroup[];
}

/** From the edge of the window, and from the button (px). */
const GAP = 8;

/** Three dots that open a menu: beside them, or at the bottom of a narrow screen. */
export function MenuButton({ label, title, groups }: MenuButtonProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => setOpen(false), []);
  return (
    <>
      <IconButton
        ref={button}
        icon="more"
        label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(true)}
      />
      {open && <Menu label={label} title={title} groups={groups} beside={button} onClose={close} />}
    </>
  );
}

interface MenuProps {
  label: string;
  title: string;
  groups: readonly MenuGroup[];
  beside: { readonly current: HTMLElement | null };
  onClose(): void;
}

/** A modal element is above everything that clips, and keeps the focus. */
function Menu({ label, title, groups, beside, onClose }: MenuProps) {
  const ref = useRef<HTMLDialogElement>(null);

  useLayoutEffect(() => {
    const menu = ref.current;
    const anchor = beside.current;
    if (!menu || !anchor) return;
    menu.showModal();
    if (matchMedia('(width >= 45rem)').matches) place(menu, anchor);
    itemsOf(menu)[0]?.focus();
  }, [beside]);

  useEffect(() => {
    const anchor = beside.current;
    const menu = ref.current;
    addEventListener('resize', onClose);
    return () => {
      removeEventListener('resize', onClose);
      menu?.close();
      if (anchor?.isConnected) anchor.focus();
    };
  }, [beside, onClose]);

  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    const items = itemsOf(ref.current);
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === 'Tab') onClose();
    else if (to !== undefined) items.at(to % items.length)?.focus();
    else if (!startsWith(items, at, event)) return;
    event.preventDefault();
  };

  return (
    <dialog
      ref={ref}
      className={styles.menu}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={onKeyDown}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div className={styles.title} aria-hidden="true">
        {title}
      </div>
      <div role="menu" aria-label={label}>
        {groups.map((group) => (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset has no place in a menu.
          <div key={group.label} role="group" aria-label={group.label} className={styles.group}>
            <div className={styles.label} aria-hidden="true">
              {group.label}
            </div>
            {group.items.map((item) => (
              <Item key={item.label} item={item} onClose={onClose} />
            ))}
          </div>
        ))}
      </div>
    </dialog>
  );
}

function Item({ item, onClose }: { item: MenuItem; onClose(): void }) {
  const { label, icon, danger, checked, onSelect } = item;
  const role =
    checked === undefined
      ? { role: 'menuitem' }
      : { role: 'menuitemradio', 'aria-checked': checked };
  const mark = checked ? 'check' : icon;
  return (
    <button
      type="button"
      {...role}
      tabIndex={-1}
      className={cx(styles.item, danger && styles.danger)}
      onClick={() => {
        onClose();
        onSelect();
      }}
    >
      {mark ? <Icon name={mark} small /> : <span className={styles.blank} />}
      {label}
    </button>
  );
}

function itemsOf(menu: HTMLElement | null): HTMLElement[] {
  return [...(menu?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])];
}

/** A letter goes to the next item that begins with it. */
function startsWith(items: HTMLElement[], at: number, event: KeyboardEvent): boolean {
  if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return false;
  const letter = event.key.toLocaleLowerCase();
  const next = [...items.slice(at + 1), ...items.slice(0, at + 1)].find((item) =>
    item.textContent?.trim().toLocaleLowerCase().startsWith(letter),
  );
  next?.focus();
  return next !== undefined;
}

/** Below the button, or above it where there is more room, within the window. */
function place(menu: HTMLElement, anchor: HTMLElement): void {
  const around = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = around.bottom + GAP / 2;
  const above = around.top - GAP / 2 - height;
  const top = below + height <= innerHeight - GAP ? below : above;
  menu.style.left = `${Math.max(GAP, around.right - width)}px`;
  menu.style.top = `${Math.max(GAP, Math.min(top, innerHeight - GAP - height))}px`;
}
