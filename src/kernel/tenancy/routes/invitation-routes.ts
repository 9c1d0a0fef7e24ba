/** Invitations as members with that permission handle them: listed, made, sent again, revoked. */
import { kernelErrors } from '#kernel/errors';
import type { Tx } from '#kernel/db';
import { defineRoute, type Limit, type SignedInContext } from '#kernel/http';
import { tenancyContract, type GivenRole, type Invitation } from '../contract.ts';
import { tenancyErrors } from '../errors.ts';
import {
  deleteInvitation,
  findInvitation,
  insertInvitation,
  listInvitations,
  newInvitationToken,
  renewInvitation,
  toInvitation,
} from '../invitations.ts';
import { assertMayManage, lockOrganization, type LockedOrganization } from '../membership.ts';
import { readIdCursor, toPage } from '../organization-rows.ts';
import { tellInvited } from '../tell-members.ts';
import { invitationMail, invitationUrl } from './invitation-mail.ts';
import { readLimit } from './organisation-routes.ts';
import { takeInvitationMail } from './take-invitation-mail.ts';

const inviteLimit: Limit = { name: 'organisation.invitation', max: 100, windowSeconds: 86_400, by: 'tenant' };
const read = { permission: 'organisation.invitation.read' } as const;
const write = { permission: 'organisation.invitation.write' } as const;

/** lockShared is the current organisation, held, if it can have more members. */
async function lockShared(ctx: SignedInContext, tx: Tx, role: GivenRole | null): Promise<LockedOrganization> {
  const organization = await lockOrganization(tx, ctx.principal, write.permission);
  if (organization.isPersonal) throw tenancyErrors.ORGANISATION_PERSONAL();
  if (role !== null) assertMayManage(organization, role);
  return organization;
}

async function readBack(ctx: SignedInContext, tx: Tx, id: string): Promise<Invitation> {
  const row = await findInvitation(tx, ctx.principal.tenantId, id);
  if (!row) throw kernelErrors.NOT_FOUND();
  return toInvitation(row);
}

async function sendMail(
  ctx: SignedInContext,
  tx: Tx,
  organization: LockedOrganization,
  invitation: Invitation,
  token: string,
): Promise<void> {
  const { services, principal } = ctx;
  const [sender] = await tx.query<{ name: string }>({
    text: 'select name from auth.users where id = $1',
    values: [principal.userId],
  });
  const letter = invitationMail(services.config, {
    to: invitation.email ?? '',
    organisationName: organization.name,
    invitedBy: sender?.name ?? 'Somebody',
    role: invitation.role,
    expiresAt: new Date(invitation.expiresAt),
    token,
    tenantId: principal.tenantId,
  });
  await services.mail.queue(tx, letter);
}

export const listOpenInvitations = defineRoute(tenancyContract, 'GET /invitations', {
  id: 'organisation.invitation.list',
  access: read,
  limit: readLimit,
  async handler({ services, principal, query }) {
    const before = readIdCursor(query.cursor);
    const rows = await services.db.withAuth((tx) => listInvitations(tx, principal.tenantId, before, query.limit + 1));
    return toPage(rows, query.limit, toInvitation);
  },
});

export const inviteByMail = defineRoute(tenancyContract, 'POST /invitations', {
  id: 'organisation.invitation.create',
  access: write,
  limit: inviteLimit,
  idempotent: true,
  errors: ['ORGANISATION_PERSONAL', 'OWNERS_ONLY', 'ALREADY_MEMBER', 'INVITATION_EXISTS', 'MAIL_ADDRESS_INVALID'],
  async handler(context) {
    const { body } = context;
    const ctx = context as SignedInContext;
    const token = newInvitationToken();
    await takeInvitationMail(ctx, body.email);
    const { made: invitation, organisationName } = await ctx.auth(async (tx) => {
      const organization = await lockShared(ctx, tx, body.role);
      const id = await insertInvitation(tx, ctx.principal, { ...body, maxUses: 1, token });
      const made = await readBack(ctx, tx, id);
      await sendMail(ctx, tx, organization, made, token);
      const details = { role: body.role, means: 'mail' };
      await ctx.audit(tx, { action: 'organisation.invitation.create', resource: `invitation:${id}`, details });
      return { made, organisationName: organization.name };
    });
    // After the answer: a write that only known accounts cause would tell them apart by its time.
    ctx.services.identity.later('tell who is invited', () =>
      ctx.services.db.withAuth((tx) => tellInvited(ctx.services, tx, body.email, organisationName)),
    );
    return invitation;
  },
});

export const createInvitationLink = defineRoute(tenancyContract, 'POST /invitation-links', {
  id: 'organisation.invitation.create-link',
  access: write,
  limit: inviteLimit,
  errors: ['ORGANISATION_PERSONAL', 'OWNERS_ONLY'],
  async handler(context) {
    const { body } = context;
    const ctx = context as SignedInContext;
    const token = newInvitationToken();
    const invitation = await ctx.services.db.withAuth(async (tx) => {
      await lockShared(ctx, tx, body.role);
      const id = await insertInvitation(tx, ctx.principal, { ...body, email: null, token });
      const made = await readBack(ctx, tx, id);
      const details = { role: body.role, means: 'link', maxUses: body.maxUses };
      await ctx.audit(tx, { action: 'organisation.invitation.create', resource: `invitation:${id}`, details });
      return made;
    });
    return { invitation, token, url: invitationUrl(ctx.services.config, token) };
  },
});

export const resendInvitation = defineRoute(tenancyContract, 'POST /invitations/{invitationId}/resend', {
  id: 'organisation.invitation.resend',
  access: write,
  limit: inviteLimit,
  errors: ['ORGANISATION_PERSONAL', 'OWNERS_ONLY', 'INVITATION_IS_A_LINK'],
  async handler(context) {
    const { invitationId } = context.params;
    const ctx = context as SignedInContext;
    const { db } = ctx.services;
    const known = await db.withAuth((tx) => readBack(ctx, tx, invitationId));
    if (known.email === null) throw tenancyErrors.INVITATION_IS_A_LINK();
    await takeInvitationMail(ctx, known.email);
    const token = newInvitationToken();
    return db.withAuth(async (tx) => {
      const organization = await lockShared(ctx, tx, known.role);
      await renewInvitation(tx, ctx.principal.tenantId, invitationId, token);
      const row = await readBack(ctx, tx, invitationId);
      await sendMail(ctx, tx, organization, row, token);
      await ctx.audit(tx, { action: 'organisation.invitation.resend', resource: `invitation:${invitationId}` });
      return row;
    });
  },
});

export const revokeInvitation = defineRoute(tenancyContract, 'DELETE /invitations/{invitationId}', {
  id: 'organisation.invitation.revoke',
  access: write,
  limit: { name: 'organisation.settings', max: 60, windowSeconds: 3600, by: 'user' },
  errors: ['OWNERS_ONLY'],
  async handler(context) {
    const { invitationId } = context.params;
    const ctx = context as SignedInContext;
    await ctx.services.db.withAuth(async (tx) => {
      const organization = await lockOrganization(tx, ctx.principal, write.permission);
      const row = await readBack(ctx, tx, invitationId);
      assertMayManage(organization, row.role);
      await deleteInvitation(tx, ctx.principal.tenantId, invitationId);
      await ctx.audit(tx, { action: 'organisation.invitation.revoke', resource: `invitation:${invitationId}` });
    });
  },
});
