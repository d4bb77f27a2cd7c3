import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { useSession } from '../features/auth/session.ts';
import { Failed, NoSuchPage } from './Trouble.tsx';
import { UpdateNotice } from './UpdateNotice.tsx';

const root = createRootRoute({
  component: () => (
    <>
      <Outlet />
      <UpdateNotice />
    </>
  ),
  notFoundComponent: NoSuchPage,
  errorComponent: Failed,
});

interface NextSearch {
  /** Where to go after signing in: a path of this page. */
  next?: string | undefined;
}

function readNext({ next }: Record<string, unknown>): NextSearch {
  const local = typeof next === 'string' && /^\/(?![/\\])/.test(next);
  return local ? { next } : {};
}

function onlyAnonymous({ search }: { search: NextSearch }): void {
  if (useSession.getState().status === 'signed-in') throw redirect({ to: search.next ?? '/rooms' });
}

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: readNext,
  beforeLoad: onlyAnonymous,
  component: lazyRouteComponent(() => import('../features/auth/LoginScreen.tsx'), 'LoginScreen'),
});

const register = createRoute({
  getParentRoute: () => root,
  path: '/register',
  validateSearch: readNext,
  beforeLoad: onlyAnonymous,
  component: lazyRouteComponent(
    () => import('../features/auth/RegisterScreen.tsx'),
    'RegisterScreen',
  ),
});

const invite = createRoute({
  getParentRoute: () => root,
  path: '/invite/$token',
  component: lazyRouteComponent(
    () => import('../features/invitations/InviteScreen.tsx'),
    'InviteScreen',
  ),
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: ({ location }) => {
    if (useSession.getState().status === 'anonymous') {
      throw redirect({ to: '/login', search: { next: location.href } });
    }
  },
  component: lazyRouteComponent(() => import('./Shell.tsx'), 'Shell'),
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/rooms' });
  },
});

const rooms = createRoute({
  getParentRoute: () => shell,
  path: '/rooms',
  component: lazyRouteComponent(() => import('./NoRoom.tsx'), 'NoRoom'),
});

const room = createRoute({
  getParentRoute: () => shell,
  path: '/rooms/$roomId',
  component: lazyRouteComponent(() => import('../features/timeline/RoomScreen.tsx'), 'RoomScreen'),
});

const discover = createRoute({
  getParentRoute: () => shell,
  path: '/discover',
  validateSearch: ({ q }: Record<string, unknown>): { q?: string | undefined } =>
    typeof q === 'string' && q !== '' ? { q } : {},
  component: lazyRouteComponent(
    () => import('../features/discovery/DiscoverScreen.tsx'),
    'DiscoverScreen',
  ),
});

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    login,
    register,
    invite,
    shell.addChildren([rooms, room, discover]),
  ]),
  defaultPreload: 'intent',
  defaultErrorComponent: Failed,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
