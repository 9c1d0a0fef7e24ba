/** What is done to plans and budgets. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const creditAuditActions: AuditActions = {
  'credits.budget.update': 'Budget set',
  'credits.budget.delete': 'Budget removed',
  'credits.plan.update': 'Plan changed',
};
