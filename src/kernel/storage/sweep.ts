/** The sweeper makes bytes and rows agree again after a crash; it may run on every process at once. */
import type { Database } from '#kernel/db';
import type { BlobStore } from './types.ts';

type SystemDatabase = Pick<Database, 'withSystem'>;

const removalsPerBatch = 100;

/** drainRemovals deletes the bytes of rows that are gone. Bytes first, note after: a crash in between repeats, never forgets. */
export async function drainRemovals(db: SystemDatabase, blobs: BlobStore): Promise<number> {
  for (let removed = 0; ;) {
    const batch = await db.withSystem('delete removed files', async (tx) => {
      const rows = await tx.query<{ id: string; tenant_id: string }>({
        text: `select id, tenant_id from kernel.object_removals order by removed_at limit $1 for update skip locked`,
        values: [removalsPerBatch],
      });
      for (const row of rows) await blobs.delete({ tenantId: row.tenant_id, id: row.id });
      await tx.query({
        text: 'delete from kernel.object_removals where id = any($1)',
        values: [rows.map((row) => row.id)],
      });
      return rows.length;
    });
    removed += batch;
    if (batch < removalsPerBatch) return removed;
  }
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
