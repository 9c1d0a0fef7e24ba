/** Copies end: their archives are deleted when their time is over, and those that a crash left unstarted are started again. */
import type { Services } from '#kernel/app';
import { endedStates } from '#kernel/jobs';
import type { Rights } from '../create-rights.ts';
import { failImport } from '../import/run-import.ts';
import { startExport, startImport } from '../start-jobs.ts';
import { failExport } from './run-export.ts';

/** sweepExports deletes copies that ended, with their archives; returns how many. */
export async function sweepExports({ db, storage }: Services): Promise<number> {
  return db.withSystem('delete copies of data that ended', async (tx) => {
    const rows = await tx.query<{ id: string; object_id: string | null }>({
      text: `delete from kernel.exports where expires_at < now()
             or (state = 'failed' and finished_at < now() - interval '30 days') returning id, object_id`,
    });
    for (const { object_id: objectId } of rows) if (objectId) await storage.remove(tx, objectId);
    return rows.length;
  });
}

/** sweepUploads ends uploads that nobody went on with; their pieces go with the row. Returns how many. */
export async function sweepUploads({ db }: Services): Promise<number> {
  const rows = await db.withSystem('delete uploads of archives that nobody went on with', (tx) =>
    tx.query({
      text: `delete from kernel.imports where state = 'receiving' and touched_at < now() - interval '2 days' returning id`,
    }),
  );
  return rows.length;
}

const graceSeconds = 30;

interface Waiting {
  id: string;
  tenant_id: string;
  owner_id: string;
}

/**
 * settleEnded fails copies and imports whose job has ended without a word, such as when the database was away as it should
 * say so: otherwise nobody could begin another.
 */
export async function settleEnded(services: Services): Promise<void> {
  if (!services.jobs.isReady) return;
  const find = (table: 'exports' | 'imports', job: string) =>
    services.db.withSystem(`find ${table} whose job has ended`, (tx) =>
      tx.query<Waiting>({
        text: `select id, tenant_id, owner_id from kernel.${table} r where state = 'running' and exists (
                 select from dbos.workflow_status w where w.workflow_uuid = $1 || r.id::text
                   and w.status in ${endedStates}) limit 100`,
        values: [job],
      }),
    );
  for (const row of await find('exports', 'privacy.export:'))
    await failExport(services, { exportId: row.id, tenantId: row.tenant_id, userId: row.owner_id }, 'INTERNAL');
  for (const row of await find('imports', 'privacy.import:'))
    await failImport(services, { importId: row.id, tenantId: row.tenant_id, userId: row.owner_id }, 'INTERNAL');
}

/** restartWaiting starts copies and imports that a crash left between commit and start; starting twice runs once. */
export async function restartWaiting(services: Services, rights: Rights): Promise<void> {
  const find = (table: 'exports' | 'imports') =>
    services.db.withSystem(`find waiting ${table}`, (tx) =>
      tx.query<Waiting>({
        text: `select id, tenant_id, owner_id from kernel.${table}
               where state = 'queued' and created_at < now() - make_interval(secs => $1) order by id limit 100`,
        values: [graceSeconds],
      }),
    );
  for (const row of await find('exports'))
    await startExport(services, rights, { exportId: row.id, tenantId: row.tenant_id, userId: row.owner_id });
  for (const row of await find('imports'))
    await startImport(services, rights, { importId: row.id, tenantId: row.tenant_id, userId: row.owner_id });
}
