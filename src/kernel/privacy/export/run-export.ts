/** The durable job that makes a copy: one step, because making it again gives the same; progress is in its row. */
import type { Services } from '#kernel/app';
import type { TenantScope } from '#kernel/db';
import { isAppError } from '#kernel/errors';
import type { Workflow } from '#kernel/jobs';
import type { Rights } from '../create-rights.ts';
import { openArchive } from './write-archive.ts';

export interface ExportInput {
  readonly exportId: string;
  /** The personal organisation. */
  readonly tenantId: string;
  readonly userId: string;
}

/** How long a finished copy can be fetched. */
export const exportDays = 7;
/** Larger copies than this are refused; the operator can make one. */
const maxExportBytes = 50 * 1024 ** 3;
const progressMilliseconds = 500;

async function note(services: Services, input: ExportInput, share: number): Promise<void> {
  const { tenantId, userId, exportId } = input;
  await services.db.withTenant({ tenantId, userId }, (tx) =>
    tx.query({
      text: `update kernel.exports set progress_percent = greatest(progress_percent, $3)
             where tenant_id = $1 and id = $2 and state = 'running'`,
      values: [tenantId, exportId, Math.min(99, Math.floor(share * 100))],
    }),
  );
}

/** begin marks the copy as running; false when it was deleted or is finished already. */
async function begin({ db }: Services, scope: TenantScope, exportId: string): Promise<boolean> {
  const rows = await db.withTenant(scope, (tx) =>
    tx.query({
      text: `update kernel.exports set state = 'running' where tenant_id = $1 and id = $2
             and state in ('queued', 'running') returning id`,
      values: [scope.tenantId, exportId],
    }),
  );
  return rows.length > 0;
}

async function finish(
  services: Services,
  input: ExportInput,
  object: { id: string; sizeBytes: number },
): Promise<void> {
  const scope = { tenantId: input.tenantId, userId: input.userId };
  await services.db.withTenant(scope, async (tx) => {
    const rows = await tx.query({
      text: `update kernel.exports set state = 'ready', progress_percent = 100, object_id = $3, size_bytes = $4,
               finished_at = now(), expires_at = now() + make_interval(days => $5)
             where tenant_id = $1 and id = $2 and state = 'running' returning id`,
      values: [input.tenantId, input.exportId, object.id, object.sizeBytes, exportDays],
    });
    // Deleted meanwhile, or finished by another: then nobody owns this archive.
    if (rows.length === 0) return services.storage.remove(tx, object.id);
    await services.notifications.notify(tx, {
      ...scope,
      kind: 'privacy.export.ready',
      title: 'The copy of your data is ready',
      text: `It can be downloaded for ${exportDays} days.`,
      link: '/settings/data',
    });
  });
}

/** failExport ends a copy that cannot be made. */
export async function failExport(services: Services, input: ExportInput, errorCode: string): Promise<void> {
  const { tenantId, userId, exportId } = input;
  await services.db.withTenant({ tenantId, userId }, (tx) =>
    tx.query({
      text: `update kernel.exports set state = 'failed', error_code = $3, finished_at = now()
             where tenant_id = $1 and id = $2 and state in ('queued', 'running')`,
      values: [tenantId, exportId, errorCode],
    }),
  );
}

/**
 * createTurns lets one copy be made at a time in this process: each holds an instant of the whole database and several
 * connections, which many at once would take from everybody else.
 */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** makeExport writes the archive and settles its row; what fails is noted and not thrown, so that it is not retried for ever. */
async function makeExport(services: Services, rights: Rights, input: ExportInput): Promise<void> {
  const scope = { tenantId: input.tenantId, userId: input.userId };
  if (!(await begin(services, scope, input.exportId))) return;
  try {
    let notedAt = 0;
    const body = await openArchive({
      services,
      map: rights.map,
      portable: rights.portable,
      userId: input.userId,
      onProgress: (share) => {
        if (Date.now() - notedAt < progressMilliseconds) return;
        notedAt = Date.now();
        void note(services, input, share).catch(() => undefined); // a missed percent is no reason to fail
      },
    });
    const day = new Date().toISOString().slice(0, 10);
    const object = await services.storage.put(scope, {
      filename: `bulkhead-data-${day}.zip`,
      contentType: 'application/zip',
      body,
      maxBytes: maxExportBytes,
    });
    await finish(services, input, object);
  } catch (error) {
    services.log.error({ err: error, exportId: input.exportId }, 'a copy of data failed');
    await failExport(services, input, isAppError(error) ? error.code : 'INTERNAL');
  }
}

/** exportWorkflow makes the workflow for the given map. */
export function exportWorkflow(rights: () => Rights): Workflow<ExportInput> {
  const inTurn = createTurns();
  return {
    name: 'privacy.export.v1',
    title: 'Make a copy of data',
    execute: (job, input) =>
      job.step('write the archive', () => inTurn(() => makeExport(job.services, rights(), input))),
  };
}
