/** What is done to feature flags. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const flagAuditActions: AuditActions = {
  'flags.set': 'Feature switched',
  'flags.exceptions.set': 'Exceptions of a feature changed',
};
