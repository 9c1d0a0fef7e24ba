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

export interface AuditLog {
  /** Appends in the caller's transaction, whatever its role; the chain is per organisation. */
  record(tx: Tx, entry: AuditEntry): Promise<void>;
  /** Walks an organisation's chain and returns the first record that does not fit, or null. */
  verify(scope: TenantScope): Promise<{ readonly checked: number; readonly brokenAt: string | null }>;
}
