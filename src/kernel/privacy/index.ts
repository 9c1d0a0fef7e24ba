/** The door of people's rights over their data. */
import type { Route } from '#kernel/http';
import type { NotificationKind } from '#kernel/notifications';
import { deletionRoutes } from './routes/deletion-routes.ts';
import { exportRoutes } from './routes/export-routes.ts';
import { importRoutes } from './routes/import-routes.ts';
import { retentionRoutes } from './routes/retention-routes.ts';

export { privacyAuditActions } from './audit-actions.ts';
export { createRights } from './create-rights.ts';
export type { Rights } from './create-rights.ts';
export { SkippedRecord } from './skipped-record.ts';
export type { DataMap, Importing, PortableSet, RetentionKind, TableNote, Written } from './types.ts';

export const privacyRoutes: readonly Route[] = [
  ...exportRoutes,
  ...importRoutes,
  ...deletionRoutes,
  ...retentionRoutes,
];

export const privacyNotificationKinds: readonly NotificationKind[] = [
  {
    kind: 'privacy.export.ready',
    title: 'The copy of my data is ready',
    defaults: { inApp: true, mail: true, push: false },
  },
  {
    kind: 'privacy.organisation-deletion',
    title: 'An organisation of mine is about to be deleted',
    defaults: { inApp: true, mail: true, push: true },
  },
];
