/** People choose which of their browsers are told; nobody sees or reaches another's. */
import { createHash } from 'node:crypto';
import { describeDevice } from '#kernel/auth';
import type { Principal } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { pushContract } from '../contract.ts';
import { pushErrors } from '../errors.ts';
import type { Subscription } from '../types.ts';

const readLimit: Limit = { name: 'push.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'push.write', max: 60, windowSeconds: 3600, by: 'user' };
const testLimit: Limit = { name: 'push.test', max: 20, windowSeconds: 600, by: 'user' };
/** Browsers of one person; of more, the oldest go. */
const mostBrowsers = 20;

interface Row extends Subscription {
  session_id: string;
  device: string;
  allows_text: boolean;
  last_sent_at: Date | null;
  last_error: string | null;
  created_at: Date;
}

const columns = 'id, session_id, endpoint, p256dh, auth, device, allows_text, last_sent_at, last_error, created_at';

function toSubscription(row: Row, { via }: Principal) {
  return {
    id: row.id,
    device: row.device,
    isThisSession: via.kind === 'session' && via.sessionId === row.session_id,
    allowsText: row.allows_text,
    lastSentAt: row.last_sent_at?.toISOString() ?? null,
    lastError: row.last_error,
    createdAt: row.created_at.toISOString(),
  };
}

/** Row-level security shows people their own alone. */
async function readOwn(tx: Tx, id: string): Promise<Row> {
  const [row] = await tx.query<Row>({
    text: `select ${columns} from kernel.push_subscriptions where id = $1 for update`,
    values: [id],
  });
  if (!row) throw kernelErrors.NOT_FOUND();
  return row;
}

/** Push services speak https. Plain http is for a service on this machine, which the outbound guard then has to know. */
function checkEndpoint(endpoint: string): void {
  const { protocol, hostname, username } = new URL(endpoint);
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  if (username !== '' || (protocol !== 'https:' && !isLocal)) throw pushErrors.PUSH_ENDPOINT_INVALID();
}

export const readPushKey = defineRoute(pushContract, 'GET /push-key', {
  id: 'push.key.read',
  access: 'signed-in',
  limit: readLimit,
  handler: async ({ services }) => ({ publicKey: await services.push.publicKey() }),
});

export const listSubscriptions = defineRoute(pushContract, 'GET /push-subscriptions', {
  id: 'push.subscription.list',
  access: 'signed-in',
  limit: readLimit,
  async handler(ctx) {
    const { principal, query } = ctx;
    const rows = await ctx.tenant((tx) =>
      tx.query<Row>({
        text: `select ${columns} from kernel.push_subscriptions
               where owner_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
        values: [principal.userId, readIdCursor(query.cursor), query.limit + 1],
      }),
    );
    return toIdPage(rows, query.limit, (row) => toSubscription(row, principal));
  },
});

export const createSubscription = defineRoute(pushContract, 'POST /push-subscriptions', {
  id: 'push.subscription.create',
  access: 'signed-in',
  limit: writeLimit,
  idempotent: true,
  errors: ['PUSH_ENDPOINT_INVALID', 'PUSH_NEEDS_SESSION'],
  async handler(ctx) {
    const { body, principal } = ctx;
    if (principal.via.kind !== 'session') throw pushErrors.PUSH_NEEDS_SESSION();
    checkEndpoint(body.endpoint);
    const { sessionId } = principal.via;
    const hash = createHash('sha256').update(body.endpoint).digest();
    return ctx.tenant(async (tx) => {
      await tx.query({ text: 'select kernel.release_push_endpoint($1)', values: [hash] });
      const [row] = await tx.query<Row>({
        text: `insert into kernel.push_subscriptions
                 (id, owner_id, session_id, endpoint, endpoint_hash, p256dh, auth, device, allows_text)
               values ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, false))
               on conflict (endpoint_hash) do update set session_id = excluded.session_id, p256dh = excluded.p256dh,
                 auth = excluded.auth, device = excluded.device, allows_text = coalesce($9, push_subscriptions.allows_text)
               returning ${columns}`,
        values: [
          newId(),
          principal.userId,
          sessionId,
          body.endpoint,
          hash,
          body.keys.p256dh,
          body.keys.auth,
          describeDevice(ctx.userAgent),
          body.allowsText ?? null,
        ],
      });
      await tx.query({
        text: `delete from kernel.push_subscriptions where owner_id = $1 and id in
                 (select id from kernel.push_subscriptions where owner_id = $1 order by id desc offset $2)`,
        values: [principal.userId, mostBrowsers],
      });
      await ctx.audit(tx, {
        action: 'push.subscription.create',
        resource: `push-subscription:${(row as Row).id}`,
        details: { host: new URL(body.endpoint).host },
      });
      return toSubscription(row as Row, principal);
    });
  },
});

export const updateSubscription = defineRoute(pushContract, 'PATCH /push-subscriptions/{subscriptionId}', {
  id: 'push.subscription.update',
  access: 'signed-in',
  limit: writeLimit,
  async handler(ctx) {
    const { body, params, principal } = ctx;
    return ctx.tenant(async (tx) => {
      const { id } = await readOwn(tx, params.subscriptionId);
      const [row] = await tx.query<Row>({
        text: `update kernel.push_subscriptions set allows_text = $2 where id = $1 returning ${columns}`,
        values: [id, body.allowsText],
      });
      const details = { allowsText: body.allowsText };
      await ctx.audit(tx, { action: 'push.subscription.update', resource: `push-subscription:${id}`, details });
      return toSubscription(row as Row, principal);
    });
  },
});

export const deleteSubscription = defineRoute(pushContract, 'DELETE /push-subscriptions/{subscriptionId}', {
  id: 'push.subscription.delete',
  access: 'signed-in',
  limit: writeLimit,
  async handler(ctx) {
    await ctx.tenant(async (tx) => {
      const { id } = await readOwn(tx, ctx.params.subscriptionId);
      await tx.query({ text: 'delete from kernel.push_subscriptions where id = $1', values: [id] });
      await ctx.audit(tx, { action: 'push.subscription.delete', resource: `push-subscription:${id}`, details: {} });
    });
  },
});

export const testSubscription = defineRoute(pushContract, 'POST /push-subscriptions/{subscriptionId}/test', {
  id: 'push.subscription.test',
  access: 'signed-in',
  limit: testLimit,
  async handler(ctx) {
    const row = await ctx.tenant(async (tx) => {
      const own = await readOwn(tx, ctx.params.subscriptionId);
      await ctx.audit(tx, { action: 'push.subscription.test', resource: `push-subscription:${own.id}`, details: {} });
      return own;
    });
    const text = row.allows_text ? 'This device shows the text of notifications too.' : '';
    const message = { title: 'Notifications reach this device', text, link: '/settings/notifications', tag: 'test' };
    const outcome = await ctx.services.push.sendNow(row, message);
    return { outcome: outcome.kind, reason: outcome.kind === 'failed' ? outcome.reason : null };
  },
});

export const pushRoutes: readonly Route[] = [
  readPushKey,
  listSubscriptions,
  createSubscription,
  updateSubscription,
  deleteSubscription,
  testSubscription,
];
