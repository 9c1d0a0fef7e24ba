/** Nobody's mailbox is flooded by invitations, whoever invites and to whatever. */
import type { SignedInContext } from '#kernel/http';
import { takeOrRefuse, type LimitRule } from '#kernel/limits';

/** perAddressRule keeps strangers from being mailed again and again, by whichever organisations. */
const perAddressRule: LimitRule = { name: 'organisation.invitation-address', max: 5, windowSeconds: 86_400 };
/** perPersonRule counts over all organisations of a person: who makes many of them mails no more. */
const perPersonRule: LimitRule = { name: 'organisation.invitation-sender', max: 100, windowSeconds: 86_400 };

/** takeInvitationMail counts one mail to `email`. Throws RATE_LIMITED. */
export async function takeInvitationMail(ctx: SignedInContext, email: string): Promise<void> {
  await takeOrRefuse(ctx, perPersonRule, `user:${ctx.principal.userId}`, 'You have sent many invitations today.');
  await takeOrRefuse(ctx, perAddressRule, email, 'This address was invited several times today. Try again tomorrow.');
}
