/** Routes by which who runs the server invites people to it, by mail or by a link, also where signing up is closed. */
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route, type SignedInContext } from '#kernel/http';
import {
  deleteInvitation,
  findInvitation,
  insertInvitation,
  invitationUrl,
  listInvitations,
  newInvitationToken,
  renewInvitation,
  takeInvitationMail,
  tenancyErrors,
  toServerInvitation,
} from '#kernel/tenancy';
import { auditAct } from '../audit-act.ts';
import { adminContract, type ServerInvitation } from '../contract.ts';
import { adminErrors } from '../errors.ts';
import { serverInvitationMail } from '../server-invitation-mail.ts';

const readLimit: Limit = { name: 'admin.read', max: 600, windowSeconds: 60, by: 'user' };
const inviteLimit: Limit = { name: 'admin.invitation', max: 200, windowSeconds: 86_400, by: 'user' };
const writeLimit: Limit = { name: 'admin.write', max: 120, windowSeconds: 3_600, by: 'user' };

const list = defineRoute(adminContract, 'GET /admin/invitations', {
  id: 'admin.invitations.list',
  access: 'operator',
  limit: readLimit,
  async handler({ query, services }) {
    const before = readIdCursor(query.cursor);
    const rows = await services.db.withAuth((tx) => listInvitations(tx, null, before, query.limit + 1));
    return toIdPage(rows, query.limit, toServerInvitation);
  },
});

async function readBack(tx: Tx, invitationId: string): Promise<ServerInvitation> {
  const row = await findInvitation(tx, null, invitationId);
  if (!row) throw kernelErrors.NOT_FOUND();
  return toServerInvitation(row);
}

async function queueMail(ctx: SignedInContext, tx: Tx, invitation: ServerInvitation, token: string): Promise<void> {
  const { principal, services } = ctx;
  const [sender] = await tx.query<{ name: string }>({
    text: 'select name from auth.users where id = $1',
    values: [principal.userId],
  });
  await services.mail.queue(tx, serverInvitationMail(services.config, invitation, sender?.name ?? 'Somebody', token));
}

/** assertNewcomer throws ACCOUNT_EXISTS; operators may know it, because they see every account. */
async function assertNewcomer(tx: Tx, email: string): Promise<void> {
  const rows = await tx.query({ text: 'select from auth.users where email = $1', values: [email] });
  if (rows.length > 0) throw adminErrors.ACCOUNT_EXISTS();
}

const invite = defineRoute(adminContract, 'POST /admin/invitations', {
  id: 'admin.invitations.create',
  access: 'operator',
  limit: inviteLimit,
  idempotent: true,
  errors: ['ACCOUNT_EXISTS', 'INVITATION_EXISTS', 'MAIL_ADDRESS_INVALID'],
  async handler(context) {
    const ctx = context as unknown as SignedInContext;
    const { email, expiresInDays } = context.body;
    const { userId } = ctx.principal;
    const token = newInvitationToken();
    await takeInvitationMail(ctx, email);
    return ctx.auth(async (tx) => {
      await assertNewcomer(tx, email);
      const offer = { role: null, email, maxUses: 1, expiresInDays, token };
      const id = await insertInvitation(tx, { tenantId: null, userId }, offer);
      const invitation = await readBack(tx, id);
      await queueMail(ctx, tx, invitation, token);
      const entry = { action: 'admin.invitations.create', resource: `invitation:${id}`, details: { means: 'mail' } };
      await auditAct(ctx, tx, null, entry);
      return invitation;
    });
  },
});

const createLink = defineRoute(adminContract, 'POST /admin/invitation-links', {
  id: 'admin.invitations.create-link',
  access: 'operator',
  limit: inviteLimit,
  async handler(context) {
    const ctx = context as unknown as SignedInContext;
    const { expiresInDays, maxUses } = context.body;
    const { userId } = ctx.principal;
    const token = newInvitationToken();
    const invitation = await ctx.services.db.withAuth(async (tx) => {
      const offer = { role: null, email: null, maxUses, expiresInDays, token };
      const id = await insertInvitation(tx, { tenantId: null, userId }, offer);
      const details = { means: 'link', maxUses };
      await auditAct(ctx, tx, null, { action: 'admin.invitations.create', resource: `invitation:${id}`, details });
      return readBack(tx, id);
    });
    return { invitation, token, url: invitationUrl(ctx.services.config, token) };
  },
});

const resend = defineRoute(adminContract, 'POST /admin/invitations/{invitationId}/resend', {
  id: 'admin.invitations.resend',
  access: 'operator',
  limit: inviteLimit,
  errors: ['ACCOUNT_EXISTS', 'INVITATION_IS_A_LINK'],
  async handler(context) {
    const ctx = context as unknown as SignedInContext;
    const { db } = ctx.services;
    const { invitationId } = context.params;
    const { email } = await db.withAuth((tx) => readBack(tx, invitationId));
    if (email === null) throw tenancyErrors.INVITATION_IS_A_LINK();
    await takeInvitationMail(ctx, email);
    const token = newInvitationToken();
    return db.withAuth(async (tx) => {
      await assertNewcomer(tx, email);
      await renewInvitation(tx, null, invitationId, token);
      const invitation = await readBack(tx, invitationId);
      await queueMail(ctx, tx, invitation, token);
      await auditAct(ctx, tx, null, { action: 'admin.invitations.resend', resource: `invitation:${invitationId}` });
      return invitation;
    });
  },
});

const revoke = defineRoute(adminContract, 'DELETE /admin/invitations/{invitationId}', {
  id: 'admin.invitations.revoke',
  access: 'operator',
  limit: writeLimit,
  async handler(context) {
    const ctx = context as unknown as SignedInContext;
    const { invitationId } = context.params;
    await ctx.services.db.withAuth(async (tx) => {
      if (!(await deleteInvitation(tx, null, invitationId))) throw kernelErrors.NOT_FOUND();
      await auditAct(ctx, tx, null, { action: 'admin.invitations.revoke', resource: `invitation:${invitationId}` });
    });
  },
});

export const serverInvitationRoutes: readonly Route[] = [list, invite, createLink, resend, revoke];
