/** Routes for bringing an archive back: whole or in pieces that survive a broken line, looked after, taken off the list. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route, type SignedInContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import type { TenantScope, Tx } from '#kernel/db';
import { privacyContract } from '../contract.ts';
import { privacyErrors } from '../errors.ts';
import { isUnique } from '../is-unique.ts';
import { archiveMaxBytes, dropPieces, expectedBytes, partBytes, type Arriving } from '../import/received-archive.ts';
import type { SetResult } from '../import/run-import.ts';
import { startImport } from '../start-jobs.ts';

const readLimit: Limit = { name: 'privacy.read', max: 300, windowSeconds: 60, by: 'user' };
const importLimit: Limit = { name: 'privacy.import', max: 10, windowSeconds: 86_400, by: 'user' };
/** An upload that broke off is announced again each time it goes on. */
const announceLimit: Limit = { name: 'privacy.import-announce', max: 100, windowSeconds: 86_400, by: 'user' };
const partLimit: Limit = { name: 'privacy.import-part', max: 3_000, windowSeconds: 60, by: 'user' };
const deleteLimit: Limit = { name: 'privacy.delete', max: 60, windowSeconds: 60, by: 'user' };

interface ImportRow {
  id: string;
  state: 'receiving' | 'queued' | 'running' | 'done' | 'failed';
  filename: string;
  size_bytes: string | null;
  received_bytes: string;
  progress_percent: number;
  result: Record<string, SetResult>;
  error_code: string | null;
  created_at: Date;
  finished_at: Date | null;
}

const importColumns = `id, state, filename, size_bytes::text, received_bytes::text, progress_percent, result, error_code,
  created_at, finished_at`;

