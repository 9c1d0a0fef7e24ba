/** What is done to devices that are told of things. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const pushAuditActions: AuditActions = {
  'push.subscription.create': 'Push switched on for a device',
  'push.subscription.update': 'Push of a device changed',
  'push.subscription.test': 'Push tried on a device',
  'push.subscription.delete': 'Push switched off for a device',
};
