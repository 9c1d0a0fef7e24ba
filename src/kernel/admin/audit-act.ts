/** What who runs the server does stands in their own trail, and in the trail of the organisation that it concerns. */
import type { AuditEntry } from '#kernel/audit';
import type { Tx } from '#kernel/db';
import type { SignedInContext } from '#kernel/http';
import { auditIn } from '#kernel/tenancy';

/** auditAct writes both records; call it last. Always in the order of ids, so that two acts never wait for each other. */
export async function auditAct(
  ctx: SignedInContext,
  tx: Tx,
  tenantId: string | null,
  entry: Pick<AuditEntry, 'action' | 'resource' | 'details'>,
): Promise<void> {
  const trails = new Set([ctx.principal.tenantId, ...(tenantId === null ? [] : [tenantId])]);
  for (const trail of [...trails].toSorted()) await auditIn(ctx, tx, trail, entry);
}
