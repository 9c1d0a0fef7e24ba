/** Verification recomputes a chain from its first record, and finds a change, gap, truncation, insertion or swap. */
import type { Database, Tx } from '#kernel/db';
import { AnonymisedMarks, anonymiseAction } from './anonymised-marks.ts';
import {
  chainHash,
  digestAnonymised,
  digestFacts,
  digestUnder,
  zeroHash,
  type AuditFacts,
  type Details,
  type Seals,
} from './record-digest.ts';
import type { AuditVerdict, VerificationProgress } from './types.ts';

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
  readonly device: string | null;
  readonly form: number;
  readonly salt: Buffer | null;
  readonly seals: Seals | null;
  readonly anonymised_at: Date | null;
  readonly hash: Buffer;
}

interface EndRow {
  readonly head_sequence: string | null;
  readonly head_hash: Buffer | null;
  readonly last_sequence: string | null;
}

/** Anchor is where a chain begins after retention. */
interface Anchor {
  readonly sequence: bigint;
  readonly hash: Buffer;
}

/** Walk is how far a verification has come along one chain. */
interface Walk {
  sequence: bigint;
  hash: Uint8Array;
  checked: number;
  /** Where it began; null at the first record. */
  anchor: Anchor | null;
  /** What the newest record of retention met so far says about where the chain begins. */
  pruned: string | null;
  /** Records met that somebody was taken out of, and those of them that no record has vouched for yet. */
  anonymised: number;
  readonly marks: AnonymisedMarks;
}

/** pruneAction is the action of the records that retention leaves; they say where the chain begins. */
export const pruneAction = 'audit.record.prune';

const recordsPerBatch = 1_000;
const tenantsPerQuery = 500;

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
    device: row.device,
  };
}

