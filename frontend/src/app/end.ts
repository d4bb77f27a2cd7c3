import { router } from './router.tsx';

/** The session is over, here or in another tab: nothing of it stays. */
export async function endSession(): Promise<void> {
  try {
    const { forgetEverything } = await import('./forget.ts');
    forgetEverything();
    await router.navigate({ to: '/login' });
  } catch {
    // The server is away, or has a newer page: a fresh start forgets as well.
    location.assign('/login');
  }
}
