/** The shape of the audit trail: append-only, chained, written with the act. */
import type { Principal } from '#kernel/auth';
import type { TenantScope, Tx } from '#kernel/db';

export interface AuditEntry {
  /** Dotted operation, `agents.agent.create`. */
  readonly action: string;
  /** `agent:<uuid>`. */
  readonly resource: string;
  /** Facts worth keeping; never secrets or texts of people. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
  readonly actor: Principal | { readonly kind: 'system'; readonly reason: string };
  readonly tenantId: string;
  readonly address?: string;
  readonly requestId?: string;
}

/** AuditVerdict is what a walk along one chain found. */
export interface AuditVerdict {
  /** Records that fit. */
  readonly checked: number;
  /** Sequence of the first record that does not fit, as text; null when the chain is whole. */
  readonly brokenAt: string | null;
  /**
   * What is wrong there: `changed` (the record, or the order, is not what was written), `missing` (a gap),
   * `truncated` (the end of the chain is gone), `inserted` (a record beyond the end).
   */
  readonly reason?: 'changed' | 'missing' | 'truncated' | 'inserted';
}

export interface AuditLog {
  /**
   * Appends in the caller's transaction, whatever its role; the chain is per organisation. Appending holds the
   * organisation's chain until the transaction ends, so call it last.
   */
  record(tx: Tx, entry: AuditEntry): Promise<void>;
  /** Walks an organisation's chain and returns the first record that does not fit, or null. */
  verify(scope: TenantScope): Promise<AuditVerdict>;
  /** Walks every chain of the installation, for `bulkhead audit verify`. */
  verifyAll(): AsyncIterable<AuditVerdict & { readonly tenantId: string }>;
}
