/** The outbox for who runs the server: addresses and subjects in lists, a message's text only when it is opened, on record. */
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route } from '#kernel/http';
import { mailContract } from '../contract.ts';
import { mailErrors } from '../errors.ts';
import { mailChannel } from '../queue-message.ts';

const readLimit: Limit = { name: 'mail.outbox', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'mail.retry', max: 60, windowSeconds: 60, by: 'user' };

type State = 'kept' | 'waiting' | 'sent' | 'failed';

interface Row {
  id: string;
  kind: string;
  recipient: string;
  subject: string;
  state: State;
  attempts: number;
  last_error: string | null;
  due_at: Date;
  created_at: Date;
  finished_at: Date | null;
}

const columns = 'id, kind, recipient, subject, state, attempts, last_error, due_at, created_at, finished_at';

function toMessage(row: Row) {
  return {
    id: row.id,
    kind: row.kind,
    to: row.recipient,
    subject: row.subject,
    state: row.state,
    attempts: row.attempts,
    lastError: row.last_error,
    nextTryAt: row.state === 'waiting' ? row.due_at.toISOString() : null,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

export const listOutbox = defineRoute(mailContract, 'GET /admin/outbox', {
  id: 'mail.outbox.list',
  access: 'operator',
  limit: readLimit,
  async handler({ query, services }) {
    const pattern = query.search === undefined ? null : `%${query.search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    const rows = await services.db.withSystem('outbox', (tx) =>
      tx.query<Row>({
        text: `select ${columns} from kernel.mail_messages
               where ($1::uuid is null or id < $1) and ($2::text is null or state = $2)
                 and ($3::text is null or recipient ilike $3 or subject ilike $3)
               order by id desc limit $4`,
        values: [readIdCursor(query.cursor), query.state ?? null, pattern, query.limit + 1],
      }),
    );
    return toIdPage(rows, query.limit, toMessage);
  },
});

export const readOutboxMessage = defineRoute(mailContract, 'GET /admin/outbox/{mailId}', {
  id: 'mail.outbox.read',
  access: 'operator',
  limit: readLimit,
  async handler(ctx) {
    const { mailId } = ctx.params;
    return ctx.services.db.withSystem('outbox', async (tx) => {
      const [row] = await tx.query<Row & { body_text: string | null }>({
        text: `select ${columns}, body_text from kernel.mail_messages where id = $1`,
        values: [mailId],
      });
      if (!row) throw kernelErrors.NOT_FOUND();
      // A message may hold a link that signs its reader in: who opens it is on record.
      if (row.body_text !== null)
        await ctx.audit(tx, { action: 'mail.outbox.read', resource: `mail:${mailId}`, details: { kind: row.kind } });
      return { ...toMessage(row), text: row.body_text };
    });
  },
});

/** resend makes a message due now, for another day. Sent ones have no text any more; one under way is left alone. */
async function resend(tx: Tx, mailId: string): Promise<Row | undefined> {
  const [row] = await tx.query<Row>({
    text: `update kernel.mail_messages
           set state = 'waiting', due_at = now(), expires_at = now() + interval '1 day', finished_at = null, last_error = null
           where id = $1 and state <> 'sent' and (lease_id is null or due_at <= now()) returning ${columns}`,
    values: [mailId],
  });
  return row;
}

export const retryOutboxMessage = defineRoute(mailContract, 'POST /admin/outbox/{mailId}/retry', {
  id: 'mail.outbox.retry',
  access: 'operator',
  limit: writeLimit,
  errors: ['MAIL_NOT_CONFIGURED', 'MAIL_NOT_RESENDABLE'],
  async handler(ctx) {
    const { params, services } = ctx;
    return services.db.withSystem('outbox', async (tx) => {
      const [known] = await tx.query({
        text: 'select 1 from kernel.mail_messages where id = $1',
        values: [params.mailId],
      });
      if (!known) throw kernelErrors.NOT_FOUND();
      if (!services.mail.isConfigured) throw mailErrors.MAIL_NOT_CONFIGURED();
      const row = await resend(tx, params.mailId);
      if (!row) throw mailErrors.MAIL_NOT_RESENDABLE();
      await tx.query({ text: 'select pg_notify($1, $2)', values: [mailChannel, ''] });
      await ctx.audit(tx, { action: 'mail.outbox.retry', resource: `mail:${row.id}`, details: { kind: row.kind } });
      return toMessage(row);
    });
  },
});

export const readOutboxStatus = defineRoute(mailContract, 'GET /admin/outbox-status', {
  id: 'mail.outbox.status',
  access: 'operator',
  limit: readLimit,
  async handler({ services }) {
    const rows = await services.db.withSystem('outbox', (tx) =>
      tx.query<{ state: State; count: number }>({
        text: 'select state, count(*)::int as count from kernel.mail_messages group by state',
      }),
    );
    const counts = {
      kept: 0,
      waiting: 0,
      sent: 0,
      failed: 0,
      ...Object.fromEntries(rows.map((row) => [row.state, row.count])),
    };
    return { isConfigured: services.mail.isConfigured, counts };
  },
});

export const mailRoutes: readonly Route[] = [listOutbox, readOutboxMessage, retryOutboxMessage, readOutboxStatus];
