/** Whoever signs up by an invitation belongs to the organisation that invites, if one does, in the same transaction, or gets no account. */
import type { RequestContext } from '#kernel/http';
import type { Tx } from '#kernel/db';
import {
  enterByInvitation,
  findOffer,
  joinByInvitation,
  moveSession,
  tellInviter,
  tellOperator,
  tenancyErrors,
} from '#kernel/tenancy';
import { describeDevice } from './describe-device.ts';
import type { Principal } from './principal.ts';

/** InvitationProof is what the form brings along. */
export interface InvitationProof {
  readonly token: string;
  readonly acceptsOtherAddress: boolean;
}

/** assertInvited throws INVITATION_INVALID; asked first, because strangers must not make the server hash passwords. */
export async function assertInvited({ services }: RequestContext, { token }: InvitationProof): Promise<void> {
  const offer = await services.db.withAuth((tx) => findOffer(tx, token));
  if (!offer) throw tenancyErrors.INVITATION_INVALID();
}

/** joinAtSignUp makes the new person a member, and lets the session just made work there; at home for an invitation to the server alone. Returns as whom it acts. */
export async function joinAtSignUp(
  ctx: RequestContext,
  tx: Tx,
  principal: Principal,
  proof: InvitationProof,
): Promise<Principal> {
  const { userId, via } = principal;
  const entered = await enterByInvitation(tx, { userId, ...proof });
  if (entered) {
    if (entered.created_by !== null) await tellOperator(ctx.services, tx, entered.created_by, userId);
    return principal;
  }
  const joined = await joinByInvitation(tx, { userId, ...proof });
  if (via.kind === 'session') await moveSession(tx, userId, via.sessionId, joined.tenant_id);
  await tellInviter(ctx.services, tx, joined, userId);
  await ctx.services.audit.record(tx, {
    action: 'organisation.invitation.accept',
    resource: `invitation:${joined.id}`,
    details: { role: joined.role, isNew: true },
    actor: principal,
    tenantId: joined.tenant_id,
    address: ctx.address,
    requestId: ctx.requestId,
    device: describeDevice(ctx.userAgent),
  });
  return { ...principal, tenantId: joined.tenant_id, role: joined.role };
}
