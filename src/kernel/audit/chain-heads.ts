/** A head kept elsewhere shows what nothing inside the database can: an end that was cut off, a chain written anew. */
import type { Database, Tx } from '#kernel/db';

/** AuditHead is the end of an organisation's chain at some moment: its place as text, its hash in hex. */
export interface AuditHead {
  readonly tenantId: string;
  readonly sequence: string;
  readonly hash: string;
}

/** HeadState is what became of a head that was kept: `gone` is a trail that is not there at all. */
export type HeadState = 'kept' | 'changed' | 'truncated' | 'gone';

const reason = 'heads of audit trails';
const headsPerBatch = 1_000;

/** readHeads gives the ends of all chains, in the order of organisations. */
export async function* readHeads(db: Pick<Database, 'withSystem'>): AsyncGenerator<AuditHead> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const from = after;
    const rows = await db.withSystem(reason, (tx) =>
      tx.query<{ tenant_id: string; sequence: string; hash: string }>({
        text: `select tenant_id, sequence::text, encode(hash, 'hex') as hash from kernel.audit_heads
               where tenant_id > $1 order by tenant_id limit $2`,
        values: [from, headsPerBatch],
      }),
    );
    for (const { tenant_id: tenantId, sequence, hash } of rows) yield { tenantId, sequence, hash };
    const last = rows.at(-1);
    if (!last) return;
    after = last.tenant_id;
  }
}

interface PlaceRow {
  readonly hash: string | null;
  readonly anchor_hash: string | null;
  readonly is_pruned: boolean;
  readonly has_head: boolean;
}

async function readPlace(tx: Tx, { tenantId, sequence }: AuditHead): Promise<PlaceRow | undefined> {
  const [row] = await tx.query<PlaceRow>({
    text: `select
             (select encode(r.hash, 'hex') from kernel.audit_records r where r.tenant_id = $1 and r.sequence = $2) as hash,
             (select encode(a.hash, 'hex') from kernel.audit_anchors a where a.tenant_id = $1 and a.sequence = $2) as anchor_hash,
             exists(select from kernel.audit_anchors a where a.tenant_id = $1 and a.sequence > $2) as is_pruned,
             exists(select from kernel.audit_heads h where h.tenant_id = $1) as has_head`,
    values: [tenantId, sequence],
  });
  return row;
}

/** compareHead says whether a chain still goes through the head; whether it is whole is for verification to say. */
export async function compareHead(db: Pick<Database, 'withSystem'>, head: AuditHead): Promise<HeadState> {
  const row = await db.withSystem(reason, (tx) => readPlace(tx, head));
  const hash = row?.hash ?? row?.anchor_hash ?? null;
  if (hash !== null) return hash === head.hash ? 'kept' : 'changed';
  if (row?.is_pruned) return 'kept';
  return row?.has_head ? 'truncated' : 'gone';
}
