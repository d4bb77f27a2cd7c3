import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useSession } from '../features/auth/session.ts';
import { RequestError } from '../shared/graphql/errors.ts';
import { text } from '../shared/i18n/text.ts';
import { Button } from '../shared/ui/Button.tsx';
import { Notice } from '../shared/ui/State.tsx';
import { router } from './router.tsx';

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (failures, error) => failures < 2 && error instanceof RequestError && error.temporary,
    },
  },
});

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
  return (
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
