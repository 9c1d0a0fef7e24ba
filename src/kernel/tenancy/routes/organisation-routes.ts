/** Organisations of a person: made, listed, switched, renamed and left. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit, type SignedInContext } from '#kernel/http';
import { tenancyContract } from '../contract.ts';
import { tenancyErrors } from '../errors.ts';
import { assertNotLastOwner, endMembership, lockOrganization } from '../membership.ts';
import {
  createOrganization,
  findOrganization,
  listOrganizations,
  moveSession,
  readIdCursor,
  readOrganization,
  toPage,
  toSummary,
} from '../organization-rows.ts';
import { auditIn } from './audit-in.ts';

export const readLimit: Limit = { name: 'organisation.read', max: 300, windowSeconds: 60, by: 'user' };
export const writeLimit: Limit = { name: 'organisation.settings', max: 60, windowSeconds: 3600, by: 'user' };

/** ownSession is the session a person works in. Throws FORBIDDEN for keys and tokens, whose organisation is fixed. */
export function ownSession({ principal }: Pick<SignedInContext, 'principal'>): string {
  if (principal.via.kind === 'session') return principal.via.sessionId;
  throw kernelErrors.FORBIDDEN({ detail: 'Only a browser session can go to another organisation.' });
}

export const listMyOrganisations = defineRoute(tenancyContract, 'GET /organisations', {
  id: 'organisation.list',
  access: 'signed-in',
  limit: readLimit,
  async handler({ services, principal, query }) {
    const after = readIdCursor(query.cursor);
    const rows = await services.db.withAuth((tx) => listOrganizations(tx, principal.userId, after, query.limit + 1));
    return toPage(rows, query.limit, (row) => toSummary(row, principal.tenantId));
  },
});

export const createOrganisation = defineRoute(tenancyContract, 'POST /organisations', {
  id: 'organisation.create',
  access: 'signed-in',
  limit: writeLimit,
  idempotent: true,
  errors: ['FORBIDDEN', 'ORGANISATION_LIMIT'],
  async handler(ctx) {
    const { services, principal, body } = ctx;
    ownSession(ctx);
    return ctx.auth(async (tx) => {
      const id = await createOrganization(tx, principal.userId, body.name, services.config.organisationsPerPerson);
      await auditIn(ctx, tx, id, { action: 'organisation.create', resource: `organisation:${id}` });
      return { id, name: body.name, isPersonal: false, role: 'owner' as const, isCurrent: false };
    });
  },
});

export const switchOrganisation = defineRoute(tenancyContract, 'POST /organisations/{organisationId}/switch', {
  id: 'organisation.switch',
  access: 'signed-in',
  limit: { name: 'organisation.switch', max: 60, windowSeconds: 60, by: 'user' },
  errors: ['FORBIDDEN'],
  async handler(ctx) {
    const { services, principal, params } = ctx;
    const sessionId = ownSession(ctx);
    const row = await services.db.withAuth(async (tx) => {
      const found = await findOrganization(tx, params.organisationId, principal.userId);
      if (!found) throw kernelErrors.NOT_FOUND();
      if (!(await moveSession(tx, principal.userId, sessionId, found.id))) throw kernelErrors.UNAUTHENTICATED();
      await services.identity.announce(tx, `session:${sessionId}`);
      await auditIn(ctx, tx, found.id, { action: 'organisation.switch', resource: `session:${sessionId}` });
      return found;
    });
    services.identity.forget(`session:${sessionId}`);
    return toSummary(row, row.id);
  },
});

export const readOrganisation = defineRoute(tenancyContract, 'GET /organisation', {
  id: 'organisation.read',
  access: 'signed-in',
  limit: readLimit,
  async handler({ services, principal }) {
    const organization = await services.db.withAuth((tx) => readOrganization(tx, principal));
    return { ...organization, sendsMail: services.mail.isConfigured };
  },
});

export const renameOrganisation = defineRoute(tenancyContract, 'PATCH /organisation', {
  id: 'organisation.update',
  access: { permission: 'organisation.settings.write' },
  limit: writeLimit,
  handler: (ctx) =>
    ctx.services.db.withAuth(async (tx) => {
      const { tenantId } = await lockOrganization(tx, ctx.principal, 'organisation.settings.write');
      await tx.query({
        text: 'update auth.organizations set name = $2 where id = $1',
        values: [tenantId, ctx.body.name],
      });
      const renamed = await readOrganization(tx, ctx.principal);
      await ctx.audit(tx, { action: 'organisation.update', resource: `organisation:${tenantId}` });
      return { ...renamed, sendsMail: ctx.services.mail.isConfigured };
    }),
});

export const leaveOrganisation = defineRoute(tenancyContract, 'POST /organisation/leave', {
  id: 'organisation.leave',
  access: 'signed-in',
  limit: writeLimit,
  errors: ['FORBIDDEN', 'ORGANISATION_PERSONAL', 'LAST_OWNER'],
  async handler(ctx) {
    const { services, principal } = ctx;
    ownSession(ctx);
    const home = await services.db.withAuth(async (tx) => {
      const organization = await lockOrganization(tx, principal, null);
      if (organization.isPersonal) throw tenancyErrors.ORGANISATION_PERSONAL();
      if (organization.role === 'owner') await assertNotLastOwner(tx, organization, principal.userId);
      const next = await endMembership(tx, organization, principal.userId);
      await services.identity.announce(tx, `user:${principal.userId}`);
      await ctx.audit(tx, { action: 'organisation.leave', resource: `user:${principal.userId}` });
      return next;
    });
    services.identity.forget(`user:${principal.userId}`);
    if (home === null) throw kernelErrors.UNAUTHENTICATED();
    return { organisationId: home };
  },
});
