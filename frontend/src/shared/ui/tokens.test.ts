import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');

type Theme = 'light' | 'dark';

/** A colour by role, as each theme shows it. */
function colour(role: string, theme: Theme): string {
  const value = new RegExp(`--${role}: ([^;]+);`).exec(css)?.[1];
  if (value === undefined) throw new Error(`no token --${role}`);
  const both = /^light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)$/.exec(value);
  const found = both ? both[theme === 'light' ? 1 : 2] : value;
  if (found === undefined || !/^#[0-9a-f]{6}$/.test(found)) throw new Error(`--${role}: ${value}`);
  return found;
}

/** WCAG 2.2, relative luminance. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ['bg', 'panel', 'surface', 'raise'];

const TEXT: [string, string][] = [
  ...GROUNDS.flatMap((ground) =>
    ['ink', 'ink-2', 'ink-3', 'accent', 'signal', 'danger'].map((ink): [string, string] => [
      ink,
      ground,
    ]),
  ),
  ...['ink', 'accent', 'signal', 'ink-3'].map((ink): [string, string] => [ink, 'code']),
  ['ink', 'accent-soft'],
  ['accent', 'accent-soft'],
  ['ink-2', 'accent-soft'],
  ['ink', 'badge'],
  ['ink', 'accent-line'],
  ['accent-ink', 'accent'],
  ['accent-ink', 'accent-strong'],
  ['danger-ink', 'danger'],
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((n): [string, string] => ['tint-ink', `tint-${n}`]),
];

const CONTROLS: [string, string][] = GROUNDS.flatMap((ground) =>
  ['control', 'accent', 'ok', 'signal', 'danger'].map((part): [string, string] => [part, ground]),
);

describe.each<Theme>(['light', 'dark'])('in the %s theme', (theme) => {
  test.each(TEXT)('%s on %s can be read: 4.5 to 1', (ink, ground) => {
    expect(contrast(colour(ink, theme), colour(ground, theme))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(CONTROLS)('%s on %s can be seen: 3 to 1', (part, ground) => {
    expect(contrast(colour(part, theme), colour(ground, theme))).toBeGreaterThanOrEqual(3);
  });
});
