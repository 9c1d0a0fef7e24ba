/** The notification service writes in the caller's transaction, and passes on what is committed while the process lives. */
import type { Config } from '#kernel/config';
import type { Database, Tx } from '#kernel/db';
import { createDeliveryLoop, type DeliveryLoop } from '#kernel/delivery';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import type { MailService } from '#kernel/mail';
import type { PushService } from '#kernel/push';
import { passOn } from './pass-on.ts';
import type { NewNotification, NotificationKind, NotificationService } from './types.ts';

export interface NotificationServiceOptions {
  readonly db: Database;
  readonly config: Config;
  readonly log: Logger;
  readonly mail: Pick<MailService, 'queue'>;
  readonly push: Pick<PushService, 'queue'>;
  readonly kinds: readonly NotificationKind[];
}

const channel = 'bulkhead_notifications';

/** createNotificationService makes the service. Throws when two modules declare the same kind. */
export function createNotificationService(options: NotificationServiceOptions): NotificationService {
  const { config, db, log } = options;
  const kinds = new Map<string, NotificationKind>();
  for (const kind of options.kinds) {
    if (kinds.has(kind.kind)) throw new Error(`the notification kind ${kind.kind} is declared twice`);
    kinds.set(kind.kind, kind);
  }
  const publicUrl = (config.publicUrl ?? `http://localhost:${config.port}`).replace(/\/+$/, '');
  const loop: DeliveryLoop = createDeliveryLoop<never>({
    name: 'notifications',
    db,
    log,
    channel,
    concurrency: 1,
    // Handing on is one transaction and leaves nothing to try: there is no second half.
    async claim() {
      if (await passOn({ ...options, kinds, publicUrl })) loop.wake();
      return [];
    },
    deliver: () => Promise.resolve(),
  });
  return {
    kinds: options.kinds,
    notify: (tx, notification) => writeNotification(tx, notification, kinds),
    open: () => loop.open(),
    drain: (milliseconds) => loop.drain(milliseconds),
    prune: () => pruneNotifications(db, config.notificationKeepDays),
    close: () => loop.drain(0),
  };
}

function cut(text: string, most: number): string {
  const letters = Array.from(text.replaceAll('\0', ''));
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : letters.join('');
}

async function writeNotification(
  tx: Tx,
  { tenantId, userId, kind, title, text = '', link, aboutUserId }: NewNotification,
  kinds: ReadonlyMap<string, NotificationKind>,
): Promise<string> {
  const declared = kinds.get(kind);
  if (!declared) throw new Error(`the notification kind ${kind} is not declared`);
  const id = newId();
  // A name of nothing but control characters must not undo what is told of: the kind says it, too.
  const line = cut(title.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim() || declared.title, 200);
  await tx.query({
    name: 'notify',
    text: `with told as (
             insert into kernel.notifications (id, tenant_id, owner_id, kind, title, text, link, about_id)
             values ($1, $2, $3, $4, $5, $6, $7, $8))
           select pg_notify('${channel}', '')`,
    values: [id, tenantId, userId, kind, line, cut(text, 2_000), link ?? null, aboutUserId ?? null],
  });
  return id;
}

async function pruneNotifications(db: Database, keepDays: number): Promise<number> {
  const rows = await db.withSystem('pruning of old notifications', (tx) =>
    tx.query({
      text: 'delete from kernel.notifications where created_at < now() - make_interval(days => $1) returning 1',
      values: [keepDays],
    }),
  );
  return rows.length;
}
