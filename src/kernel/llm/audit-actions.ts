/** What is done to model connections and prices. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const llmAuditActions: AuditActions = {
  'models.connection.create': 'Model connection added',
  'models.connection.update': 'Model connection changed',
  'models.connection.delete': 'Model connection removed',
  'models.price.update': 'Price of a model changed',
};
