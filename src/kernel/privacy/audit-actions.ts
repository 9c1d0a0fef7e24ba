/** What is done with people’s rights over their data. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const privacyAuditActions: AuditActions = {
  'privacy.export.create': 'Copy of the data ordered',
  'privacy.export.download': 'Copy of the data downloaded',
  'privacy.export.delete': 'Copy of the data deleted',
  'privacy.import.create': 'Data brought in',
  'privacy.import.delete': 'Archive to bring in deleted',
  'privacy.account-deletion.request': 'Deletion of an account ordered',
  'privacy.account-deletion.cancel': 'Deletion of an account called off',
  'privacy.organisation-deletion.request': 'Deletion of the organisation ordered',
  'privacy.organisation-deletion.cancel': 'Deletion of the organisation called off',
  'privacy.retention.set': 'Keeping times changed',
};
