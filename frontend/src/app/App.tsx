import { RouterProvider } from '@tanstack/react-router';
import { useSession } from '../features/auth/session.ts';
import { text } from '../shared/i18n/text.ts';
import { Button } from '../shared/ui/Button.tsx';
import { Notice } from '../shared/ui/State.tsx';
import { router } from './router.tsx';

export function App() {
  const status = useSession((state) => state.status);
  if (status === 'unknown') return null;
  if (status === 'unreachable') {
    return (
      <Notice
        alert
        title={text.auth.unreachable}
        action={<Button onClick={() => location.reload()}>{text.tryAgain}</Button>}
      >
        {text.auth.unreachableHint}
      </Notice>
    );
  }
  return <RouterProvider router={router} />;
}
