/** What was under way as somebody was erased may have written once more; such rows go within a day. */
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';

/** When to look after an erasure: once requests and runs have surely ended, and once jobs have that waited. */
const delays = ['15 minutes', '1 day'];

/** planLateSweeps notes, in the erasure's transaction, that there is something to look for. */
export async function planLateSweeps(tx: Tx): Promise<void> {
  for (const delay of delays)
    await tx.query({
      text: 'insert into kernel.late_sweeps (id, due_at) values ($1, now() + $2::interval)',
      values: [newId(), delay],
    });
}

/**
 * sweepLateRows deletes rows of organisations and people that do not exist, when it is time; returns how many. Out of the
 * trails of others, of which nothing is deleted, such people are taken.
 */
export async function sweepLateRows({ db, log, audit }: Services): Promise<number> {
  return db.withSystem('delete rows that came after an erasure', async (tx) => {
    const due = await tx.query({ text: 'delete from kernel.late_sweeps where due_at <= now() returning id' });
    if (due.length === 0) return 0;
    await tx.query({ text: `set local statement_timeout = '15min'` }); // every table is looked through
    const rows = await tx.query<{ table_name: string; row_count: string }>({
      text: 'select table_name, row_count from kernel.sweep_orphans()',
    });
    for (const { table_name: table, row_count: count } of rows)
      log.info({ table, count: Number(count) }, 'rows that came after an erasure were deleted');
    await audit.recordAnonymised(tx, await audit.anonymiseAbsent(tx));
    return rows.reduce((sum, row) => sum + Number(row.row_count), 0);
  });
}
