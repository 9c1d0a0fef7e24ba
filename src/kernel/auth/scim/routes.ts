/** The routes of provisioning: what a directory asks, and what the organisation says about its directory. */
import type { Route } from '#kernel/http';
import { directoryRoutes } from './directory-routes.ts';
import { scimDiscoveryRoutes } from './discovery-routes.ts';
import { scimGroupRoutes } from './group-routes.ts';
import { scimUserRoutes } from './user-routes.ts';

export const scimRoutes: readonly Route[] = [
  ...scimDiscoveryRoutes,
  ...scimUserRoutes,
  ...scimGroupRoutes,
  ...directoryRoutes,
];
