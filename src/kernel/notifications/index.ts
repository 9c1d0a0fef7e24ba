/** The door of notifications. */
export { notificationAuditActions } from './audit-actions.ts';
export { createNotificationService } from './create-notification-service.ts';
export type { NotificationServiceOptions } from './create-notification-service.ts';
export { kernelNotificationKinds } from './kernel-kinds.ts';
export { notificationRoutes } from './routes/notification-routes.ts';
export type { NewNotification, NotificationKind, NotificationService, Ways } from './types.ts';
