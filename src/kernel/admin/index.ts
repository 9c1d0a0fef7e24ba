/** The door of the console of who runs the server. */
export { adminAuditActions } from './audit-actions.ts';
export { adminRoutes } from './routes.ts';
export { supportNotificationKinds } from './support/notification-kinds.ts';
export { supportPermissions, supportPolicy } from './support/permissions.ts';
export { sweepSupportGrants } from './support/sweep-grants.ts';
