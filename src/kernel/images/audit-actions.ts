/** What is done to the pictures of organisations. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const imageAuditActions: AuditActions = {
  'organisation.picture.update': 'Picture of the organisation changed',
  'organisation.picture.remove': 'Picture of the organisation removed',
};
