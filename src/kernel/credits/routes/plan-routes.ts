/** Routes by which who runs the server says which plan an organisation has. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit, type SignedInContext } from '#kernel/http';
import { creditsContract } from '../contract.ts';

const limit: Limit = { name: 'credits.plan', max: 120, windowSeconds: 60, by: 'user' };

async function assertOrganisation({ services }: Pick<SignedInContext, 'services'>, tenantId: string): Promise<void> {
  const rows = await services.db.withTenant({ tenantId }, (tx) =>
    tx.query({ text: 'select from auth.organizations where id = $1', values: [tenantId] }),
  );
  if (rows.length === 0) throw kernelErrors.NOT_FOUND();
}

export const readPlan = defineRoute(creditsContract, 'GET /admin/organisations/{organisationId}/plan', {
  id: 'credits.plan.read',
  access: 'operator',
  limit,
  async handler(ctx) {
    await assertOrganisation(ctx, ctx.params.organisationId);
    return { plan: await ctx.services.credits.planOf(ctx.params.organisationId) };
  },
});

export const putPlan = defineRoute(creditsContract, 'PUT /admin/organisations/{organisationId}/plan', {
  id: 'credits.plan.update',
  access: 'operator',
  limit,
  async handler(ctx) {
    const { address, body, params, principal, requestId, services } = ctx;
    const tenantId = params.organisationId;
    await assertOrganisation(ctx, tenantId);
    await services.db.withTenant({ tenantId }, async (tx) => {
      await tx.query({
        text: `insert into kernel.organization_plans (tenant_id, plan, updated_by) values ($1, $2, $3)
          on conflict (tenant_id) do update set plan = excluded.plan, updated_by = excluded.updated_by, updated_at = now()`,
        values: [tenantId, body.plan, principal.userId],
      });
      await services.credits.announceChange(tx, tenantId);
      // Into the trail of the organisation that it concerns.
      await services.audit.record(tx, {
        action: 'credits.plan.update',
        resource: `organisation:${tenantId}`,
        details: { plan: body.plan },
        actor: principal,
        tenantId,
        address,
        requestId,
      });
    });
    return { plan: body.plan };
  },
});
