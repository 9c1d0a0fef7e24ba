/** The mail by which who runs the server invites somebody to it: the one link in it works once and only for its reader. */
import type { Config } from '#kernel/config';
import { renderMail, type NewMail } from '#kernel/mail';
import { invitationUrl } from '#kernel/tenancy';
import type { ServerInvitation } from './contract.ts';

/** serverInvitationMail writes the message; a name of 200 letters does not fill the subject line. */
export function serverInvitationMail(
  config: Pick<Config, 'publicUrl' | 'port'>,
  { email, expiresAt }: ServerInvitation,
  invitedBy: string,
  token: string,
): NewMail {
  const name = invitedBy.length <= 60 ? invitedBy : `${invitedBy.slice(0, 59)}…`;
  const url = invitationUrl(config, token);
  const bodies = renderMail({
    title: 'Create your account',
    paragraphs: [
      `${name} invites you to ${new URL(url).host}. You get an account there, with an organisation of your own.`,
      `The invitation works once, until ${expiresAt.slice(0, 10)}.`,
    ],
    button: { label: 'See the invitation', url },
    footer: 'You do not know who this is? Then ignore this message: nothing happens unless you accept.',
  });
  return {
    ...bodies,
    to: email ?? '',
    kind: 'admin.invitation',
    subject: `${name} invites you to ${new URL(url).host}`,
  };
}
