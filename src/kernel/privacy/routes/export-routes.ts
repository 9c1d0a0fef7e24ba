/** Routes for the copy of one's data: asked for, looked after, fetched by its person alone, deleted. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route, type SignedInContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import type { TenantScope, Tx } from '#kernel/db';
import { auditIn } from '#kernel/tenancy';
import { privacyContract } from '../contract.ts';
import { isUnique } from '../is-unique.ts';
import { privacyErrors } from '../errors.ts';
import { startExport } from '../start-jobs.ts';

const readLimit: Limit = { name: 'privacy.read', max: 300, windowSeconds: 60, by: 'user' };
const exportLimit: Limit = { name: 'privacy.export', max: 5, windowSeconds: 86_400, by: 'user' };
const downloadLimit: Limit = { name: 'privacy.download', max: 60, windowSeconds: 3600, by: 'user' };
const deleteLimit: Limit = { name: 'privacy.delete', max: 60, windowSeconds: 60, by: 'user' };

interface ExportRow {
  id: string;
  state: 'queued' | 'running' | 'ready' | 'failed';
  progress_percent: number;
  object_id: string | null;
  size_bytes: string | null;
  error_code: string | null;
  created_at: Date;
  finished_at: Date | null;
  expires_at: Date | null;
}

const exportColumns =
  'id, state, progress_percent, object_id, size_bytes::text, error_code, created_at, finished_at, expires_at';

function toExport(row: ExportRow) {
  return {
    id: row.id,
    state: row.state,
    progressPercent: row.progress_percent,
    sizeBytes: row.size_bytes === null ? null : Number(row.size_bytes),
    errorCode: row.error_code,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    expiresAt: row.expires_at?.toISOString() ?? null,
  };
}

/** homeScope is the personal organisation: copies are kept there, wherever the session works. */
async function homeScope({ services, principal }: SignedInContext): Promise<{ tenantId: string; userId: string }> {
  const [row] = await services.db.withAuth((tx) =>
    tx.query<{ id: string }>({
      name: 'privacy-home',
      text: 'select id from auth.organizations where personal_user_id = $1',
      values: [principal.userId],
    }),
  );
  if (!row) throw kernelErrors.NOT_FOUND();
  return { tenantId: row.id, userId: principal.userId };
}

async function findExport(tx: Tx, { tenantId }: TenantScope, exportId: string): Promise<ExportRow> {
  const [row] = await tx.query<ExportRow>({
    text: `select ${exportColumns} from kernel.exports where tenant_id = $1 and id = $2`,
    values: [tenantId, exportId],
  });
  if (!row) throw kernelErrors.NOT_FOUND();
  return row;
}

const createExport = defineRoute(privacyContract, 'POST /exports', {
  id: 'privacy.export.create',
  access: 'signed-in',
  stepUp: true,
  idempotent: true,
  limit: exportLimit,
  errors: ['EXPORT_RUNNING'],
  async handler(ctx) {
    const { services } = ctx;
    const scope = await homeScope(ctx);
    const exportId = newId();
    try {
      const row = await ctx.tenant(async (tx) => {
        const [made] = await tx.query<ExportRow>({
          text: `insert into kernel.exports (id, tenant_id, owner_id) values ($1, $2, $3) returning ${exportColumns}`,
          values: [exportId, scope.tenantId, scope.userId],
        });
        await auditIn(ctx, tx, scope.tenantId, { action: 'privacy.export.create', resource: `export:${exportId}` });
        return made;
      }, scope.tenantId);
      if (!row) throw kernelErrors.NOT_FOUND();
      void startExport(services, services.rights, { exportId, ...scope });
      return toExport(row);
    } catch (error) {
      if (isUnique(error)) throw privacyErrors.EXPORT_RUNNING({ cause: error });
      throw error;
    }
  },
});

const listExports = defineRoute(privacyContract, 'GET /exports', {
  id: 'privacy.export.list',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const scope = await homeScope(ctx);
    const { cursor, limit } = ctx.query;
    const rows = await ctx.services.db.withTenant(scope, (tx) =>
      tx.query<ExportRow>({
        text: `select ${exportColumns} from kernel.exports
               where tenant_id = $1 and owner_id = $2 and ($3::uuid is null or id < $3) order by id desc limit $4`,
        values: [scope.tenantId, scope.userId, readIdCursor(cursor), limit + 1],
      }),
    );
    return toIdPage(rows, limit, toExport);
  },
});

const getExport = defineRoute(privacyContract, 'GET /exports/{exportId}', {
  id: 'privacy.export.read',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const scope = await homeScope(ctx);
    return toExport(await ctx.services.db.withTenant(scope, (tx) => findExport(tx, scope, ctx.params.exportId)));
  },
});

const downloadExport = defineRoute(privacyContract, 'GET /exports/{exportId}/archive', {
  id: 'privacy.export.download',
  access: 'signed-in',
  limit: downloadLimit,
  errors: ['EXPORT_NOT_READY'],
  async handler(ctx) {
    const { storage, db } = ctx.services;
    const scope = await homeScope(ctx);
    const row = await db.withTenant(scope, async (tx) => {
      const found = await findExport(tx, scope, ctx.params.exportId);
      if (found.state !== 'ready' || !found.object_id || (found.expires_at?.getTime() ?? 0) < Date.now())
        throw privacyErrors.EXPORT_NOT_READY();
      await auditIn(ctx, tx, scope.tenantId, { action: 'privacy.export.download', resource: `export:${found.id}` });
      return found;
    });
    const name = `bulkhead-data-${row.created_at.toISOString().slice(0, 10)}.zip`;
    return {
      kind: 'binary' as const,
      contentType: 'application/zip',
      body: await storage.read(scope, row.object_id ?? ''),
      headers: {
        'content-disposition': `attachment; filename="${name}"`,
        'content-length': row.size_bytes ?? '0',
        'cache-control': 'private, no-store',
      },
    };
  },
});

const deleteExport = defineRoute(privacyContract, 'DELETE /exports/{exportId}', {
  id: 'privacy.export.delete',
  access: 'signed-in',
  limit: deleteLimit,
  async handler(ctx) {
    const scope = await homeScope(ctx);
    await ctx.services.db.withTenant(scope, async (tx) => {
      const row = await findExport(tx, scope, ctx.params.exportId);
      await tx.query({
        text: 'delete from kernel.exports where tenant_id = $1 and id = $2',
        values: [scope.tenantId, row.id],
      });
      if (row.object_id) await ctx.services.storage.remove(tx, row.object_id);
      await auditIn(ctx, tx, scope.tenantId, { action: 'privacy.export.delete', resource: `export:${row.id}` });
    });
  },
});

export const exportRoutes: readonly Route[] = [createExport, listExports, getExport, downloadExport, deleteExport];
