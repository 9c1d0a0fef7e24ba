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
import { AuthLayout, OpenFrame } from './auth-layout.tsx';
import { enterOrganisation, leaveOrganisation } from './enter-organisation.ts';
import { focusAfterNavigation } from './focus-after-navigation.ts';
import { installedApps } from './installed-apps.ts';
import { PageError } from './page-error.tsx';
import { fetchPage, fetchStyled } from './page-problem.ts';
import { refuseForeignPage } from './permitted.ts';
import { queryClient } from './query-client.ts';
import { readNext } from './read-next.ts';

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    readonly layout?: 'page' | 'full';
  }
}

const root = createRootRoute({ component: Outlet });

const open = createRoute({
  getParentRoute: () => root,
  id: 'open',
  component: AuthLayout,
  beforeLoad: leaveOrganisation,
});

const openPages: readonly PageRoute[] = [
  { path: '/setup', load: () => import('../pages/setup-page.tsx') },
  { path: '/sign-in', load: () => import('../pages/sign-in-page.tsx') },
  { path: '/sign-up', load: () => import('../pages/sign-up-page.tsx') },
  { path: '/sign-on/$provider', load: () => import('../pages/sign-on/sign-on-callback-page.tsx') },
  { path: '/invitation', load: () => import('../pages/organisation/invitation-page.tsx') },
  { path: '/forgot-password', load: () => import('../pages/mail-proofs/forgot-password-page.tsx') },
  { path: '/reset-password', load: () => import('../pages/mail-proofs/reset-password-page.tsx') },
  { path: '/verify-email', load: () => import('../pages/mail-proofs/verify-email-page.tsx') },
  { path: '/deleted/$certificateId', load: () => import('../pages/your-data/certificate-page.tsx') },
];

/** The programs of pages by path, so that one can be fetched while it is still being asked who is there. */
const preloads = new Map<string, () => Promise<unknown>>();

/** The shell waits for the session; who is not signed in signs in first and comes back to the address asked for. */
const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: lazyRouteComponent(() => fetchPage(() => import('./app-shell.tsx'))), // signing in does without it
  errorComponent: (props) => (
    <OpenFrame>
      <PageError {...props} />
    </OpenFrame>
  ),
  beforeLoad: async ({ location, matches }) => {
    preloads
      .get(matches.at(-1)?.fullPath ?? '')?.()
      .catch(() => undefined); // shown, it says what went wrong
    try {
      enterOrganisation(await queryClient.ensureQueryData(sessionQuery));
    } catch (error) {
      const isSignedOut = error instanceof ApiProblem && error.status === 401;
      if (isSignedOut) throw redirect({ to: '/sign-in', search: { next: readNext(location.href) } });
      throw error;
    }
  },
});

const shellPages: readonly PageRoute[] = [
  { path: '/', load: () => import('../pages/home-page.tsx'), isPlain: true },
  { path: '/settings', load: () => import('../pages/settings-page.tsx') },
  { path: '/settings/profile', load: () => import('../pages/profile-page.tsx') },
  { path: '/notifications', load: () => import('../pages/notifications/notifications-page.tsx') },
  { path: '/admin', load: () => import('../pages/admin/overview-page.tsx') },
  { path: '/admin/people', load: () => import('../pages/admin/people-page.tsx') },
  { path: '/admin/people/$personId', load: () => import('../pages/admin/person-page.tsx') },
  { path: '/admin/organisations', load: () => import('../pages/admin/organisations-page.tsx') },
  { path: '/admin/organisations/$organisationId', load: () => import('../pages/admin/organisation-page.tsx') },
  { path: '/admin/usage', load: () => import('../pages/admin/usage-page.tsx') },
  { path: '/admin/flags', load: () => import('../pages/admin/flags-page.tsx') },
  { path: '/admin/jobs', load: () => import('../pages/admin/jobs-page.tsx') },
  { path: '/settings/support', load: () => import('../pages/admin/support-page.tsx') },
  { path: '/admin/outbox', load: () => import('../pages/outbox/outbox-page.tsx') },
  { path: '/settings/notifications', load: () => import('../pages/notifications/settings-page.tsx') },
  { path: '/settings/security', load: () => import('../pages/security/security-page.tsx') },
  { path: '/settings/sessions', load: () => import('../pages/sessions-page.tsx') },
  { path: '/settings/organisation', load: () => import('../pages/organisation/organisation-page.tsx') },
  { path: '/settings/members', load: () => import('../pages/organisation/members-page.tsx') },
  { path: '/settings/sign-on', load: () => import('../pages/sign-on/sign-on-page.tsx') },
  { path: '/settings/models', load: () => import('../pages/models/models-page.tsx') },
  { path: '/settings/api-keys', load: () => import('../pages/api-keys/api-keys-page.tsx') },
  { path: '/connect-device', load: () => import('../pages/api-keys/connect-device-page.tsx') },
  { path: '/settings/directory', load: () => import('../pages/api-keys/directory-page.tsx') },
  { path: '/settings/usage', load: () => import('../pages/usage/usage-page.tsx') },
  { path: '/settings/data', load: () => import('../pages/your-data/data-page.tsx') },
  { path: '/settings/audit', load: () => import('../pages/audit/audit-page.tsx') },
  { path: '$', load: () => import('../pages/not-found-page.tsx') },
];

function addPage(parent: typeof open | typeof shell, { path, load, layout = 'page', isPlain }: PageRoute) {
  const fetchWhole = isPlain || parent === open ? fetchPage : fetchStyled;
  const fetchProgram = () => fetchWhole(load);
  preloads.set(path, fetchProgram);
  return createRoute({
    getParentRoute: () => parent as typeof shell,
    path,
    component: lazyRouteComponent(fetchProgram),
    staticData: { layout },
    beforeLoad: () => {
      const session = parent === shell ? queryClient.getQueryData(sessionQuery.queryKey) : undefined;
      if (session) refuseForeignPage(path, session);
    },
  });
}

const routeTree = root.addChildren([
  open.addChildren(openPages.map((page) => addPage(open, page))),
  shell.addChildren([...shellPages, ...installedApps.flatMap((app) => app.routes)].map((page) => addPage(shell, page))),
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
