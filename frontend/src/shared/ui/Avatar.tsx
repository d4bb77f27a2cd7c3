import styles from './Avatar.module.css';
import { cx } from './cx.ts';

const TINTS = [
  styles.tint1,
  styles.tint2,
  styles.tint3,
  styles.tint4,
  styles.tint5,
  styles.tint6,
  styles.tint7,
  styles.tint8,
];

interface AvatarProps {
  /** What the colour follows from. */
  id: string;
  name: string;
  small?: boolean;
}

/** A person's initials. */
export function Avatar({ id, name, small = false }: AvatarProps) {
  return (
    <span className={cx(styles.avatar, small && styles.small, tint(id))} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

/** A room's first letter. */
export function Tile({ id, name, small = false }: AvatarProps) {
  return (
    <span className={cx(styles.tile, small && styles.small, tint(id))} aria-hidden="true">
      {firstLetter(name)}
    </span>
  );
}

function tint(id: string): string | undefined {
  let hash = 2_166_136_261;
  for (const char of id) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619);
  hash ^= hash >>> 15;
  return TINTS[(hash >>> 0) % TINTS.length];
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const last = words.length > 1 ? words.at(-1) : undefined;
  return firstLetter(words[0] ?? '') + (last ? firstLetter(last) : '');
}

/** The first letter as people see it, not half of a surrogate pair. */
function firstLetter(text: string): string {
  const letters = new Intl.Segmenter().segment(text.trim().replace(/^[^\p{L}\p{N}\p{S}]+/u, ''));
  for (const { segment } of letters) return segment.toLocaleUpperCase();
  return '#';
}
