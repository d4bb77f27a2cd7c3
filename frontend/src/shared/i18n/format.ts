/** Times and numbers by the reader's locale. */

const time = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'medium' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const weekdayLong = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
});
const shortDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const fullDate = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });
const yearDate = new Intl.DateTimeFormat(undefined, {
  year: '2-digit',
  month: '2-digit',
  day: '2-digit',
});
const moment = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: 'numeric',
  minute: '2-digit',
});
const relativeDay = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const whole = new Intl.NumberFormat();
const plural = new Intl.PluralRules('en');

const DAY_MS = 86_400_000;

export function formatNumber(value: number): string {
  return whole.format(value);
}

/** "1 member", "24,318 members". */
export function counted(value: number, one: string, other: string): string {
  return `${formatNumber(value)} ${plural.select(value) === 'one' ? one : other}`;
}

export function formatTime(iso: string): string {
  return time.format(new Date(iso));
}

export function formatExact(iso: string): string {
  return exact.format(new Date(iso));
}

/** For a day separator: Today, Yesterday, or the date. */
export function formatDay(iso: string, now = new Date()): string {
  const date = new Date(iso);
  const days = daysBetween(date, now);
  if (days === 0 || days === 1) return sentence(relativeDay.format(-days, 'day'));
  return date.getFullYear() === now.getFullYear()
    ? weekdayLong.format(date)
    : fullDate.format(date);
}

/** For a list: the time today, the weekday within a week, else the date. */
export function formatWhen(iso: string, now = new Date()): string {
  const date = new Date(iso);
  const days = daysBetween(date, now);
  if (days <= 0) return time.format(date);
  if (days < 7) return weekday.format(date);
  return date.getFullYear() === now.getFullYear() ? shortDate.format(date) : yearDate.format(date);
}

/** For when something ends: the time today, else the day and the time, else the date. */
export function formatUntil(iso: string, now = new Date()): string {
  const date = new Date(iso);
  if (daysBetween(date, now) === 0) return time.format(date);
  return date.getFullYear() === now.getFullYear() ? moment.format(date) : fullDate.format(date);
}

function daysBetween(date: Date, now: Date): number {
  return Math.round((midnight(now) - midnight(date)) / DAY_MS);
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function sentence(words: string): string {
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}
