/** Retention removes the oldest records of a whole chain, never of a broken one, and the chain says so and stays verifiable. */
import type { Database, Tx } from '#kernel/db';
import type { AuditEntry, PruneResult } from './types.ts';
import { pruneAction, verifyChain } from './verify-chain.ts';

const recordsPerTransaction = 20_000;
const tenantsPerQuery = 200;

interface Tools {
  readonly db: Pick<Database, 'withSystem'>;
  readonly record: (tx: Tx, entry: AuditEntry) => Promise<void>;
}

/** The oldest record of each chain is looked at, one index entry per organisation. */
async function tenantsWithOld(tx: Tx, before: Date, after: string): Promise<string[]> {
  const rows = await tx.query<{ tenant_id: string }>({
    text: `select h.tenant_id from kernel.audit_heads h
           cross join lateral (
             select r.occurred_at from kernel.audit_records r
             where r.tenant_id = h.tenant_id and r.sequence < h.sequence order by r.sequence limit 1
           ) oldest
           where h.tenant_id > $2 and oldest.occurred_at < $1 order by h.tenant_id limit $3`,
    values: [before, after, tenantsPerQuery],
  });
  return rows.map((row) => row.tenant_id);
}

interface PrunedRow {
  readonly through: string;
  readonly through_hash: Buffer;
  readonly records: string;
}

/** pruneOnce removes one batch and records it in the same transaction; 0 when nothing is left to remove. */
async function pruneOnce({ db, record }: Tools, tenantId: string, before: Date): Promise<number> {
  return db.withSystem('audit retention', async (tx) => {
    const [row] = await tx.query<PrunedRow>({
      text: 'select through::text, through_hash, records::text from kernel.prune_audit_records($1, $2, $3)',
      values: [tenantId, before, recordsPerTransaction],
    });
    if (!row) return 0;
    const records = Number(row.records);
    await record(tx, {
      action: pruneAction,
      resource: `audit-record:${row.through}`,
      details: {
        through: row.through,
        hash: row.through_hash.toString('hex'),
        records,
        olderThan: before.toISOString(),
      },
      actor: { kind: 'system', reason: 'retention' },
      tenantId,
    });
    return records;
  });
}

async function pruneTenant(tools: Tools, tenantId: string, before: Date): Promise<PruneResult> {
  const verdict = await verifyChain((work) => tools.db.withSystem('audit retention', work), tenantId);
  if (verdict.brokenAt !== null) return { tenantId, records: 0, isBroken: true };
  let records = 0;
  for (;;) {
    const removed = await pruneOnce(tools, tenantId, before);
    records += removed;
    if (removed < recordsPerTransaction) return { tenantId, records, isBroken: false };
  }
}

/** pruneRecords yields what was done to each organisation whose trail begins before `before`. */
export async function* pruneRecords(tools: Tools, before: Date): AsyncGenerator<PruneResult> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const tenants = await tools.db.withSystem('audit retention', (tx) => tenantsWithOld(tx, before, after));
    for (const tenantId of tenants) yield await pruneTenant(tools, tenantId, before);
    const last = tenants.at(-1);
    if (!last) return;
    after = last;
  }
}
