/** Routes of the audit trail: looked at by whoever owns or administers the organisation, changed by nobody. */
import { decodeCursor, encodeCursor } from '#kernel/contract';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type EventStream, type Limit, type Route } from '#kernel/http';
import { isId } from '#kernel/ids';
import { auditContract } from '../contract.ts';
import { streamExport } from '../export-records.ts';
import { readNames, readRecords, toRecord } from '../read-records.ts';
import type { AuditVerdict } from '../types.ts';

const readLimit: Limit = { name: 'audit.read', max: 300, windowSeconds: 60, by: 'user' };
const read = { permission: 'audit.record.read' };

function badCursor() {
  return kernelErrors.INVALID_REQUEST({ errors: [{ pointer: '/query/cursor', detail: 'not a cursor of this list' }] });
}

function readPlace(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const [place] = decodeCursor(cursor) ?? [];
  if (!Number.isSafeInteger(place)) throw badCursor();
  return String(place);
}

export const listRecords = defineRoute(auditContract, 'GET /audit-records', {
  id: 'audit.record.list',
  access: read,
  limit: readLimit,
  async handler(ctx) {
    const { cursor, limit, ...filters } = ctx.query;
    const { tenantId } = ctx.principal;
    const after = readPlace(cursor);
    const rows = await ctx.tenant((tx) =>
      readRecords(tx, tenantId, { filters, order: 'newest-first', after, limit: limit + 1 }),
    );
    const shown = rows.slice(0, limit);
    const names = await readNames(
      ctx.services.db,
      shown.map((row) => row.actor_user_id),
    );
    const last = shown.at(-1);
    return {
      items: shown.map((row) => toRecord(row, names)),
      nextCursor: rows.length > limit && last ? encodeCursor([Number(last.sequence)]) : null,
    };
  },
});

/** Each person is one step along the index, however many records they have. */
const actorsSql = `
  with recursive person as (
    (select actor_user_id from kernel.audit_records
     where tenant_id = $1 and actor_user_id > $2 order by actor_user_id limit 1)
    union all
    select (select r.actor_user_id from kernel.audit_records r
            where r.tenant_id = $1 and r.actor_user_id > person.actor_user_id order by r.actor_user_id limit 1)
    from person where person.actor_user_id is not null
  )
  select actor_user_id from person where actor_user_id is not null limit $3`;

export const listActors = defineRoute(auditContract, 'GET /audit-actors', {
  id: 'audit.actor.list',
  access: read,
  limit: readLimit,
  async handler(ctx) {
    const { cursor, limit } = ctx.query;
    const [after = '00000000-0000-0000-0000-000000000000'] = cursor === undefined ? [] : (decodeCursor(cursor) ?? [0]);
    if (cursor !== undefined && !isId(after)) throw badCursor();
    const rows = await ctx.tenant((tx) =>
      tx.query<{ actor_user_id: string }>({ text: actorsSql, values: [ctx.principal.tenantId, after, limit + 1] }),
    );
    const ids = rows.slice(0, limit).map((row) => row.actor_user_id);
    const names = await readNames(ctx.services.db, ids);
    const last = ids.at(-1);
    return {
      items: ids.map((userId) => ({ userId, name: names.get(userId) ?? null })),
      nextCursor: rows.length > limit && last ? encodeCursor([last]) : null,
    };
  },
});

export const listActions = defineRoute(auditContract, 'GET /audit-actions', {
  id: 'audit.action.list',
  access: read,
  limit: readLimit,
  handler: async ({ services }) => ({
    actions: Object.entries(services.audit.actions).map(([action, label]) => ({ action, label })),
  }),
});

export const exportRecords = defineRoute(auditContract, 'GET /audit-records/export', {
  id: 'audit.record.export',
  access: { permission: 'audit.record.export' },
  limit: { name: 'audit.export', max: 30, windowSeconds: 3600, by: 'user' },
  async handler(ctx) {
    const { format, ...filters } = ctx.query;
    const { tenantId, userId } = ctx.principal;
    const details = { format, filters: Object.keys(filters).toSorted().join(' ') };
    await ctx.tenant((tx) =>
      ctx.audit(tx, { action: 'audit.record.export', resource: `organization:${tenantId}`, details }),
    );
    const name = `audit-${new Date().toISOString().slice(0, 10)}.${format}`;
    return {
      kind: 'binary' as const,
      contentType: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
      body: streamExport({ db: ctx.services.db, scope: { tenantId, userId }, filters, format }),
      headers: { 'content-disposition': `attachment; filename="${name}"`, 'cache-control': 'no-store' },
    };
  },
});

function toVerdict({ checked, brokenAt, reason, prunedThrough, anonymised = 0 }: AuditVerdict) {
  return {
    checked,
    brokenAt: brokenAt === null ? null : Number(brokenAt),
    reason: reason ?? null,
    anonymised,
    prunedThrough: prunedThrough === undefined ? null : Number(prunedThrough),
  };
}

export const verifyRecords = defineRoute(auditContract, 'GET /audit-records/verification', {
  id: 'audit.record.verify',
  access: read,
  limit: { name: 'audit.verify', max: 30, windowSeconds: 3600, by: 'user' },
  async handler(ctx) {
    const { services, principal } = ctx;
    const scope = { tenantId: principal.tenantId, userId: principal.userId };
    if (!ctx.acceptsEventStream) return toVerdict(await services.audit.verify(scope));
    const stream: EventStream = {
      kind: 'event-stream',
      async open(writer, signal) {
        const verdict = await services.audit.verify(scope, (checked, total) => {
          if (signal.aborted) throw kernelErrors.UNAVAILABLE();
          writer.write([{ event: 'progress', data: JSON.stringify({ checked, total }) }]);
        });
        writer.write([{ event: 'done', data: JSON.stringify(toVerdict(verdict)) }]);
      },
    };
    return stream;
  },
});

export const auditRoutes: readonly Route[] = [listRecords, listActors, listActions, exportRecords, verifyRecords];
