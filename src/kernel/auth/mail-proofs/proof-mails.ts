/** The mails that carry links, and those that tell an owner what was done to the account. */
import type { Config } from '#kernel/config';
import type { Tx } from '#kernel/db';
import { renderMail, type MailContent, type MailService } from '#kernel/mail';

interface Sender {
  readonly mail: MailService;
  readonly config: Config;
}

interface Recipient {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** linkTo builds a link of this server; the token stands behind the `#`, so that it reaches no log and no Referer. */
function linkTo(config: Config, path: string, token: string): string {
  const base = config.publicUrl ?? `http://localhost:${config.port}`;
  return `${base.replace(/\/+$/, '')}${path}#token=${token}`;
}

async function queue(tx: Tx, sender: Sender, to: Recipient, kind: string, content: MailContent): Promise<void> {
  const mail = { to: to.email, subject: content.title, kind, accountId: to.id };
  await sender.mail.queue(tx, { ...mail, ...renderMail(content) });
}

/** queueResetMail sends the link to choose a new password. */
export function queueResetMail(tx: Tx, sender: Sender, to: Recipient, token: string): Promise<void> {
  return queue(tx, sender, to, 'auth.password-reset', {
    title: 'Choose a new password',
    paragraphs: [
      `Hello ${to.name},`,
      'Somebody, probably you, asked for a new password for your account. The link works once, for an hour.',
    ],
    button: { label: 'Choose a new password', url: linkTo(sender.config, '/reset-password', token) },
    footer: 'If it was not you, do nothing: your password stays as it is.',
  });
}

/** queueVerifyMail sends the link that shows whose the account's address is. */
export function queueVerifyMail(tx: Tx, sender: Sender, to: Recipient, token: string): Promise<void> {
  return queue(tx, sender, to, 'auth.email-verification', {
    title: 'Confirm your e-mail address',
    paragraphs: [`Hello ${to.name},`, 'Please confirm that this address is yours. The link works for three days.'],
    button: { label: 'Confirm the address', url: linkTo(sender.config, '/verify-email', token) },
    footer: 'If you have no account here, do nothing.',
  });
}

/** queueChangeMail sends the link that makes another address the account's. */
export function queueChangeMail(tx: Tx, sender: Sender, to: Recipient, token: string): Promise<void> {
  return queue(tx, sender, to, 'auth.email-change', {
    title: 'Confirm your new e-mail address',
    paragraphs: [
      `Hello ${to.name},`,
      'With this link this address becomes the one you sign in with. It works for a day.',
    ],
    button: { label: 'Use this address', url: linkTo(sender.config, '/verify-email', token) },
    footer: 'If you did not ask for it, do nothing.',
  });
}

/** queueTakenMail tells the owner of an address, and nobody else, that it already has an account. */
export function queueTakenMail(tx: Tx, sender: Sender, to: Recipient): Promise<void> {
  return queue(tx, sender, to, 'auth.email-taken', {
    title: 'This address already has an account',
    paragraphs: [
      `Hello ${to.name},`,
      'Somebody asked to use this address for another account here. It stays with yours, and nothing has changed.',
    ],
  });
}

/** queueNotice tells the owner what was done, in case it was somebody else. */
export function queueNotice(
  tx: Tx,
  sender: Sender,
  to: Recipient,
  what: 'password' | { readonly newEmail: string },
): Promise<void> {
  const isPassword = what === 'password';
  return queue(tx, sender, to, isPassword ? 'auth.password-changed' : 'auth.email-changed', {
    title: isPassword ? 'Your password was changed' : 'Your e-mail address was changed',
    paragraphs: [
      `Hello ${to.name},`,
      isPassword
        ? 'The password of your account was changed, and every session has ended.'
        : `Your account now signs in with ${what.newEmail}; this address does not any more.`,
    ],
    footer: 'If it was not you, ask who runs the server for help at once.',
  });
}
