/** Routes for how long an organisation keeps each kind of data. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit, type Route } from '#kernel/http';
import type { Tx } from '#kernel/db';
import { privacyContract } from '../contract.ts';
import type { RetentionKind } from '../types.ts';

const readLimit: Limit = { name: 'privacy.retention.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'privacy.retention', max: 60, windowSeconds: 60, by: 'user' };

async function readRules(tx: Tx, tenantId: string, kinds: readonly RetentionKind[]) {
  const rows = await tx.query<{ kind: string; keep_days: number }>({
    text: 'select kind, keep_days from kernel.retention_rules where tenant_id = $1',
    values: [tenantId],
  });
  const own = new Map(rows.map((row) => [row.kind, row.keep_days]));
  return {
    rules: kinds.map(({ kind, title, defaultDays }) => ({
      kind,
      title,
      keepDays: own.get(kind) ?? defaultDays,
      defaultDays,
    })),
  };
}

const listRules = defineRoute(privacyContract, 'GET /organisation/retention', {
  id: 'privacy.retention.read',
  access: { permission: 'organisation.member.read' },
  limit: readLimit,
  handler: (ctx) => ctx.tenant((tx) => readRules(tx, ctx.principal.tenantId, ctx.services.rights.retention)),
});

const setRule = defineRoute(privacyContract, 'PUT /organisation/retention/{retentionKind}', {
  id: 'privacy.retention.set',
  access: { permission: 'organisation.settings.write' },
  limit: writeLimit,
  async handler(ctx) {
    const { params, body, principal, services } = ctx;
    const { tenantId, userId } = principal;
    const found = services.rights.retention.find(({ kind }) => kind === params.retentionKind);
    if (!found) throw kernelErrors.NOT_FOUND();
    return ctx.tenant(async (tx) => {
      await tx.query(
        body.keepDays === null
          ? {
              text: 'delete from kernel.retention_rules where tenant_id = $1 and kind = $2',
              values: [tenantId, found.kind],
            }
          : {
              text: `insert into kernel.retention_rules (tenant_id, kind, keep_days, updated_by) values ($1, $2, $3, $4)
                     on conflict (tenant_id, kind) do update
                       set keep_days = excluded.keep_days, updated_by = excluded.updated_by, updated_at = now()`,
              values: [tenantId, found.kind, body.keepDays, userId],
            },
      );
      const rules = await readRules(tx, tenantId, services.rights.retention);
      await ctx.audit(tx, {
        action: 'privacy.retention.set',
        resource: `retention:${found.kind}`,
        details: { keepDays: body.keepDays },
      });
      return rules;
    });
  },
});

export const retentionRoutes: readonly Route[] = [listRules, setRule];
