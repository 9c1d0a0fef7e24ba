/** A queued message becomes visible to the sender with the caller's commit, and never without it. */
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { isMailAddress, recipientKey, serverTenantId } from './addresses.ts';
import { mailErrors } from './errors.ts';
import type { NewMail } from './types.ts';

/** mailChannel wakes the senders of all processes. */
export const mailChannel = 'bulkhead_mail';

const longestSubject = 300;
const longestBody = 200_000;

/** One line without control characters: a subject must not become a header. */
function toSubject(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return Array.from(line || '(no subject)')
    .slice(0, longestSubject)
    .join('');
}

const toBody = (text: string): string => text.replaceAll('\0', '').slice(0, longestBody);

/** queueMessage inserts the row. It reads nothing back: the roles of requests may not. */
export async function queueMessage(tx: Tx, mail: NewMail, state: 'kept' | 'waiting'): Promise<string> {
  if (!isMailAddress(mail.to)) throw mailErrors.MAIL_ADDRESS_INVALID();
  const id = newId();
  await tx.query({
    name: 'mail-queue',
    text: `with queued as (
             insert into kernel.mail_messages (id, tenant_id, kind, recipient, recipient_key, subject, body_text, body_html, state, account_id)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10))
           select pg_notify('${mailChannel}', '')`,
    values: [
      id,
      mail.tenantId ?? tx.scope?.tenantId ?? serverTenantId,
      mail.kind,
      mail.to,
      recipientKey(mail.to),
      toSubject(mail.subject),
      toBody(mail.text),
      mail.html === undefined ? null : toBody(mail.html),
      state,
      mail.accountId ?? null,
    ],
  });
  return id;
}
