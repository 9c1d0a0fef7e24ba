/** The sweeper makes bytes and rows agree again after a crash; it may run on every process at once. */
import type { Database, Tx } from '#kernel/db';
import type { BlobStore } from './types.ts';

type SystemDatabase = Pick<Database, 'withSystem'>;

const removalsPerBatch = 100;

/**
 * drainRemovals deletes the bytes of rows that are gone. Bytes first, note after: a crash in between repeats, never
 * forgets. What cannot be deleted keeps its note and holds up nothing else; throws AggregateError once the rest is gone.
 */
export async function drainRemovals(db: SystemDatabase, blobs: BlobStore): Promise<number> {
  const failures = new Map<string, unknown>();
  for (let removed = 0; ;) {
    const { found, deleted } = await db.withSystem('delete removed files', (tx) => drainBatch(tx, blobs, failures));
    removed += deleted;
    if (found === removalsPerBatch) continue;
    if (failures.size === 0) return removed;
    throw new AggregateError(failures.values(), `${failures.size} removed files could not be deleted`);
  }
}

/** drainBatch deletes some that are not among `failures`, to which it adds. */
async function drainBatch(
  tx: Tx,
  blobs: BlobStore,
  failures: Map<string, unknown>,
): Promise<{ found: number; deleted: number }> {
  const rows = await tx.query<{ id: string; tenant_id: string }>({
    text: `select id, tenant_id from kernel.object_removals where id <> all($2)
           order by removed_at limit $1 for update skip locked`,
    values: [removalsPerBatch, [...failures.keys()]],
  });
  const deleted: string[] = [];
  for (const { id, tenant_id: tenantId } of rows) {
    try {
      await blobs.delete({ tenantId, id });
      deleted.push(id);
    } catch (error) {
      failures.set(id, error); // thrown by drainRemovals, when the others are gone
    }
  }
  await tx.query({ text: 'delete from kernel.object_removals where id = any($1)', values: [deleted] });
  return { found: rows.length, deleted: deleted.length };
}

/** removeOrphans deletes bytes older than `before` that have no row, and what unfinished uploads left. */
export async function removeOrphans(db: SystemDatabase, blobs: BlobStore, before: Date): Promise<number> {
  let orphans = await blobs.clearUnfinished(before);
  for await (const keys of blobs.list(before)) {
    const rows = await db.withSystem('look for files without a row', (tx) =>
      tx.query<{ id: string }>({
        text: 'select id from kernel.objects where id = any($1)',
        values: [keys.map((key) => key.id)],
      }),
    );
    const known = new Set(rows.map((row) => row.id));
    for (const key of keys.filter(({ id }) => !known.has(id))) {
      await blobs.delete(key);
      orphans += 1;
    }
  }
  return orphans;
}
