/** The door of feature flags. */
export { flagAuditActions } from './audit-actions.ts';
export { createFlagService } from './create-flag-service.ts';
export { flagRoutes } from './routes/flag-routes.ts';
export type { FlagDeclaration, FlagService } from './types.ts';
