/** What is done to keys. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const secretAuditActions: AuditActions = {
  'secrets.master-key.rotate': 'Master key rotated',
  'secrets.data-keys.renew': 'Data keys renewed',
};
