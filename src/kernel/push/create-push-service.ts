/** The push service queues in the caller's transaction and sends what is committed while the process lives. */
import type { Config } from '#kernel/config';
import type { Database, Tx } from '#kernel/db';
import { createDeliveryLoop } from '#kernel/delivery';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import type { OutboundClient } from '#kernel/outbound';
import type { SecretBox } from '#kernel/secrets';
import { claimPushes, deliverPush, recordOutcome } from './deliver-pushes.ts';
import { sendPush } from './send-push.ts';
import type { PushMessage, PushService } from './types.ts';
import { createVapidKeys } from './vapid-keys.ts';

export interface PushServiceOptions {
  readonly db: Database;
  readonly config: Config;
  readonly log: Logger;
  readonly secrets: SecretBox;
  readonly outbound: OutboundClient;
}

const channel = 'bulkhead_push';
const concurrency = 8;
const keepDays = 7;
/** A test is of use while one looks at the screen. */
const testTtlSeconds = 60;

/** createPushService makes the service; nothing is sent before `open`. */
export function createPushService({ db, config, log, secrets, outbound }: PushServiceOptions): PushService {
  const keys = createVapidKeys({ db, secrets, config });
  const delivery = { db, outbound, keys };
  const loop = createDeliveryLoop({
    name: 'push',
    db,
    log,
    channel,
    concurrency,
    claim: (limit) => claimPushes(delivery, limit),
    deliver: (push) => deliverPush(delivery, push),
  });
  return {
    publicKey: async () => (await keys()).publicKey,
    queue: queuePushes,
    async sendNow(subscription, message) {
      const payload = JSON.stringify(shorten(message));
      const request = { subscription, payload, ttlSeconds: testTtlSeconds };
      const outcome = await sendPush(outbound, await keys(), request);
      await recordOutcome(delivery, subscription.id, outcome);
      return outcome;
    },
    open: () => loop.open(),
    drain: (milliseconds) => loop.drain(milliseconds),
    prune: () => prunePushes(db),
    close: () => loop.drain(0),
  };
}

/** Push services take 4,096 bytes of ciphertext, of which 103 are not payload (RFC 8291). */
const mostPayloadBytes = 3_000;

/** Half an address leads nowhere: one too long leads to the list, where the whole one is. */
function shorten({ title, text, link, tag }: PushMessage): PushMessage {
  const cut = (words: string, most: number): string => {
    const letters = Array.from(words.toWellFormed().replaceAll(/[^\P{Cc}\n]+/gu, ' '));
    return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : letters.join('');
  };
  const place = link.length > 500 ? '/notifications' : link;
  const short = { title: cut(title, 150), text: cut(text, 300), link: place, tag };
  return Buffer.byteLength(JSON.stringify(short)) > mostPayloadBytes ? { ...short, link: '/notifications' } : short;
}

/** One row per browser of the person; the text goes only where it may be shown. */
async function queuePushes(tx: Tx, ownerId: string, message: PushMessage): Promise<number> {
  const { text, ...rest } = shorten(message);
  const browsers = await tx.query<{ id: string; allows_text: boolean }>({
    text: 'select id, allows_text from kernel.push_subscriptions where owner_id = $1',
    values: [ownerId],
  });
  for (const { id, allows_text: allowsText } of browsers) {
    await tx.query({
      text: 'insert into kernel.push_deliveries (id, subscription_id, payload) values ($1, $2, $3)',
      values: [newId(), id, JSON.stringify(allowsText ? { ...rest, text } : rest)],
    });
  }
  if (browsers.length > 0) await tx.query({ text: 'select pg_notify($1, $2)', values: [channel, ''] });
  return browsers.length;
}

async function prunePushes(db: Database): Promise<number> {
  const rows = await db.withSystem('pruning of old pushes', (tx) =>
    tx.query({
      text: `delete from kernel.push_deliveries where finished_at < now() - make_interval(days => $1) returning 1`,
      values: [keepDays],
    }),
  );
  return rows.length;
}
