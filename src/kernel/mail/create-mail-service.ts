/** The mail service queues in whatever transaction it is given, and sends what is committed while the process lives. */
import type { Config } from '#kernel/config';
import type { Database } from '#kernel/db';
import { createDeliveryLoop } from '#kernel/delivery';
import type { Logger } from '#kernel/log';
import { mailChannel, queueMessage } from './queue-message.ts';
import { createMailSender } from './send-mails.ts';
import { createSmtpTransport, smtpConnections } from './smtp-transport.ts';
import type { MailService } from './types.ts';

export interface MailServiceOptions {
  readonly db: Database;
  readonly config: Config;
  readonly log: Logger;
  /** Certificates of the mail server to trust besides the system's, in PEM. */
  readonly ca?: string;
}

/** createMailService makes the service; nothing is sent before `open`. */
export function createMailService({ db, config, log, ca }: MailServiceOptions): MailService {
  const transport = createSmtpTransport({ config, ...(ca === undefined ? {} : { ca }) });
  const state = transport ? 'waiting' : 'kept';
  const sender =
    transport &&
    createMailSender({
      db,
      transport,
      domain: domainOf(config.mailFrom ?? ''),
      timeoutSeconds: config.mailTimeoutSeconds,
      maxPerRecipientAndHour: config.mailMaxPerRecipientHour,
    });
  const loop =
    sender &&
    createDeliveryLoop({ name: 'mail', db, log, channel: mailChannel, concurrency: smtpConnections, ...sender });
  return {
    isConfigured: transport !== null,
    queue: (tx, mail) => queueMessage(tx, mail, state),
    open: async () => loop?.open(),
    drain: async (milliseconds) => loop?.drain(milliseconds),
    prune: () => pruneMessages(db, config.mailKeepDays),
    async close() {
      // What is still under way fails with its connection; a moment more lets it say so in its row.
      await loop?.drain(0);
      transport?.close();
      await loop?.drain(2_000);
    },
  };
}

/** domainOf is the right side of the address in `Name <name@domain>` or `name@domain`. */
function domainOf(mailbox: string): string {
  return /@([^\s<>@]+)>?\s*$/.exec(mailbox)?.[1] ?? 'localhost';
}

async function pruneMessages(db: Database, keepDays: number): Promise<number> {
  const rows = await db.withSystem('pruning of old mail', (tx) =>
    tx.query({
      text: `delete from kernel.mail_messages
             where created_at < now() - make_interval(days => $1) and state <> 'waiting' returning 1`,
      values: [keepDays],
    }),
  );
  return rows.length;
}
