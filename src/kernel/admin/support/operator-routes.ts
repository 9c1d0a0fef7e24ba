/** Routes by which who runs the server asks to look into an organisation, looks, and leaves. */
import type { Principal } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route, type SignedInContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { auditAct } from '../audit-act.ts';
import { adminErrors } from '../errors.ts';
import { supportContract } from './contract.ts';
import { leaveVisits, listGrants, lockGrant, ownersOf, toGrant, type GrantRow } from './grant-store.ts';

const readLimit: Limit = { name: 'support.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'support.write', max: 60, windowSeconds: 3_600, by: 'user' };

/** How long an organisation may think about it. */
const answerMilliseconds = 7 * 86_400_000;

const listAsked = defineRoute(supportContract, 'GET /admin/support-access', {
  id: 'support.access.list-asked',
  access: 'operator',
  limit: readLimit,
  async handler({ principal, query, services }) {
    const filter = {
      tenantId: query.organisationId ?? null,
      askedBy: principal.userId,
      before: readIdCursor(query.cursor),
      limit: query.limit + 1,
    };
    const rows = await services.db.withAuth((tx) => listGrants(tx, filter));
    const now = services.identity.now();
    return toIdPage(rows, query.limit, (row) => toGrant(row, now));
  },
});

/** closeStale ends what stands open beyond its time, so that one can ask again before anybody has tidied up. */
async function closeStale(tx: Tx, tenantId: string, askedBy: string, now: Date): Promise<void> {
  await tx.query({
    text: `update auth.support_grants set state = 'ended'
           where tenant_id = $1 and asked_by = $2 and state in ('asked', 'granted') and expires_at <= $3`,
    values: [tenantId, askedBy, now],
  });
}

interface Question {
  readonly id: string;
  readonly tenantId: string;
  readonly reason: string;
  readonly hours: number;
}

/** insertQuestion notes the question. Throws NOT_FOUND without such an organisation, SUPPORT_ALREADY_ASKED while another is open. */
async function insertQuestion(tx: Tx, { hours, id, reason, tenantId }: Question, askedBy: string, now: Date) {
  const found = await tx.query({ text: 'select from auth.organizations where id = $1', values: [tenantId] });
  if (found.length === 0) throw kernelErrors.NOT_FOUND();
  await closeStale(tx, tenantId, askedBy, now);
  const inserted = await tx.query({
    text: `insert into auth.support_grants (id, tenant_id, asked_by, reason, hours, expires_at, created_at)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (tenant_id, asked_by) where state in ('asked', 'granted') do nothing returning id`,
    values: [id, tenantId, askedBy, reason, hours, new Date(now.getTime() + answerMilliseconds), now],
  });
  if (inserted.length === 0) throw adminErrors.SUPPORT_ALREADY_ASKED();
  const row = await lockGrant(tx, id, { askedBy });
  if (!row) throw kernelErrors.NOT_FOUND();
  return row;
}

const askForAccess = defineRoute(supportContract, 'POST /admin/organisations/{organisationId}/support-access', {
  id: 'support.access.ask',
  access: 'operator',
  limit: writeLimit,
  idempotent: true,
  errors: ['SUPPORT_ALREADY_ASKED'],
  async handler(ctx) {
    const { body, params, principal, services } = ctx;
    const tenantId = params.organisationId;
    const now = services.identity.now();
    const question = { id: newId(), tenantId, ...body };
    const row = await ctx.auth(async (tx) => {
      const asked = await insertQuestion(tx, question, principal.userId, new Date(now));
      const hours = body.hours === 1 ? 'an hour' : `${body.hours} hours`;
      for (const userId of await ownersOf(tx, tenantId)) {
        await services.notifications.notify(tx, {
          tenantId,
          userId,
          kind: 'support.access',
          title: `${asked.asker_name} asks to look into ${asked.organisation_name}`.slice(0, 200),
          text: `For ${hours}, reading only. The reason: ${body.reason}`,
          link: '/settings/support',
          aboutUserId: principal.userId,
        });
      }
      await auditAct(ctx as unknown as SignedInContext, tx, tenantId, {
        action: 'support.access.ask',
        resource: `support:${asked.id}`,
        details: { organisationId: tenantId, hours: body.hours, reason: body.reason },
      });
      return asked;
    });
    return toGrant(row, now);
  },
});

/** changeOwn locks one of the caller's questions, changes it, and returns it as it is then. Throws NOT_FOUND. */
async function changeOwn(ctx: SignedInContext, grantId: string, change: (tx: Tx, row: GrantRow) => Promise<void>) {
  const { principal, services } = ctx;
  const of = { askedBy: principal.userId };
  return services.db.withAuth(async (tx) => {
    const row = await lockGrant(tx, grantId, of);
    if (!row) throw kernelErrors.NOT_FOUND();
    await change(tx, row);
    return (await lockGrant(tx, grantId, of)) ?? row;
  });
}

const withdraw = defineRoute(supportContract, 'POST /admin/support-access/{grantId}/withdraw', {
  id: 'support.access.withdraw',
  access: 'operator',
  limit: writeLimit,
  errors: ['SUPPORT_NOT_OPEN'],
  async handler(context) {
    const ctx = context as unknown as SignedInContext;
    const { identity } = ctx.services;
    const { grantId } = context.params;
    let left: string[] = [];
    const row = await changeOwn(ctx, grantId, async (tx, grant) => {
      if (grant.state !== 'asked' && grant.state !== 'granted') throw adminErrors.SUPPORT_NOT_OPEN();
      await tx.query({ text: `update auth.support_grants set state = 'withdrawn' where id = $1`, values: [grantId] });
      left = await leaveVisits(tx, identity, grantId);
      const entry = { action: 'support.access.withdraw', resource: `support:${grantId}` };
      await auditAct(ctx, tx, grant.tenant_id, entry);
    });
    for (const id of left) identity.forget(`session:${id}`);
    return toGrant(row, identity.now());
  },
});

const visit = defineRoute(supportContract, 'POST /admin/support-access/{grantId}/visit', {
  id: 'support.visit.begin',
  access: 'operator',
  stepUp: true,
  limit: writeLimit,
  errors: ['SUPPORT_NOT_OPEN'],
  async handler(context) {
    const ctx = context as unknown as SignedInContext;
    const { principal, services } = ctx;
    const { grantId } = context.params;
    if (principal.via.kind !== 'session') throw kernelErrors.FORBIDDEN();
    const { sessionId } = principal.via;
    const row = await changeOwn(ctx, grantId, async (tx, grant) => {
      if (toGrant(grant, services.identity.now()).state !== 'granted') throw adminErrors.SUPPORT_NOT_OPEN();
      await tx.query({
        text: 'update auth.sessions set support_grant_id = $2 where id = $1',
        values: [sessionId, grantId],
      });
      await services.identity.announce(tx, `session:${sessionId}`);
      await recordVisitStep(ctx, tx, 'support.visit.begin', visitorOf(principal, grant, sessionId));
    });
    services.identity.forget(`session:${sessionId}`);
    return toGrant(row, services.identity.now());
  },
});

function visitorOf({ userId }: Principal, { id, tenant_id: tenantId }: GrantRow, sessionId: string): Principal {
  return { userId, tenantId, role: 'viewer', via: { kind: 'support', grantId: id, sessionId } };
}

/** recordVisitStep writes the beginning or the end of a visit into the trail of the organisation. */
async function recordVisitStep(ctx: SignedInContext, tx: Tx, action: string, actor: Principal): Promise<void> {
  const { address, requestId, services } = ctx;
  const { tenantId, via } = actor;
  const resource = `support:${via.kind === 'support' ? via.grantId : ''}`;
  await services.audit.record(tx, { action, resource, actor, tenantId, address, requestId });
}

const endVisit = defineRoute(supportContract, 'POST /support-visit/end', {
  id: 'support.visit.end',
  access: 'signed-in',
  endsVisit: true,
  limit: { name: 'support.visit-end', max: 60, windowSeconds: 60, by: 'user' },
  async handler(context) {
    const ctx = context as unknown as SignedInContext;
    const { principal, services } = ctx;
    const { via } = principal;
    if (via.kind !== 'support') return; // over already: by the clock, or in another tab
    await services.db.withAuth(async (tx) => {
      await tx.query({
        text: 'update auth.sessions set support_grant_id = null where id = $1',
        values: [via.sessionId],
      });
      await services.identity.announce(tx, `session:${via.sessionId}`);
      await recordVisitStep(ctx, tx, 'support.visit.end', principal);
    });
    services.identity.forget(`session:${via.sessionId}`);
  },
});

export const supportOperatorRoutes: readonly Route[] = [listAsked, askForAccess, withdraw, visit, endVisit];
