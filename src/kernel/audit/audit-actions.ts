/** What is done to the trail itself. Labels as the audit page shows them. */
import type { AuditActions } from './types.ts';

export const auditActions: AuditActions = {
  'audit.record.export': 'Audit trail downloaded',
  'audit.record.anonymise': 'Deleted person taken out of the trail',
  'audit.record.prune': 'Old audit records removed',
};
