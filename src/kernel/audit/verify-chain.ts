/** Verification recomputes a chain from its first record, and finds a change, gap, truncation, insertion or swap. */
import type { Database, Tx } from '#kernel/db';
import { chainHash, digestFacts, zeroHash, type AuditFacts, type Details } from './record-digest.ts';
import type { AuditVerdict } from './types.ts';

type Transact = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

interface RecordRow {
  readonly id: string;
  readonly sequence: string;
  readonly occurred_at: Date;
  readonly action: string;
  readonly resource: string;
  readonly details: Details;
  readonly actor_kind: AuditFacts['actorKind'];
  readonly actor_user_id: string | null;
  readonly actor_via: string;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly hash: Buffer;
}

interface EndRow {
  readonly head_sequence: string | null;
  readonly head_hash: Buffer | null;
  readonly last_sequence: string | null;
}

/** Walk is how far a verification has come along one chain. */
interface Walk {
  sequence: bigint;
  hash: Uint8Array;
}

const recordsPerBatch = 1_000;

function toFacts(row: RecordRow, tenantId: string): AuditFacts {
  return {
    id: row.id,
    tenantId,
    occurredAt: row.occurred_at.toISOString(),
    action: row.action,
    resource: row.resource,
    details: row.details,
    actorKind: row.actor_kind,
    actorUserId: row.actor_user_id,
    actorVia: row.actor_via,
    address: row.address,
    requestId: row.request_id,
  };
}

function readBatch(tx: Tx, tenantId: string, after: bigint): Promise<RecordRow[]> {
  return tx.query<RecordRow>({
    // Qualified, because a bare `order by sequence` would mean the text of the output column.
    text: `select id, sequence::text, occurred_at, action, resource, details, actor_kind, actor_user_id, actor_via,
             address, request_id, hash
           from kernel.audit_records as r where tenant_id = $1 and r.sequence > $2 order by r.sequence limit $3`,
    values: [tenantId, after.toString(), recordsPerBatch],
  });
}

/** readEnd reads head and newest record in one statement, so that an append in between cannot look like a forgery. */
async function readEnd(tx: Tx, tenantId: string): Promise<EndRow> {
  const [row] = await tx.query<EndRow>({
    text: `select
             (select sequence::text from kernel.audit_heads where tenant_id = $1) as head_sequence,
             (select hash from kernel.audit_heads where tenant_id = $1) as head_hash,
             (select max(sequence)::text from kernel.audit_records where tenant_id = $1) as last_sequence`,
    values: [tenantId],
  });
  return row ?? { head_sequence: null, head_hash: null, last_sequence: null };
}

/** follow advances the walk over the rows, or says at which one it cannot. */
function follow(walk: Walk, rows: readonly RecordRow[], tenantId: string): AuditVerdict | null {
  for (const row of rows) {
    const expected = walk.sequence + 1n;
    if (BigInt(row.sequence) !== expected) {
      return { checked: Number(walk.sequence), brokenAt: expected.toString(), reason: 'missing' };
    }
    const hash = chainHash(walk.hash, expected, digestFacts(toFacts(row, tenantId)));
    if (!hash.equals(row.hash)) {
      return { checked: Number(walk.sequence), brokenAt: row.sequence, reason: 'changed' };
    }
    walk.sequence = expected;
    walk.hash = hash;
  }
  return null;
}

/** judgeEnd compares the head with what was walked; null when there is more to walk. */
function judgeEnd(walk: Walk, end: EndRow): AuditVerdict | null {
  const checked = Number(walk.sequence);
  const head = BigInt(end.head_sequence ?? 0);
  const last = BigInt(end.last_sequence ?? 0);
  // With the head and everything it covers consistent, a record beyond it was not written by us.
  if (last > head) return { checked, brokenAt: (head + 1n).toString(), reason: 'inserted' };
  if (last < head) return { checked, brokenAt: (last + 1n).toString(), reason: 'truncated' };
  if (head > walk.sequence) return null;
  if (end.head_hash && !Buffer.from(walk.hash).equals(end.head_hash)) {
    return { checked, brokenAt: head.toString(), reason: 'changed' };
  }
  return { checked, brokenAt: null };
}

/** verifyChain walks one organisation's chain in short transactions; records appended meanwhile are walked too. */
export async function verifyChain(transact: Transact, tenantId: string): Promise<AuditVerdict> {
  const walk: Walk = { sequence: 0n, hash: zeroHash };
  for (;;) {
    const rows = await transact((tx) => readBatch(tx, tenantId, walk.sequence));
    const broken = follow(walk, rows, tenantId);
    if (broken) return broken;
    if (rows.length === recordsPerBatch) continue;
    const verdict = judgeEnd(walk, await transact((tx) => readEnd(tx, tenantId)));
    if (verdict) return verdict;
  }
}

async function nextTenants(tx: Tx, after: string): Promise<string[]> {
  // Records without a head are a broken chain too, hence both tables.
  const rows = await tx.query<{ tenant_id: string }>({
    text: `select tenant_id from kernel.audit_heads where tenant_id > $1
           union select tenant_id from kernel.audit_records where tenant_id > $1 and sequence = 1
           order by tenant_id limit 500`,
    values: [after],
  });
  return rows.map((row) => row.tenant_id);
}

/** verifyEveryChain walks the chains of all organisations, in the order of their ids. */
export async function* verifyEveryChain(
  db: Pick<Database, 'withSystem'>,
): AsyncGenerator<AuditVerdict & { readonly tenantId: string }> {
  const transact: Transact = (work) => db.withSystem('audit verification', work);
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const tenants = await transact((tx) => nextTenants(tx, after));
    for (const tenantId of tenants) yield { tenantId, ...(await verifyChain(transact, tenantId)) };
    const last = tenants.at(-1);
    if (!last) return;
    after = last;
  }
}
