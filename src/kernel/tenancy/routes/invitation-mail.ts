/** The mail of an invitation: who invites, where to, and the one link, which works once and only for its reader. */
import type { Config } from '#kernel/config';
import type { NewMail } from '#kernel/mail';
import { renderMail } from '#kernel/mail';
import type { GivenRole } from '../contract.ts';

export interface InvitationLetter {
  readonly to: string;
  readonly organisationName: string;
  readonly invitedBy: string;
  readonly role: GivenRole;
  readonly expiresAt: Date;
  readonly token: string;
  readonly tenantId: string;
}

/** invitationUrl is the link to pass on. The token stands behind the `#`, so that it reaches no server log and no Referer. */
export function invitationUrl(config: Pick<Config, 'publicUrl' | 'port'>, token: string): string {
  const base = config.publicUrl ?? `http://localhost:${config.port}`;
  return `${base.replace(/\/+$/, '')}/invitation#token=${token}`;
}

/** shorten keeps a name of 200 letters from filling a subject line. */
function shorten(name: string): string {
  return name.length <= 60 ? name : `${name.slice(0, 59)}…`;
}

/** invitationMail writes the message. */
export function invitationMail(config: Pick<Config, 'publicUrl' | 'port'>, letter: InvitationLetter): NewMail {
  const { to, tenantId, invitedBy, organisationName, role, expiresAt, token } = letter;
  const bodies = renderMail({
    title: `Join ${shorten(organisationName)}`,
    paragraphs: [
      `${shorten(invitedBy)} invites you to work in the organisation “${shorten(organisationName)}” as ${role === 'admin' ? 'an' : 'a'} ${role}.`,
      `The invitation works once, until ${expiresAt.toISOString().slice(0, 10)}.`,
    ],
    button: { label: 'See the invitation', url: invitationUrl(config, token) },
    footer: 'You do not know who this is? Then ignore this message: nothing happens unless you accept.',
  });
  return {
    ...bodies,
    to,
    tenantId,
    kind: 'organisation.invitation',
    subject: `${shorten(invitedBy)} invites you to ${shorten(organisationName)}`,
  };
}
