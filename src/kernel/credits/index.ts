/** The door of plans, budgets and the ledger. */
export { creditAuditActions } from './audit-actions.ts';
export { creditNotificationKinds } from './alert-budgets.ts';
export { createCredits } from './create-credits.ts';
export type { CreditsOptions } from './create-credits.ts';
export { permissions, policy } from './permissions.ts';
export { creditRoutes } from './routes/index.ts';
export type { Credits, Plan, Settlement, WorstCase } from './types.ts';
