/** All routes of the console. */
import type { Route } from '#kernel/http';
import { serverInvitationRoutes } from './routes/invitation-routes.ts';
import { jobRoutes } from './routes/job-routes.ts';
import { organisationRoutes } from './routes/organisation-routes.ts';
import { overviewRoutes } from './routes/overview-routes.ts';
import { peopleRoutes } from './routes/people-routes.ts';
import { usageRoutes } from './routes/usage-routes.ts';
import { supportOperatorRoutes } from './support/operator-routes.ts';
import { supportOwnerRoutes } from './support/owner-routes.ts';

export const adminRoutes: readonly Route[] = [
  ...overviewRoutes,
  ...peopleRoutes,
  ...serverInvitationRoutes,
  ...organisationRoutes,
  ...usageRoutes,
  ...jobRoutes,
  ...supportOperatorRoutes,
  ...supportOwnerRoutes,
];
