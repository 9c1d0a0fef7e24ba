/**
 * Every stored credential ends up under a fresh data key, and the old keys cease to be; killed anywhere and repeated, it
 * goes on, beside servers that read and write the same rows (K9.1, K9.2).
 */
import type { AuditLog } from '#kernel/audit';
import type { Database, Tx } from '#kernel/db';
import { isAppError } from '#kernel/errors';
import { createSecretBox, placeIn } from './create-secret-box.ts';
import { findOperator } from './rotate-master-key.ts';
import type { KeyRing, SealedColumn, SecretBox } from './types.ts';

export interface RenewalOptions {
  readonly db: Pick<Database, 'withSystem' | 'withAuth'>;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly ring: KeyRing;
  readonly columns: readonly SealedColumn[];
  /** Texts per transaction. */
  readonly batchSize?: number;
  /** How long old keys are kept after the last text left them, for servers that are about to open what they read before. */
  readonly settleMilliseconds?: number;
  /** Called once it is certain which keys go, then after each committed batch. */
  readonly onProgress?: (progress: RenewalProgress) => void;
}

export type RenewalProgress =
  | { readonly kind: 'begun'; readonly retired: number; readonly isResumed: boolean }
  /** `done` of `total` texts of one column were looked at. */
  | { readonly kind: 'column'; readonly column: string; readonly done: number; readonly total: number };

export interface RenewalResult {
  /** Texts sealed anew by this call. */
  readonly resealed: number;
  /** Old data keys that are gone. */
  readonly released: number;
  /** Old data keys that stay, because texts that cannot be opened name them. */
  readonly kept: number;
  /** Texts that cannot be opened, by column; they stay as they are. */
  readonly unreadable: Readonly<Record<string, number>>;
}

interface SealedRow {
  readonly row_id: string;
  readonly tenant_id: string;
  readonly data_key_id: string | null;
  readonly sealed: string;
}

interface Pass {
  resealed: number;
  readonly unreadable: Map<string, number>;
}

const reason = 'data key renewal';
/** Servers add texts under old keys for as long as it takes to commit them, so that one more pass is enough nearly always. */
const mostPasses = 10;

/** beginRenewal retires the keys in use, unless a renewal is under way: then only what that one began is to be ended. */
async function beginRenewal(db: RenewalOptions['db']): Promise<{ retired: number; isResumed: boolean }> {
  return db.withSystem(reason, async (tx) => {
    await tx.query({ text: `select pg_advisory_xact_lock(hashtextextended('bulkhead data keys', 0))` });
    const [open] = await tx.query<{ count: number }>({
      text: `select count(*)::int as count from kernel.data_keys where retired_at is not null and swept_at is null`,
    });
    if (open && open.count > 0) return { retired: open.count, isResumed: true };
    const rows = await tx.query({
      text: 'update kernel.data_keys set retired_at = now() where retired_at is null returning id',
    });
    return { retired: rows.length, isResumed: false };
  });
}

/** openDoor is how a column is reached across organisations. */
function openDoor<T>(db: RenewalOptions['db'], { door }: SealedColumn, work: (tx: Tx) => Promise<T>): Promise<T> {
  return door === 'auth' ? db.withAuth(work) : db.withSystem(reason, work);
}

function readBatch(tx: Tx, column: SealedColumn, after: string | null, batchSize: number): Promise<SealedRow[]> {
  const { table, column: name, rowIdColumn: id, tenantOf } = column;
  return tx.query<SealedRow>({
    text: `select t.${id} as row_id, (${tenantOf}) as tenant_id, t.${name} as sealed,
             kernel.data_key_of(t.${name}) as data_key_id
           from ${table} t
           where t.${name} is not null and (${tenantOf}) is not null and ($1::uuid is null or t.${id} > $1)
           order by t.${id} limit $2`,
    values: [after, batchSize],
  });
}

async function countTexts(tx: Tx, { table, column, tenantOf }: SealedColumn): Promise<number> {
  const [row] = await tx.query<{ count: number }>({
    text: `select count(*)::int as count from ${table} t where t.${column} is not null and (${tenantOf}) is not null`,
  });
  return row?.count ?? 0;
}

/** keepStale leaves out what is under a key in use already. */
async function keepStale(tx: Tx, rows: readonly SealedRow[]): Promise<SealedRow[]> {
  const active = await tx.query<{ id: string }>({
    text: 'select id from kernel.data_keys where retired_at is null and id = any($1)',
    values: [rows.flatMap((row) => row.data_key_id ?? [])],
  });
  const ids = new Set(active.map(({ id }) => id));
  // By organisation: two renewals at once then make their keys in the same order, and do not wait for each other in a ring.
  return rows
    .filter((row) => row.data_key_id === null || !ids.has(row.data_key_id))
    .toSorted((a, b) => (a.tenant_id < b.tenant_id ? -1 : 1));
}

interface Resealed {
  readonly rowId: string;
  readonly was: string;
  readonly sealed: string;
}

async function resealRows(
  box: SecretBox,
  tx: Tx,
  column: SealedColumn,
  rows: readonly SealedRow[],
): Promise<{ readonly resealed: Resealed[]; readonly unreadable: number }> {
  const resealed: Resealed[] = [];
  let unreadable = 0;
  for (const row of await keepStale(tx, rows)) {
    const place = placeIn(column, row.tenant_id, row.row_id);
    try {
      const sealed = await box.seal(tx, place, await box.open(tx, place, row.sealed));
      resealed.push({ rowId: row.row_id, was: row.sealed, sealed });
    } catch (error) {
      // One damaged text must not keep all others under their old keys; it is told of at the end.
      if (!isAppError(error) || error.code !== 'SECRET_UNREADABLE') throw error;
      unreadable += 1;
    }
  }
  return { resealed, unreadable };
}

