/** The door of mail. */
export { mailAuditActions } from './audit-actions.ts';
export { isMailAddress, serverTenantId } from './addresses.ts';
export { createMailService } from './create-mail-service.ts';
export type { MailServiceOptions } from './create-mail-service.ts';
export { renderMail } from './render-mail.ts';
export type { MailContent } from './render-mail.ts';
export { mailRoutes } from './routes/outbox-routes.ts';
export type { MailService, NewMail } from './types.ts';
