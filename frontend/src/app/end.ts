import { queries } from './App.tsx';
import { router } from './router.tsx';

/** The session is over, here or in another tab: nothing of it stays. */
export async function endSession(): Promise<void> {
  const { forgetEverything } = await import('./forget.ts');
  forgetEverything();
  queries.clear();
  await router.navigate({ to: '/login' });
}