/** replaceTexts changes only rows that are still as they were read: what a server wrote meanwhile is newer. */
async function replaceTexts(tx: Tx, column: SealedColumn, texts: readonly Resealed[]): Promise<number> {
  const { table, column: name, rowIdColumn: id } = column;
  const ids = texts.map(({ rowId }) => rowId);
  // In order, so that two renewals at once do not wait for each other in a ring.
  await tx.query({
    text: `select from ${table} where ${id} = any($1) order by ${id} for no key update`,
    values: [ids],
  });
  const rows = await tx.query({
    text: `update ${table} as t set ${name} = n.sealed
           from unnest($1::uuid[], $2::text[], $3::text[]) as n (row_id, was, sealed)
           where t.${id} = n.row_id and t.${name} = n.was returning t.${id}`,
    values: [ids, texts.map(({ was }) => was), texts.map(({ sealed }) => sealed)],
  });
  return rows.length;
}

async function sweepColumn(options: RenewalOptions, box: SecretBox, column: SealedColumn, pass: Pass): Promise<void> {
  const { db, batchSize = 500, onProgress } = options;
  const name = `${column.table}.${column.column}`;
  const total = await openDoor(db, column, (tx) => countTexts(tx, column));
  let done = 0;
  let after: string | null = null;
  for (;;) {
    const last: string | null = after;
    const rows: readonly SealedRow[] = await openDoor(db, column, (tx) => readBatch(tx, column, last, batchSize));
    if (rows.length === 0) return;
    // The keys are the organisations' and the rows may be identity's: no role reaches both, so these are two transactions.
    const { resealed, unreadable } = await db.withSystem(reason, (tx) => resealRows(box, tx, column, rows));
    if (resealed.length > 0) pass.resealed += await openDoor(db, column, (tx) => replaceTexts(tx, column, resealed));
    if (unreadable > 0) pass.unreadable.set(name, (pass.unreadable.get(name) ?? 0) + unreadable);
    done += rows.length;
    after = rows.at(-1)?.row_id ?? null;
    onProgress?.({ kind: 'column', column: name, done, total: Math.max(total, done) });
  }
}

interface ReleasedKeys {
  readonly last_id: string;
  readonly released: number;
}

/** releaseKeys deletes retired keys that nothing names, in short transactions. */
async function releaseKeys(db: RenewalOptions['db'], batchSize: number): Promise<number> {
  let released = 0;
  let after: string | null = null;
  for (;;) {
    const last: string | null = after;
    const [step]: readonly ReleasedKeys[] = await db.withSystem(reason, (tx) =>
      tx.query({ text: 'select last_id, released from kernel.release_data_keys($1, $2)', values: [batchSize, last] }),
    );
    if (!step) return released;
    released += step.released;
    after = step.last_id;
  }
}

async function listRetired(db: RenewalOptions['db']): Promise<string[]> {
  const rows = await db.withSystem(reason, (tx) =>
    tx.query<{ id: string }>({ text: 'select id from kernel.data_keys where retired_at is not null' }),
  );
  return rows.map(({ id }) => id);
}

/** finishRenewal notes that the keys kept protect only what cannot be opened, and writes the audit record. */
async function finishRenewal(
  { db, audit }: RenewalOptions,
  keptIds: readonly string[],
  result: RenewalResult,
): Promise<void> {
  const operator = await findOperator(db);
  await db.withSystem(reason, async (tx) => {
    await tx.query({ text: 'update kernel.data_keys set swept_at = now() where id = any($1)', values: [keptIds] });
    if (!operator) return;
    await audit.record(tx, {
      action: 'secrets.data-keys.renew',
      resource: 'data-keys:all',
      details: { resealed: result.resealed, released: result.released, kept: result.kept },
      actor: { kind: 'system', reason: 'bulkhead keys rotate --data-keys' },
      tenantId: operator,
    });
  });
}

/**
 * renewDataKeys gives every organisation a fresh data key, seals what is stored under it, and deletes the old keys. The
 * database keeps a key as long as a text names it. Interrupted and called again, it goes on with the keys it retired.
 */
export async function renewDataKeys(options: RenewalOptions): Promise<RenewalResult> {
  const { db, ring, columns, batchSize = 500, settleMilliseconds = 3_000, onProgress } = options;
  const begun = await beginRenewal(db);
  onProgress?.({ kind: 'begun', ...begun });
  const box = createSecretBox({ ...ring, columns });
  let resealed = 0;
  let released = 0;
  let kept: readonly string[] = [];
  let unreadable = new Map<string, number>();
  for (let left = mostPasses; left > 0; left -= 1) {
    const pass: Pass = { resealed: 0, unreadable: new Map() };
    for (const column of columns) await sweepColumn(options, box, column, pass);
    resealed += pass.resealed;
    ({ unreadable } = pass);
    if (pass.resealed > 0) await new Promise((resolve) => setTimeout(resolve, settleMilliseconds));
    released += await releaseKeys(db, batchSize);
    const before = kept.length;
    kept = await listRetired(db);
    // What is kept though nothing was moved twice in a row is kept for texts that do not open.
    if (kept.length === 0 || (pass.resealed === 0 && kept.length === before)) break;
  }
  const result = { resealed, released, kept: kept.length, unreadable: Object.fromEntries(unreadable) };
  await finishRenewal(options, kept, result);
  return result;
}
