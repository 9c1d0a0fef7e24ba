/** All addresses of the web app: the open pages, the shell with its own pages, and the pages of every application. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { ApiProblem } from '../api.ts';
import type { PageRoute } from '../app-pages.ts';
import { sessionQuery } from '../session.ts';
import { LoadingRows } from '../ui/states.tsx';
import { AuthLayout } from './auth-layout.tsx';
import { PageError } from './error-boundaries.tsx';
import { focusAfterNavigation } from './focus-after-navigation.ts';
import { installedApps } from './installed-apps.ts';
import { queryClient } from './query-client.ts';
import { readNext } from './read-next.ts';

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    readonly layout?: 'page' | 'full';
  }
}

const root = createRootRoute({ component: Outlet });

const open = createRoute({ getParentRoute: () => root, id: 'open', component: AuthLayout });

const openPages: readonly PageRoute[] = [
  { path: '/setup', load: () => import('../pages/setup-page.tsx') },
  { path: '/sign-in', load: () => import('../pages/sign-in-page.tsx') },
  { path: '/sign-up', load: () => import('../pages/sign-up-page.tsx') },
];

/** The shell waits for the session; who is not signed in signs in first and comes back to the address asked for. */
const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: lazyRouteComponent(() => import('./app-shell.tsx')), // signing in does without it
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(sessionQuery);
    } catch (error) {
      const isSignedOut = error instanceof ApiProblem && error.status === 401;
      if (isSignedOut) throw redirect({ to: '/sign-in', search: { next: readNext(location.href) } });
      throw error;
    }
  },
});

const shellPages: readonly PageRoute[] = [
  { path: '/', load: () => import('../pages/home-page.tsx') },
  { path: '/settings/profile', load: () => import('../pages/profile-page.tsx') },
  { path: '/settings/sessions', load: () => import('../pages/sessions-page.tsx') },
  { path: '/settings/models', load: () => import('../pages/models/models-page.tsx') },
  { path: '$', load: () => import('../pages/not-found-page.tsx') },
];

const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  beforeLoad: () => {
    throw redirect({ to: '/settings/profile', replace: true });
  },
});

function addPage(parent: typeof open | typeof shell, { path, load, layout = 'page' }: PageRoute) {
  return createRoute({
    getParentRoute: () => parent as typeof shell,
    path,
    component: lazyRouteComponent(load),
    staticData: { layout },
  });
}

const routeTree = root.addChildren([
  open.addChildren(openPages.map((page) => addPage(open, page))),
  shell.addChildren([
    settings,
    ...[...shellPages, ...installedApps.flatMap((app) => app.routes)].map((page) => addPage(shell, page)),
  ]),
]);

/** createAppRouter makes the router; there is one per page load. */
export function createAppRouter() {
  const router = createRouter({
    routeTree,
    defaultPreload: 'intent',
    defaultPendingMs: 150,
    defaultPendingComponent: () => <LoadingRows />,
    defaultErrorComponent: PageError,
    scrollRestoration: true,
  });
  focusAfterNavigation(router);
  return router;
}
