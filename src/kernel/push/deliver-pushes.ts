/** Each queued push is tried by one process at a time until it is taken, refused for good or no news any more. */
import type { Database } from '#kernel/db';
import { backoffSeconds } from '#kernel/delivery';
import { newId } from '#kernel/ids';
import type { OutboundClient } from '#kernel/outbound';
import { pushTimeoutSeconds, sendPush } from './send-push.ts';
import type { PushOutcome } from './types.ts';
import type { VapidKeys } from './vapid-keys.ts';

/** ClaimedPush is a message that this process may try now. */
export interface ClaimedPush {
  readonly id: string;
  readonly lease_id: string;
  readonly subscription_id: string;
  readonly payload: unknown;
  readonly attempts: number;
  readonly ttl_seconds: number;
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

export interface DeliveryOptions {
  readonly db: Pick<Database, 'withSystem'>;
  readonly outbound: OutboundClient;
  readonly keys: () => Promise<VapidKeys>;
}

const reason = 'push delivery';

/** claimPushes takes what is due. The lease outlasts the longest try by a good while. */
export async function claimPushes({ db }: Pick<DeliveryOptions, 'db'>, limit: number): Promise<ClaimedPush[]> {
  return db.withSystem(reason, (tx) =>
    tx.query<ClaimedPush>({
      name: 'push-claim',
      text: `with due as (
               select id from kernel.push_deliveries where state = 'waiting' and due_at <= now()
               order by due_at limit $1 for update skip locked)
             update kernel.push_deliveries d
             set lease_id = $2, attempts = d.attempts + 1, due_at = now() + make_interval(secs => $3)
             from due, kernel.push_subscriptions s where d.id = due.id and s.id = d.subscription_id
             returning d.id, d.lease_id, d.subscription_id, d.payload, d.attempts, s.endpoint, s.p256dh, s.auth,
               greatest(0, extract(epoch from d.expires_at - now()))::int as ttl_seconds`,
      values: [limit, newId(), pushTimeoutSeconds + 40],
    }),
  );
}

/** deliverPush tries one message and settles it. */
export async function deliverPush(options: DeliveryOptions, push: ClaimedPush): Promise<void> {
  const payload = JSON.stringify(push.payload);
  const outcome = await sendPush(options.outbound, await options.keys(), {
    subscription: push,
    payload,
    ttlSeconds: push.ttl_seconds,
  });
  await recordOutcome(options, push.subscription_id, outcome);
  if (outcome.kind !== 'gone') await settle(options, push, outcome);
}

/** recordOutcome keeps with the browser how it went; one that is gone is forgotten, with all that waits for it. */
export async function recordOutcome(
  { db }: Pick<DeliveryOptions, 'db'>,
  subscriptionId: string,
  outcome: PushOutcome,
): Promise<void> {
  const change = {
    sent: 'update kernel.push_subscriptions set last_sent_at = now(), last_error = $2 where id = $1',
    failed: 'update kernel.push_subscriptions set last_error = $2 where id = $1',
    gone: 'delete from kernel.push_subscriptions where id = $1 and $2::text is null',
  }[outcome.kind];
  const values = [subscriptionId, outcome.kind === 'failed' ? outcome.reason : null];
  await db.withSystem(reason, (tx) => tx.query({ text: change, values }));
}

async function settle({ db }: DeliveryOptions, push: ClaimedPush, outcome: PushOutcome): Promise<void> {
  const isSent = outcome.kind === 'sent';
  const isOver = isSent || (outcome.kind === 'failed' && outcome.isPermanent);
  const asked = outcome.kind === 'failed' ? (outcome.retryAfterSeconds ?? 0) : 0;
  const pause = Math.max(asked, backoffSeconds(push.attempts));
  await db.withSystem(reason, (tx) =>
    tx.query({
      text: `update kernel.push_deliveries set lease_id = null, last_error = $3, due_at = now() + make_interval(secs => $4),
               state = case when $5 then 'sent' when o.is_over then 'failed' else 'waiting' end,
               payload = case when o.is_over then null else payload end,
               finished_at = case when o.is_over then now() end
             from (select $6 or now() + make_interval(secs => $4) > expires_at as is_over
                   from kernel.push_deliveries where id = $1) o
             where id = $1 and lease_id = $2 and state = 'waiting'`,
      values: [push.id, push.lease_id, outcome.kind === 'failed' ? outcome.reason : null, pause, isSent, isOver],
    }),
  );
}
