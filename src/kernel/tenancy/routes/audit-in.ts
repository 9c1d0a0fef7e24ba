/** An act that concerns another organisation than the caller's current one stands in the trail of the one it concerns. */
import type { AuditEntry } from '#kernel/audit';
import type { Tx } from '#kernel/db';
import type { SignedInContext } from '#kernel/http';

/** auditIn writes a record of this request into the trail of `tenantId`; call it last. */
export function auditIn(
  { services, principal, address, requestId, device }: SignedInContext,
  tx: Tx,
  tenantId: string,
  entry: Pick<AuditEntry, 'action' | 'resource' | 'details'>,
): Promise<void> {
  return services.audit.record(tx, {
    ...entry,
    actor: principal,
    tenantId,
    address,
    requestId,
    ...(device ? { device } : {}),
  });
}
