/** The door of the database. */
export type { Database, Statement, SystemReason, TenantScope, Tx } from './types.ts';
