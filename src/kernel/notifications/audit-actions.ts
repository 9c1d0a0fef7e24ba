/** What is done to how one is told. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const notificationAuditActions: AuditActions = {
  'notifications.settings.update': 'Notification settings changed',
};
