/** Each notification is handed to push and mail once, in one transaction with the mark that it was, by one process. */
import type { Database, Tx } from '#kernel/db';
import { isMailAddress, renderMail, type MailService } from '#kernel/mail';
import type { PushService } from '#kernel/push';
import { readChoices } from './choices.ts';
import type { NotificationKind } from './types.ts';

interface Row {
  readonly id: string;
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly kind: string;
  readonly title: string;
  readonly text: string;
  readonly link: string | null;
}

interface Person {
  readonly id: string;
  readonly email: string;
}

export interface PassOnOptions {
  readonly db: Database;
  readonly mail: Pick<MailService, 'queue'>;
  readonly push: Pick<PushService, 'queue'>;
  readonly kinds: ReadonlyMap<string, NotificationKind>;
  /** Where people reach the app, without a slash at the end. */
  readonly publicUrl: string;
}

const reason = 'passing on notifications';
const batchSize = 100;

/** passOn hands on what waits, a hundred at most; returns whether there may be more. */
export async function passOn(options: PassOnOptions): Promise<boolean> {
  const { db } = options;
  const waiting = await db.withSystem(reason, (tx) =>
    tx.query<Pick<Row, 'id' | 'owner_id'>>({
      name: 'notifications-waiting',
      text: `select id, owner_id from kernel.notifications where passed_on_at is null order by id limit ${batchSize}`,
    }),
  );
  if (waiting.length === 0) return false;
  // Addresses are for the role of accounts alone, so they are read in a transaction of their own, before.
  const people = await readPeople(db, [...new Set(waiting.map((row) => row.owner_id))]);
  await db.withSystem(reason, async (tx) => {
    const rows = await tx.query<Row>({
      text: `update kernel.notifications set passed_on_at = now() where id in
               (select id from kernel.notifications where id = any($1) and passed_on_at is null order by id for update skip locked)
             returning id, tenant_id, owner_id, kind, title, text, link`,
      values: [waiting.map((row) => row.id)],
    });
    const choices = await readChoices(tx, [...people.keys()]);
    for (const row of rows) {
      const kind = options.kinds.get(row.kind);
      const person = people.get(row.owner_id);
      // A kind may be gone with its application, a person with their account: then nobody is told.
      if (!kind || !person) continue;
      const ways = choices.waysFor(row.tenant_id, row.owner_id, kind);
      if (ways.push) await passToPush(options, tx, row);
      if (ways.mail && isMailAddress(person.email)) await passToMail(options, tx, row, kind, person);
    }
  });
  return waiting.length === batchSize;
}

/** Only people whose address is known to be theirs get mail, so that nobody signs up a stranger's mailbox. */
async function readPeople(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, Person>> {
  const rows = await db.withAuth((tx) =>
    tx.query<Person & { is_mailable: boolean }>({
      text: 'select id, email, email_verified or is_operator as is_mailable from auth.users where id = any($1)',
      values: [ids],
    }),
  );
  return new Map(rows.map((row) => [row.id, { id: row.id, email: row.is_mailable ? row.email : '' }]));
}

async function passToPush({ push }: PassOnOptions, tx: Tx, row: Row): Promise<void> {
  const { id, title, text, link, owner_id: ownerId } = row;
  await push.queue(tx, ownerId, { title, text, link: link ?? '/notifications', tag: id });
}

async function passToMail(
  { mail, publicUrl }: PassOnOptions,
  tx: Tx,
  row: Row,
  { kind, title }: NotificationKind,
  { email }: Person,
): Promise<void> {
  const body = renderMail({
    title: row.title,
    paragraphs: row.text === '' ? [] : [row.text],
    button: { label: 'Open in Bulkhead', url: `${publicUrl}${row.link ?? '/notifications'}` },
    footer: `You get this because mail is switched on for "${title}". Change that at ${publicUrl}/settings/notifications`,
  });
  await mail.queue(tx, {
    to: email,
    subject: row.title,
    kind: `notification.${kind}`.slice(0, 80),
    tenantId: row.tenant_id,
    accountId: row.owner_id,
    ...body,
  });
}
