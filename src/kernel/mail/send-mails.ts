/** Each message is tried by one process at a time, settled by the try that holds its lease, and given up after a day. */
import type { Database } from '#kernel/db';
import { backoffSeconds } from '#kernel/delivery';
import { newId } from '#kernel/ids';
import { describeSmtpFailure, type SmtpTransport } from './smtp-transport.ts';

/** ClaimedMail is a message that this process may try now. */
export interface ClaimedMail {
  readonly id: string;
  readonly lease_id: string;
  readonly recipient: string;
  readonly recipient_key: string;
  readonly subject: string;
  readonly body_text: string;
  readonly body_html: string | null;
  readonly attempts: number;
}

export interface SenderOptions {
  readonly db: Pick<Database, 'withSystem'>;
  readonly transport: SmtpTransport;
  /** Domain of MAIL_FROM, the right side of every Message-ID. */
  readonly domain: string;
  /** Longest try in all, seconds. */
  readonly timeoutSeconds: number;
  readonly maxPerRecipientAndHour: number;
}

export interface MailSender {
  claim(limit: number): Promise<readonly ClaimedMail[]>;
  deliver(mail: ClaimedMail): Promise<void>;
}

const reason = 'mail delivery';

/** createMailSender makes the two halves of the delivery loop. The lease outlasts the longest try by a minute. */
export function createMailSender(options: SenderOptions): MailSender {
  const { db, domain, timeoutSeconds, transport } = options;
  const leaseSeconds = timeoutSeconds + 60;

  async function settle(mail: ClaimedMail, change: string, values: readonly unknown[] = []): Promise<void> {
    await db.withSystem(reason, (tx) =>
      tx.query({
        text: `update kernel.mail_messages set lease_id = null, ${change}
               where id = $1 and lease_id = $2 and state = 'waiting'`,
        values: [mail.id, mail.lease_id, ...values],
      }),
    );
  }

  async function fail(mail: ClaimedMail, error: unknown): Promise<void> {
    const { isPermanent, reason: words } = describeSmtpFailure(error);
    const pause = backoffSeconds(mail.attempts);
    await settle(
      mail,
      `last_error = $3, due_at = now() + make_interval(secs => $4),
       state = case when $5 or now() + make_interval(secs => $4) > expires_at then 'failed' else 'waiting' end,
       finished_at = case when $5 or now() + make_interval(secs => $4) > expires_at then now() end`,
      [words, pause, isPermanent],
    );
  }

  return {
    claim: (limit) => claimDue(db, limit, leaseSeconds),
    async deliver(mail) {
      if (await isOverLimit(options, mail)) return settle(mail, holdBack, [heldBackReason]);
      try {
        await transport.send(
          {
            messageId: `<${mail.id}@${domain}>`,
            to: mail.recipient,
            subject: mail.subject,
            text: mail.body_text,
            html: mail.body_html,
          },
          AbortSignal.timeout(timeoutSeconds * 1000),
        );
      } catch (error) {
        return fail(mail, error);
      }
      // What was delivered is nobody's business any more: it may hold a link that signs its reader in.
      return settle(mail, `state = 'sent', finished_at = now(), last_error = null, body_text = null, body_html = null`);
    },
  };
}

async function claimDue(db: SenderOptions['db'], limit: number, leaseSeconds: number): Promise<ClaimedMail[]> {
  return db.withSystem(reason, (tx) =>
    tx.query<ClaimedMail>({
      name: 'mail-claim',
      text: `with due as (
               select id from kernel.mail_messages where state = 'waiting' and due_at <= now()
               order by due_at limit $1 for update skip locked)
             update kernel.mail_messages m
             set lease_id = $2, attempts = attempts + 1, due_at = now() + make_interval(secs => $3)
             from due where m.id = due.id
             returning m.id, m.lease_id, m.recipient, m.recipient_key, m.subject, m.body_text, m.body_html, m.attempts`,
      values: [limit, newId(), leaseSeconds],
    }),
  );
}

const heldBackReason = 'Held back: this address got as much mail within the hour as it may.';
const holdBack = `last_error = $3, attempts = attempts - 1, due_at = now() + interval '5 minutes',
  state = case when now() + interval '5 minutes' > expires_at then 'failed' else 'waiting' end,
  finished_at = case when now() + interval '5 minutes' > expires_at then now() end`;

/** isOverLimit counts what this mailbox was sent within the hour, and what is being sent by an older claim. */
async function isOverLimit({ db, maxPerRecipientAndHour }: SenderOptions, mail: ClaimedMail): Promise<boolean> {
  const [row] = await db.withSystem(reason, (tx) =>
    tx.query<{ sent: number }>({
      name: 'mail-recent',
      text: `select ((select count(*) from kernel.mail_messages
                where recipient_key = $1 and state = 'sent' and finished_at > now() - interval '1 hour')
              + (select count(*) from kernel.mail_messages
                where recipient_key = $1 and state = 'waiting' and lease_id is not null and due_at > now() and id < $2))::int as sent`,
      values: [mail.recipient_key, mail.id],
    }),
  );
  return (row?.sent ?? 0) >= maxPerRecipientAndHour;
}
