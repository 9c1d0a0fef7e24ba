/** The door of the audit trail. */
export { createAuditLog } from './create-audit-log.ts';
export type { AuditEntry, AuditLog, AuditVerdict } from './types.ts';
