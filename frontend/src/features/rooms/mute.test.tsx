// @vitest-environment jsdom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isOpenEnded, useMute } from './mute.ts';

let root: Root;
let page: HTMLElement;

function Muted({ until }: { until: string | null }) {
  return useMute(until) ?? 'free';
}

const show = (until: string | null) => act(async () => root.render(<Muted until={until} />));
const pass = (ms: number) => act(async () => vi.advanceTimersByTime(ms));
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.useFakeTimers();
  page = document.createElement('div');
  root = createRoot(page);
});

afterEach(() => {
  act(() => root.unmount());
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a mute ends by itself when its time is over', async () => {
  const until = inMs(60_000);
  await show(until);
  expect(page.textContent).toBe(until);
  await pass(59_000);
  expect(page.textContent).toBe(until);
  await pass(1_001);
  expect(page.textContent).toBe('free');
});

test('one that is lifted, or set anew, counts at once', async () => {
  await show(inMs(60_000));
  await show(null);
  expect(page.textContent).toBe('free');
  const until = inMs(1_000);
  await show(until);
  expect(page.textContent).toBe(until);
});

test('one of more than a timer can wait ends in time too', async () => {
  const days = 40 * 86_400_000;
  const timers = vi.spyOn(globalThis, 'setTimeout');
  await show(inMs(days));
  // A longer one would fire at once, again and again.
  for (const [, delay] of timers.mock.calls) expect(delay ?? 0).toBeLessThan(2 ** 31);
  await pass(30 * 86_400_000);
  expect(page.textContent).not.toBe('free');
  await pass(10 * 86_400_000 + 1);
  expect(page.textContent).toBe('free');
});

test('one of a year lasts until somebody lifts it, one of a day does not', () => {
  expect(isOpenEnded(inMs(364 * 86_400_000))).toBe(true);
  expect(isOpenEnded(inMs(86_400_000))).toBe(false);
});
