import { create } from 'zustand';
import type { LiveStatus } from './status.ts';

/** What the indicator says. */
export const useLive = create<{ status: LiveStatus }>(() => ({ status: 'catching-up' }));
