/** The door of the audit trail. */
export { auditActions } from './audit-actions.ts';
export { createAuditLog } from './create-audit-log.ts';
export type { AuditHead, HeadState } from './chain-heads.ts';
export { permissions, policy } from './permissions.ts';
export { auditRoutes } from './routes/index.ts';
export type {
  Anonymised,
  AuditActions,
  AuditEntry,
  AuditLog,
  AuditVerdict,
  PruneResult,
  VerificationProgress,
} from './types.ts';
