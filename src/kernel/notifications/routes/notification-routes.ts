/** People see and mark their own notifications, in the organisation they work in, without the kinds they do not want here. */
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route } from '#kernel/http';
import { hiddenKinds, readChoices } from '../choices.ts';
import { notificationsContract } from '../contract.ts';
import type { NotificationKind, Ways } from '../types.ts';

const readLimit: Limit = { name: 'notifications.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'notifications.write', max: 300, windowSeconds: 60, by: 'user' };

interface Row {
  id: string;
  kind: string;
  title: string;
  text: string;
  link: string | null;
  read_at: Date | null;
  created_at: Date;
}

const columns = 'id, kind, title, text, link, read_at, created_at';

function toNotification(row: Row) {
  return {
    id: row.id,
    kind: row.kind,
    title: row.title,
    text: row.text,
    link: row.link,
    isRead: row.read_at !== null,
    createdAt: row.created_at.toISOString(),
  };
}

export const listNotifications = defineRoute(notificationsContract, 'GET /notifications', {
  id: 'notifications.list',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const { query, services } = ctx;
    const { tenantId, userId } = ctx.principal;
    const rows = await ctx.tenant(async (tx) =>
      tx.query<Row>({
        text: `select ${columns} from kernel.notifications
               where tenant_id = $1 and owner_id = $2 and ($3::uuid is null or id < $3) and ($4 or read_at is null)
                 and kind <> all($5) order by id desc limit $6`,
        values: [
          tenantId,
          userId,
          readIdCursor(query.cursor),
          query.state === 'all',
          await hiddenKinds(tx, tenantId, userId, services.notifications.kinds),
          query.limit + 1,
        ],
      }),
    );
    return toIdPage(rows, query.limit, toNotification);
  },
});

export const readSummary = defineRoute(notificationsContract, 'GET /notification-summary', {
  id: 'notifications.summary',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const { tenantId, userId } = ctx.principal;
    const [row] = await ctx.tenant(async (tx) =>
      tx.query<{ unread: number }>({
        name: 'notifications-unread',
        text: `select count(*)::int as unread from (
                 select from kernel.notifications
                 where tenant_id = $1 and owner_id = $2 and read_at is null and kind <> all($3) limit 100) listed`,
        values: [tenantId, userId, await hiddenKinds(tx, tenantId, userId, ctx.services.notifications.kinds)],
      }),
    );
    return { unread: row?.unread ?? 0 };
  },
});

// Looking at one's own messages is no act that others may ask about: these two leave no audit record.

export const markRead = defineRoute(notificationsContract, 'POST /notifications/{notificationId}/read', {
  id: 'notifications.mark-read',
  access: 'signed-in',
  limit: writeLimit,
  async handler(ctx) {
    const { tenantId, userId } = ctx.principal;
    const [row] = await ctx.tenant((tx) =>
      tx.query({
        text: `update kernel.notifications set read_at = coalesce(read_at, now())
               where tenant_id = $1 and owner_id = $2 and id = $3 returning 1`,
        values: [tenantId, userId, ctx.params.notificationId],
      }),
    );
    if (!row) throw kernelErrors.NOT_FOUND();
  },
});

export const markAllRead = defineRoute(notificationsContract, 'POST /notifications/read-all', {
  id: 'notifications.mark-all-read',
  access: 'signed-in',
  limit: writeLimit,
  async handler(ctx) {
    const { tenantId, userId } = ctx.principal;
    const rows = await ctx.tenant((tx) =>
      tx.query({
        text: `update kernel.notifications set read_at = now()
               where tenant_id = $1 and owner_id = $2 and read_at is null and ($3::uuid is null or id <= $3) returning 1`,
        values: [tenantId, userId, ctx.body.until ?? null],
      }),
    );
    return { read: rows.length };
  },
});

function toSetting({ kind, title, description }: NotificationKind, { inApp, mail, push }: Ways) {
  return { kind, title, description: description ?? null, inApp, mail, push };
}

async function isAddressConfirmed(tx: Tx, userId: string): Promise<boolean> {
  const [row] = await tx.query<{ is_mailable: boolean }>({
    text: 'select email_verified or is_operator as is_mailable from auth.users where id = $1',
    values: [userId],
  });
  return row?.is_mailable ?? false;
}

export const readSettings = defineRoute(notificationsContract, 'GET /notification-settings', {
  id: 'notifications.settings.read',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const { db, mail, notifications } = ctx.services;
    const { tenantId, userId } = ctx.principal;
    const isConfirmed = await db.withAuth((tx) => isAddressConfirmed(tx, userId));
    const choices = await ctx.tenant((tx) => readChoices(tx, [userId]));
    const deliverable = mail.isConfigured ? ('ready' as const) : ('kept' as const);
    return {
      mailState: isConfirmed ? deliverable : ('unconfirmed' as const),
      settings: notifications.kinds.map((kind) => toSetting(kind, choices.waysFor(tenantId, userId, kind))),
    };
  },
});

export const changeSetting = defineRoute(notificationsContract, 'PUT /notification-settings', {
  id: 'notifications.settings.update',
  access: 'signed-in',
  limit: writeLimit,
  errors: ['NOT_FOUND'],
  async handler(ctx) {
    const { kind: name, ...ways } = ctx.body;
    const { tenantId, userId } = ctx.principal;
    const kind = ctx.services.notifications.kinds.find((known) => known.kind === name);
    if (!kind) throw kernelErrors.NOT_FOUND({ detail: 'There is no such kind of notification.' });
    await ctx.tenant(async (tx) => {
      await tx.query({
        text: `insert into kernel.notification_choices (tenant_id, owner_id, kind, in_app, mail, push) values ($1, $2, $3, $4, $5, $6)
               on conflict (tenant_id, owner_id, kind) do update
               set in_app = excluded.in_app, mail = excluded.mail, push = excluded.push, updated_at = now()`,
        values: [tenantId, userId, name, ways.inApp, ways.mail, ways.push],
      });
      const details = { kind: name, ...ways };
      await ctx.audit(tx, { action: 'notifications.settings.update', resource: `user:${userId}`, details });
    });
    return toSetting(kind, ways);
  },
});

export const notificationRoutes: readonly Route[] = [
  listNotifications,
  readSummary,
  markRead,
  markAllRead,
  readSettings,
  changeSetting,
];
