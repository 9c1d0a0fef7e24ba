/** What is done to the outbox. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const mailAuditActions: AuditActions = {
  'mail.outbox.read': 'Mail in the outbox read',
  'mail.outbox.retry': 'Mail sent again',
};
