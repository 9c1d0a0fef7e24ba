/** Routes of runs: look, follow, stop. Row-level security shows a run to its owner alone; others get 404. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Route, type SignedInContext } from '#kernel/http';
import { runsContract } from './contract.ts';

function scopeOf(ctx: SignedInContext) {
  return { tenantId: ctx.principal.tenantId, userId: ctx.principal.userId };
}

const getRun = defineRoute(runsContract, 'GET /runs/{runId}', {
  id: 'runs.run.get',
  access: 'signed-in',
  openToKeys: true,
  limit: { name: 'runs.read', max: 600, windowSeconds: 60, by: 'user' },
  async handler(ctx) {
    await ctx.services.runs.assertReach(ctx.principal, ctx.params.runId, 'read');
    const run = await ctx.services.runs.get(scopeOf(ctx), ctx.params.runId);
    if (!run) throw kernelErrors.NOT_FOUND();
    return {
      ...run,
      createdAt: run.createdAt.toISOString(),
      finishedAt: run.finishedAt?.toISOString() ?? null,
    };
  },
});

const followRun = defineRoute(runsContract, 'GET /runs/{runId}/events', {
  id: 'runs.run.follow',
  access: 'signed-in',
  openToKeys: true,
  limit: { name: 'runs.follow', max: 600, windowSeconds: 60, by: 'user' },
  errors: ['BAD_EVENT_ID'],
  async handler(ctx) {
    await ctx.services.runs.assertReach(ctx.principal, ctx.params.runId, 'read');
    const lastEventId = ctx.headers['last-event-id'] ?? ctx.query.after ?? null;
    return await ctx.services.runs.events(scopeOf(ctx), ctx.params.runId, lastEventId || null);
  },
});

const cancelRun = defineRoute(runsContract, 'POST /runs/{runId}/cancel', {
  id: 'runs.run.cancel',
  access: 'signed-in',
  openToKeys: true,
  limit: { name: 'runs.cancel', max: 120, windowSeconds: 60, by: 'user' },
  async handler(ctx) {
    await ctx.services.runs.assertReach(ctx.principal, ctx.params.runId, 'act');
    return { wasActive: await ctx.services.runs.cancel(scopeOf(ctx), ctx.params.runId) };
  },
});

export const runRoutes: readonly Route[] = [getRun, followRun, cancelRun];