function readBatch(tx: Tx, tenantId: string, after: bigint): Promise<RecordRow[]> {
  return tx.query<RecordRow>({
    // Qualified, because a bare `order by sequence` would mean the text of the output column.
    text: `select id, sequence::text, occurred_at, action, resource, details, actor_kind, actor_user_id, actor_via,
             address, request_id, device, form, salt, seals, anonymised_at, hash
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

/** readAnchor tells where the chain begins; null when nothing was ever removed. */
async function readAnchor(tx: Tx, tenantId: string): Promise<Anchor | null> {
  const [row] = await tx.query<{ sequence: string; hash: Buffer }>({
    text: 'select sequence::text, hash from kernel.audit_anchors where tenant_id = $1',
    values: [tenantId],
  });
  return row ? { sequence: BigInt(row.sequence), hash: row.hash } : null;
}

/** nameAnchor is an anchor as a record of retention tells of it. */
const nameAnchor = (through: unknown, hash: unknown): string => `${String(through)} ${String(hash)}`;

/** digestRow is the digest of a record in whichever form it was written; null when it has none. */
function digestRow(row: RecordRow, tenantId: string): Buffer | null {
  const { form, salt, seals } = row;
  const facts = toFacts(row, tenantId);
  if (form === 2) return seals === null ? digestFacts(facts) : null;
  if (salt !== null) return seals === null ? digestUnder(salt, facts) : null;
  // Whoever writes to the table can write anything there.
  return seals?.erased && seals.salts ? digestAnonymised(seals, facts) : null;
}

/** note keeps what a record that fits says about others. */
function note(walk: Walk, row: RecordRow): void {
  if (row.seals) {
    walk.anonymised += 1;
    walk.marks.add(Number(row.sequence), Object.keys(row.seals.erased), row.anonymised_at);
  }
  if (row.actor_kind !== 'system') return;
  if (row.action === pruneAction) walk.pruned = nameAnchor(row.details['through'], row.details['hash']);
  if (row.action === anonymiseAction) walk.marks.vouch(row.details);
}

/** follow advances the walk over the rows, or says at which one it cannot. */
function follow(walk: Walk, rows: readonly RecordRow[], tenantId: string): AuditVerdict | null {
  for (const row of rows) {
    const expected = walk.sequence + 1n;
    if (BigInt(row.sequence) !== expected) {
      return { checked: walk.checked, brokenAt: expected.toString(), reason: 'missing' };
    }
    const digest = digestRow(row, tenantId);
    const hash = digest && chainHash(walk.hash, expected, digest);
    if (!hash?.equals(row.hash)) {
      return { checked: walk.checked, brokenAt: row.sequence, reason: 'changed' };
    }
    note(walk, row);
    walk.sequence = expected;
    walk.hash = hash;
    walk.checked += 1;
  }
  return null;
}

/** judgeEnd compares the head with what was walked; null when there is more to walk. */
function judgeEnd(walk: Walk, end: EndRow): AuditVerdict | null {
  const { checked, anchor } = walk;
  const head = BigInt(end.head_sequence ?? 0);
  const last = BigInt(end.last_sequence ?? anchor?.sequence ?? 0);
  // With the head and everything it covers consistent, a record beyond it was not written by us.
  if (last > head) return { checked, brokenAt: (head + 1n).toString(), reason: 'inserted' };
  if (last < head) return { checked, brokenAt: (last + 1n).toString(), reason: 'truncated' };
  if (head > walk.sequence) return null;
  if (end.head_hash && !Buffer.from(walk.hash).equals(end.head_hash)) {
    return { checked, brokenAt: head.toString(), reason: 'changed' };
  }
  // A beginning that no record of retention vouches for: somebody cut the chain and moved its beginning.
  if (anchor && walk.pruned !== nameAnchor(anchor.sequence, anchor.hash.toString('hex'))) {
    return { checked, brokenAt: '1', reason: 'missing' };
  }
  // Somebody was taken out of it, and not by us.
  const forged = walk.marks.first();
  if (forged !== null)
    return { checked: forged - 1 - Number(anchor?.sequence ?? 0n), brokenAt: forged.toString(), reason: 'changed' };
  return {
    checked,
    brokenAt: null,
    ...(anchor ? { prunedThrough: anchor.sequence.toString() } : {}),
    ...(walk.anonymised > 0 ? { anonymised: walk.anonymised } : {}),
  };
}

function beginAt(anchor: Anchor | null): Walk {
  return {
    sequence: anchor?.sequence ?? 0n,
    hash: anchor?.hash ?? zeroHash,
    checked: 0,
    anchor,
    pruned: null,
    anonymised: 0,
    marks: new AnonymisedMarks(),
  };
}

/** step walks one batch on; null when there is more to walk. */
async function step(
  transact: Transact,
  walk: Walk,
  tenantId: string,
  onProgress: VerificationProgress | undefined,
): Promise<AuditVerdict | null> {
  const rows = await transact((tx) => readBatch(tx, tenantId, walk.sequence));
  const broken = follow(walk, rows, tenantId);
  const hasMore = rows.length === recordsPerBatch;
  if (broken || (hasMore && !onProgress)) return broken;
  const end = await transact((tx) => readEnd(tx, tenantId));
  onProgress?.(walk.checked, Number(BigInt(end.head_sequence ?? 0) - (walk.anchor?.sequence ?? 0n)));
  return hasMore ? null : judgeEnd(walk, end);
}

/**
 * verifyChain walks one organisation's chain in short transactions; records appended meanwhile are walked too, and when
 * retention removes what it stands on, it begins again where the chain begins then.
 */
export async function verifyChain(
  transact: Transact,
  tenantId: string,
  onProgress?: VerificationProgress,
): Promise<AuditVerdict> {
  let walk = beginAt(await transact((tx) => readAnchor(tx, tenantId)));
  for (;;) {
    const verdict = await step(transact, walk, tenantId, onProgress);
    if (!verdict) continue;
    if (verdict.brokenAt === null) return verdict;
    const anchor = await transact((tx) => readAnchor(tx, tenantId));
    if (anchor?.sequence === walk.anchor?.sequence) return verdict;
    walk = beginAt(anchor);
  }
}

/** Each organisation with records is one step along their index, however many records it has, from whichever place on. */
const nextTenantsSql = `
  with recursive chain as (
    (select r.tenant_id from kernel.audit_records r where r.tenant_id > $1 order by r.tenant_id limit 1)
    union all
    select (select r.tenant_id from kernel.audit_records r where r.tenant_id > chain.tenant_id order by r.tenant_id limit 1)
    from chain where chain.tenant_id is not null
  )
  (select tenant_id from chain where tenant_id is not null limit $2)
  union (select tenant_id from kernel.audit_heads where tenant_id > $1 order by tenant_id limit $2)
  union (select tenant_id from kernel.audit_anchors where tenant_id > $1 order by tenant_id limit $2)
  order by tenant_id limit $2`;

async function nextTenants(tx: Tx, after: string): Promise<string[]> {
  // Records, or a beginning, without a head are a broken chain too, hence all three tables.
  const rows = await tx.query<{ tenant_id: string }>({ text: nextTenantsSql, values: [after, tenantsPerQuery] });
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