function toImport(row: ImportRow) {
  return {
    id: row.id,
    state: row.state,
    filename: row.filename,
    sizeBytes: row.size_bytes === null ? null : Number(row.size_bytes),
    receivedBytes: Number(row.received_bytes),
    progressPercent: row.progress_percent,
    // What was written before something could be present has no such number.
    results: Object.values(row.result).map((set) => ({ ...set, present: set.present ?? 0 })),
    errorCode: row.error_code,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

const toArriving = (row: ImportRow): Arriving => ({
  state: row.state,
  sizeBytes: Number(row.size_bytes),
  receivedBytes: Number(row.received_bytes),
});

const scopeOf = ({ principal }: SignedInContext) => ({ tenantId: principal.tenantId, userId: principal.userId });

/** Row-level security shows people their own imports alone. */
async function findImport(tx: Tx, { tenantId }: TenantScope, importId: string, lock = ''): Promise<ImportRow> {
  const [row] = await tx.query<ImportRow>({
    text: `select ${importColumns} from kernel.imports where tenant_id = $1 and id = $2 ${lock}`,
    values: [tenantId, importId],
  });
  if (!row) throw kernelErrors.NOT_FOUND();
  return row;
}

interface NewImport {
  readonly filename: string;
  readonly sizeBytes: number;
  /** The archive, when it has arrived whole. */
  readonly objectId?: string;
}

/** insertImport begins an import; throws IMPORT_RUNNING while there is another of the person's under way. */
async function insertImport(ctx: SignedInContext, { filename, sizeBytes, objectId }: NewImport): Promise<ImportRow> {
  const { tenantId, userId } = scopeOf(ctx);
  const id = newId();
  try {
    return await ctx.tenant(async (tx) => {
      const [row] = await tx.query<ImportRow>({
        text: `insert into kernel.imports (id, tenant_id, owner_id, object_id, filename, size_bytes, received_bytes, state)
               values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${importColumns}`,
        values: [
          id,
          tenantId,
          userId,
          objectId ?? null,
          Array.from(filename.replaceAll(/\p{Cc}/gu, ''))
            .slice(0, 255)
            .join(''),
          sizeBytes,
          objectId ? sizeBytes : 0,
          objectId ? 'queued' : 'receiving',
        ],
      });
      await ctx.audit(tx, { action: 'privacy.import.create', resource: `import:${id}` });
      if (!row) throw kernelErrors.NOT_FOUND();
      return row;
    });
  } catch (error) {
    if (isUnique(error)) throw privacyErrors.IMPORT_RUNNING({ cause: error });
    throw error;
  }
}

const createImport = defineRoute(privacyContract, 'POST /imports', {
  id: 'privacy.import.create',
  access: 'signed-in',
  limit: importLimit,
  errors: ['IMPORT_RUNNING'],
  uploadLimitBytes: archiveMaxBytes,
  async handler(ctx) {
    const { services, file } = ctx;
    const scope = scopeOf(ctx);
    const { id: objectId, sizeBytes } = await services.storage.put(scope, {
      filename: file.filename,
      contentType: 'application/zip',
      body: file.stream,
      maxBytes: archiveMaxBytes(services.config),
    });
    try {
      const row = await insertImport(ctx, { filename: file.filename, sizeBytes, objectId });
      void startImport(services, services.rights, { importId: row.id, ...scope });
      return toImport(row);
    } catch (error) {
      await services.db.withTenant(scope, (tx) => services.storage.remove(tx, objectId));
      throw error;
    }
  },
});

const readLimits = defineRoute(privacyContract, 'GET /import-limits', {
  id: 'privacy.import.limits',
  access: 'signed-in',
  limit: readLimit,
  handler: async ({ services: { config } }) => ({ archiveMaxBytes: archiveMaxBytes(config), partBytes }),
});

/** findAnnounced is the upload of the same file that the person broke off here, or null. */
function findAnnounced(ctx: SignedInContext, { filename, sizeBytes }: NewImport): Promise<ImportRow | null> {
  return ctx.tenant(async (tx) => {
    const [row] = await tx.query<ImportRow>({
      text: `select ${importColumns} from kernel.imports
             where tenant_id = $1 and owner_id = $2 and state = 'receiving' and filename = $3 and size_bytes = $4`,
      values: [ctx.principal.tenantId, ctx.principal.userId, filename, sizeBytes],
    });
    return row ?? null;
  });
}

const announceImport = defineRoute(privacyContract, 'POST /import-uploads', {
  id: 'privacy.import.announce',
  access: 'signed-in',
  limit: announceLimit,
  idempotent: true,
  errors: ['IMPORT_RUNNING', 'PAYLOAD_TOO_LARGE'],
  async handler(ctx) {
    const maxBytes = archiveMaxBytes(ctx.services.config);
    if (ctx.body.sizeBytes > maxBytes) {
      const detail = `The archive is larger than ${maxBytes / 1_048_576} MiB, the largest accepted here.`;
      throw kernelErrors.PAYLOAD_TOO_LARGE({ detail });
    }
    return toImport((await findAnnounced(ctx, ctx.body)) ?? (await insertImport(ctx, ctx.body)));
  },
});

/** addPart notes a stored piece, if it is still the next one; with the last one the import is queued. */
async function addPart(ctx: SignedInContext, importId: string, firstByte: number, object: StoredPart) {
  const { tenantId, userId } = scopeOf(ctx);
  return ctx.tenant(async (tx) => {
    const arriving = toArriving(await findImport(tx, { tenantId }, importId, 'for update'));
    if (expectedBytes(arriving, firstByte) !== object.sizeBytes)
      throw privacyErrors.IMPORT_PART_MISPLACED({ extensions: { receivedBytes: arriving.receivedBytes } });
    await tx.query({
      text: `insert into kernel.import_parts (tenant_id, owner_id, import_id, first_byte, object_id, size_bytes)
             values ($1, $2, $3, $4, $5, $6)`,
      values: [tenantId, userId, importId, firstByte, object.id, object.sizeBytes],
    });
    const [row] = await tx.query<ImportRow>({
      text: `update kernel.imports set received_bytes = received_bytes + $3, touched_at = now(),
               state = case when received_bytes + $3 = size_bytes then 'queued' else state end
             where tenant_id = $1 and id = $2 returning ${importColumns}`,
      values: [tenantId, importId, object.sizeBytes],
    });
    if (!row) throw kernelErrors.NOT_FOUND();
    return row;
  });
}

interface StoredPart {
  readonly id: string;
  readonly sizeBytes: number;
}

// A piece is no act of its own: announcing the archive is on record.
const receivePart = defineRoute(privacyContract, 'PUT /imports/{importId}/archive', {
  id: 'privacy.import.receive',
  access: 'signed-in',
  limit: partLimit,
  errors: ['IMPORT_PART_MISPLACED'],
  uploadLimitBytes: () => partBytes,
  async handler(ctx) {
    const { services, file } = ctx;
    const { importId } = ctx.params;
    const { firstByte } = ctx.query;
    const scope = scopeOf(ctx);
    const known = await ctx.tenant((tx) => findImport(tx, scope, importId));
    // The answer to this piece was lost, and it comes again: what has arrived stands.
    if (firstByte < Number(known.received_bytes)) {
      file.stream.resume();
      return toImport(known);
    }
    const maxBytes = expectedBytes(toArriving(known), firstByte);
    const object = await services.storage.put(scope, {
      filename: `${importId}.part`,
      contentType: 'application/octet-stream',
      body: file.stream,
      maxBytes,
    });
    try {
      const row = await addPart(ctx, importId, firstByte, object);
      if (row.state === 'queued') void startImport(services, services.rights, { importId, ...scope });
      return toImport(row);
    } catch (error) {
      await services.db.withTenant(scope, (tx) => services.storage.remove(tx, object.id));
      throw error;
    }
  },
});

const listImports = defineRoute(privacyContract, 'GET /imports', {
  id: 'privacy.import.list',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const { principal, query } = ctx;
    const rows = await ctx.tenant((tx) =>
      tx.query<ImportRow>({
        text: `select ${importColumns} from kernel.imports
               where tenant_id = $1 and owner_id = $2 and ($3::uuid is null or id < $3) order by id desc limit $4`,
        values: [principal.tenantId, principal.userId, readIdCursor(query.cursor), query.limit + 1],
      }),
    );
    return toIdPage(rows, query.limit, toImport);
  },
});

const getImport = defineRoute(privacyContract, 'GET /imports/{importId}', {
  id: 'privacy.import.read',
  access: 'signed-in',
  limit: readLimit,
  handler: async (ctx) => toImport(await ctx.tenant((tx) => findImport(tx, scopeOf(ctx), ctx.params.importId))),
});

const deleteImport = defineRoute(privacyContract, 'DELETE /imports/{importId}', {
  id: 'privacy.import.delete',
  access: 'signed-in',
  limit: deleteLimit,
  async handler(ctx) {
    const { importId } = ctx.params;
    const scope = scopeOf(ctx);
    await ctx.tenant(async (tx) => {
      await findImport(tx, scope, importId, 'for update');
      await dropPieces(ctx.services, tx, scope, importId);
      await tx.query({
        text: 'delete from kernel.imports where tenant_id = $1 and id = $2',
        values: [scope.tenantId, importId],
      });
      await ctx.audit(tx, { action: 'privacy.import.delete', resource: `import:${importId}` });
    });
  },
});

export const importRoutes: readonly Route[] = [
  createImport,
  readLimits,
  announceImport,
  receivePart,
  listImports,
  getImport,
  deleteImport,
];
