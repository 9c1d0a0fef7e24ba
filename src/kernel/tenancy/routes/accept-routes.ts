/** Invitations as those invited see them: what a link offers, and joining by it. */
import { defineRoute } from '#kernel/http';
import type { Principal } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import { tenancyContract, type OpenedInvitation } from '../contract.ts';
import { tenancyErrors } from '../errors.ts';
import { findOffer, joinByInvitation, type OfferedInvitation } from '../invitations.ts';
import { moveSession } from '../organization-rows.ts';
import { readRole } from '../membership.ts';
import { tellInviter } from '../tell-members.ts';
import { auditIn } from './audit-in.ts';
import { ownSession } from './organisation-routes.ts';

async function describeMe(tx: Tx, offer: OfferedInvitation, me: Principal | null): Promise<OpenedInvitation['me']> {
  if (!me) return null;
  const [row] = await tx.query<{ email: string }>({
    text: 'select email from auth.users where id = $1',
    values: [me.userId],
  });
  const email = row?.email ?? '';
  return {
    email,
    isMember: offer.tenant_id === null || (await readRole(tx, offer.tenant_id, me.userId)) !== null,
    isInvitedAddress: offer.email === null || offer.email === email,
  };
}

export const openInvitation = defineRoute(tenancyContract, 'POST /invitation/open', {
  id: 'organisation.invitation.open',
  access: 'public',
  limit: { name: 'organisation.invitation-open', max: 60, windowSeconds: 900, by: 'address' },
  errors: ['INVITATION_INVALID'],
  handler: ({ services, principal, body }) =>
    services.db.withAuth(async (tx) => {
      const offer = await findOffer(tx, body.token);
      if (!offer) throw tenancyErrors.INVITATION_INVALID();
      return {
        organisationName: offer.organisation_name,
        role: offer.role,
        email: offer.email,
        invitedBy: offer.invited_by,
        expiresAt: offer.expires_at.toISOString(),
        me: await describeMe(tx, offer, principal),
      };
    }),
});

export const acceptInvitation = defineRoute(tenancyContract, 'POST /invitation/accept', {
  id: 'organisation.invitation.accept',
  access: 'signed-in',
  limit: { name: 'organisation.invitation-accept', max: 30, windowSeconds: 900, by: 'user' },
  errors: ['FORBIDDEN', 'INVITATION_INVALID', 'INVITATION_FOR_NEWCOMERS', 'INVITATION_FOR_ANOTHER_ADDRESS'],
  async handler(ctx) {
    const { services, principal, body } = ctx;
    const sessionId = ownSession(ctx);
    const { userId } = principal;
    const joined = await services.db.withAuth(async (tx) => {
      const outcome = await joinByInvitation(tx, { userId, ...body });
      await moveSession(tx, userId, sessionId, outcome.tenant_id);
      const role = (await readRole(tx, outcome.tenant_id, userId)) ?? outcome.role;
      await services.identity.announce(tx, `session:${sessionId}`);
      await tellInviter(services, tx, outcome, userId);
      const details = { role, isNew: outcome.isNew };
      const entry = { action: 'organisation.invitation.accept', resource: `invitation:${outcome.id}`, details };
      await auditIn(ctx, tx, outcome.tenant_id, entry);
      return { ...outcome, role };
    });
    services.identity.forget(`session:${sessionId}`);
    const { tenant_id: id, organisation_name: name, role } = joined;
    return { id, name, role, isPersonal: false, isCurrent: true };
  },
});
