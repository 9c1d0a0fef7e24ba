/** Routes by which an organisation answers who asked to look into it, and ends what it allowed. */
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route, type SignedInContext } from '#kernel/http';
import { auditIn } from '#kernel/tenancy';
import { adminErrors } from '../errors.ts';
import { supportContract, type SupportGrant } from './contract.ts';
import { leaveVisits, listGrants, lockGrant, toGrant, type GrantRow } from './grant-store.ts';

const readLimit: Limit = { name: 'support.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'support.answer', max: 60, windowSeconds: 3_600, by: 'user' };
const answer = { permission: 'support.access.answer' };

const listAccess = defineRoute(supportContract, 'GET /support-access', {
  id: 'support.access.list',
  access: { permission: 'support.access.read' },
  limit: readLimit,
  async handler({ principal, query, services }) {
    const filter = {
      tenantId: principal.tenantId,
      askedBy: null,
      before: readIdCursor(query.cursor),
      limit: query.limit + 1,
    };
    const rows = await services.db.withAuth((tx) => listGrants(tx, filter));
    const now = services.identity.now();
    return toIdPage(rows, query.limit, (row) => toGrant(row, now));
  },
});

type Answer = 'granted' | 'refused' | 'revoked';
const askedFor: Readonly<Record<Answer, SupportGrant['state']>> = {
  granted: 'asked',
  refused: 'asked',
  revoked: 'granted',
};
const told: Readonly<Record<Answer, string>> = {
  granted: 'lets you look into it',
  refused: 'does not let you look into it',
  revoked: 'has ended your access',
};

/** storeAnswer writes the answer; a consent runs from now for the hours asked for. */
async function storeAnswer(tx: Tx, row: GrantRow, state: Answer, userId: string, now: number): Promise<void> {
  const until = state === 'granted' ? new Date(now + row.hours * 3_600_000) : row.expires_at;
  await tx.query({
    text: `update auth.support_grants set state = $2, answered_by = $3, answered_at = $4, expires_at = $5 where id = $1`,
    values: [row.id, state, userId, new Date(now), until],
  });
}

/** tellAsker tells who asked, at home, because they are no member here. */
async function tellAsker({ services }: SignedInContext, tx: Tx, row: GrantRow, state: Answer): Promise<void> {
  const [home] = await tx.query<{ id: string }>({
    text: 'select id from auth.organizations where personal_user_id = $1',
    values: [row.asked_by],
  });
  if (!home) return;
  await services.notifications.notify(tx, {
    tenantId: home.id,
    userId: row.asked_by,
    kind: 'support.access',
    title: `${row.organisation_name.slice(0, 150)} ${told[state]}`,
    link: `/admin/organisations/${row.tenant_id}`,
  });
}

/** settle answers or ends a grant of the caller's organisation. Throws NOT_FOUND, SUPPORT_NOT_OPEN. */
async function settle(ctx: SignedInContext, grantId: string, state: Answer, action: string): Promise<SupportGrant> {
  const { principal, services } = ctx;
  const { identity } = services;
  const { tenantId, userId } = principal;
  const now = identity.now();
  const settled = await services.db.withAuth(async (tx) => {
    const row = await lockGrant(tx, grantId, { tenantId });
    if (!row) throw kernelErrors.NOT_FOUND();
    if (toGrant(row, now).state !== askedFor[state]) throw adminErrors.SUPPORT_NOT_OPEN();
    await storeAnswer(tx, row, state, userId, now);
    const left = state === 'revoked' ? await leaveVisits(tx, identity, grantId) : [];
    await tellAsker(ctx, tx, row, state);
    const after = (await lockGrant(tx, grantId, { tenantId })) ?? row;
    const resource = `support:${grantId}`;
    await auditIn(ctx, tx, tenantId, { action, resource, details: { hours: row.hours, askedBy: row.asked_by } });
    return { after, left };
  });
  for (const id of settled.left) identity.forget(`session:${id}`);
  return toGrant(settled.after, now);
}

const consent = defineRoute(supportContract, 'POST /support-access/{grantId}/consent', {
  id: 'support.access.consent',
  access: answer,
  stepUp: true,
  limit: writeLimit,
  errors: ['SUPPORT_NOT_OPEN'],
  handler: (ctx) => settle(ctx as unknown as SignedInContext, ctx.params.grantId, 'granted', 'support.access.consent'),
});

const refuse = defineRoute(supportContract, 'POST /support-access/{grantId}/refuse', {
  id: 'support.access.refuse',
  access: answer,
  limit: writeLimit,
  errors: ['SUPPORT_NOT_OPEN'],
  handler: (ctx) => settle(ctx as unknown as SignedInContext, ctx.params.grantId, 'refused', 'support.access.refuse'),
});

const revoke = defineRoute(supportContract, 'POST /support-access/{grantId}/revoke', {
  id: 'support.access.revoke',
  access: answer,
  limit: writeLimit,
  errors: ['SUPPORT_NOT_OPEN'],
  handler: (ctx) => settle(ctx as unknown as SignedInContext, ctx.params.grantId, 'revoked', 'support.access.revoke'),
});

export const supportOwnerRoutes: readonly Route[] = [listAccess, consent, refuse, revoke];
