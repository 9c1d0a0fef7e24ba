/** The door of the audit trail. */
export type { AuditEntry, AuditLog } from './types.ts';
