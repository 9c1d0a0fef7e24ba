/** The door of Web Push. */
export { pushAuditActions } from './audit-actions.ts';
export { createPushService } from './create-push-service.ts';
export type { PushServiceOptions } from './create-push-service.ts';
export { pushSealedColumns } from './vapid-keys.ts';
export { pushRoutes } from './routes/push-routes.ts';
export type { PushMessage, PushOutcome, PushService, Subscription } from './types.ts';
