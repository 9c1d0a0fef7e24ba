/** Who is erased is taken out of every record of every trail in the erasure's transaction, and each chain says so. */
import type { Tx } from '#kernel/db';
import { anonymiseAction, describeVoucher, formatPlaces, splitVoucher } from './anonymised-marks.ts';
import type { Anonymised, AuditEntry } from './types.ts';

/** So many records are looked through in one statement: well below its time limit, should all of them be the person's. */
const recordsPerWindow = 10_000;

interface Place {
  readonly tenant_id: string;
  readonly sequence: string;
}

const beginning: Place = { tenant_id: '00000000-0000-0000-0000-000000000000', sequence: '0' };

/** findWindowEnd is the place so many records on, or the last of all; null when there is none. */
async function findWindowEnd(tx: Tx, after: Place): Promise<Place | null> {
  const [end] = await tx.query<Place>({
    text: `select w.tenant_id, w.sequence::text from (
             select r.tenant_id, r.sequence from kernel.audit_records r
             where (r.tenant_id, r.sequence) > ($1::uuid, $2::bigint) order by r.tenant_id, r.sequence limit $3
           ) w order by w.tenant_id desc, w.sequence desc limit 1`,
    values: [after.tenant_id, after.sequence, recordsPerWindow],
  });
  return end ?? null;
}

type FoundRow = Place & { readonly fields: readonly string[] | null };

/** gather puts what was found by organisation. */
function gather(at: Date, rows: readonly FoundRow[]): Anonymised {
  const places = new Map<string, { sequence: number; fields: readonly string[] }[]>();
  let kept = 0;
  for (const { tenant_id: tenantId, sequence, fields } of rows) {
    if (fields === null) kept += 1;
    else {
      const known = places.get(tenantId) ?? [];
      known.push({ sequence: Number(sequence), fields });
      places.set(tenantId, known);
    }
  }
  return { at, places, kept };
}

/** anonymisePerson takes the person out, wherever they are named; see AuditLog.anonymise. */
export async function anonymisePerson(tx: Tx, userId: string): Promise<Anonymised> {
  const at = new Date();
  const found: FoundRow[] = [];
  let after = beginning;
  for (;;) {
    const end = await findWindowEnd(tx, after);
    if (!end) return gather(at, found);
    const rows = await tx.query<FoundRow>({
      text: `select a.tenant_id, a.sequence::text, a.fields from kernel.anonymise_audit_records($1, $2, $3, $4, $5, $6) a`,
      values: [userId, after.tenant_id, after.sequence, end.tenant_id, end.sequence, at],
    });
    for (const row of rows) found.push(row);
    after = end;
  }
}

/** anonymiseAbsent takes out people who have no account any more; see AuditLog.anonymiseAbsent. */
export async function anonymiseAbsent(tx: Tx): Promise<Anonymised> {
  const at = new Date();
  const rows = await tx.query<FoundRow>({
    text: 'select a.tenant_id, a.sequence::text, a.fields from kernel.anonymise_absent_people($1) a',
    values: [at],
  });
  return gather(at, rows);
}

/** groupByFields puts together the places of which the same was taken out. */
function groupByFields(places: readonly { readonly sequence: number; readonly fields: readonly string[] }[]) {
  return Map.groupBy(places, ({ fields }) => fields.join(' '));
}

/** recordAnonymised adds the records that vouch for what was done, in the order of organisations, so that no two wait. */
export async function recordAnonymised(
  record: (tx: Tx, entry: AuditEntry) => Promise<void>,
  tx: Tx,
  { at, places }: Anonymised,
): Promise<void> {
  for (const [tenantId, found] of [...places].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const [, same] of groupByFields(found)) {
      const fields = same[0]?.fields ?? [];
      const sequences = same.map(({ sequence }) => sequence);
      for (const voucher of splitVoucher({ fields, at, places: formatPlaces(sequences) })) {
        await record(tx, {
          action: anonymiseAction,
          resource: `organisation:${tenantId}`,
          details: describeVoucher(voucher),
          actor: { kind: 'system', reason: 'erasure of an account' },
          tenantId,
        });
      }
    }
  }
}
