/** Web Push against a push service that decrypts what it gets and checks who sent it. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadConfig } from '#kernel/config';
import { startPushService, type PushTestService, type TestSubscription } from '#testing/push-service';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';
import { composeBulkhead } from '../../compose.ts';
import { silentLog } from '../../testing/test-cluster.ts';

const patience = { timeout: 15_000, interval: 25 };
let server: TestServer;
let service: PushTestService;
let owner: Tenant;
let stranger: Tenant;

beforeAll(async () => {
  service = await startPushService();
  server = await startTestServer({
    environment: {
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.1/32',
      VAPID_SUBJECT: 'mailto:operator@example.com',
      LIMITS: 'push.write=100000/60,push.test=100000/60',
    },
  });
  owner = await server.signUpOwner();
  stranger = await server.secondTenant();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await service?.[Symbol.asyncDispose]();
});

const message = { title: 'Reading failed', text: 'The file is damaged.', link: '/agents', tag: 'one' };

async function subscribe(browser: TestSubscription, { client }: Tenant = owner, more: object = {}): Promise<string> {
  return (await client.expect(201, 'POST /push-subscriptions', { body: { ...browser.body, ...more } })).json.id;
}

const queue = ({ principal }: Tenant = owner, what = message): Promise<number> =>
  server.services.db.withSystem('test', (tx) => server.services.push.queue(tx, principal.userId, what));

interface DeliveryRow {
  id: string;
  state: string;
  attempts: number;
  last_error: string | null;
  payload: unknown;
}

const deliveries = (subscriptionId: string): Promise<DeliveryRow[]> =>
  server.services.db.withSystem('test', (tx) =>
    tx.query<DeliveryRow>({
      text: 'select * from kernel.push_deliveries where subscription_id = $1 order by id',
      values: [subscriptionId],
    }),
  );

const hurry = (subscriptionId: string): Promise<unknown> =>
  server.services.db.withSystem('test', (tx) =>
    tx.query({
      text: `with hurried as (update kernel.push_deliveries set due_at = now() where subscription_id = $1 and state = 'waiting')
             select pg_notify('bulkhead_push', '')`,
      values: [subscriptionId],
    }),
  );

const list = async ({ client }: Tenant = owner): Promise<
  { id: string; lastError: string | null; lastSentAt: string | null }[]
> => (await client.expect(200, 'GET /push-subscriptions')).json.items;

test('[K17.3] a message arrives encrypted for the browser and signed by the installation, with time to live and urgency', async () => {
  const browser = service.subscribe();
  const id = await subscribe(browser, owner, { allowsText: true });
  await queue();
  await vi.waitFor(() => expect(browser.received).toHaveLength(1), patience);
  const [pushed] = browser.received;
  expect(pushed?.payload).toEqual(message);
  expect(pushed?.headers).toMatchObject({ 'content-encoding': 'aes128gcm', urgency: 'normal' });
  expect(Number(pushed?.headers['ttl'])).toBeGreaterThan(43_000);
  expect(pushed?.claims).toMatchObject({ aud: service.origin, sub: 'mailto:operator@example.com' });
  expect(pushed?.vapidKey).toBe((await owner.client.expect(200, 'GET /push-key')).json.publicKey);
  await vi.waitFor(
    async () => expect(await deliveries(id)).toMatchObject([{ state: 'sent', payload: null }]),
    patience,
  );
  expect(await list()).toContainEqual(expect.objectContaining({ id, lastError: null, lastSentAt: expect.any(String) }));
});

test('[K17.3] whatever a message holds, it fits into what push services take, and its link is whole or leads to the list', async () => {
  const browser = service.subscribe();
  await subscribe(browser, owner, { allowsText: true });
  const long = { title: '🛰'.repeat(400), text: '\u0001🛰🛰'.repeat(900), link: `/${'€'.repeat(499)}`, tag: 'long' };
  await queue(owner, long);
  await queue(owner, { ...message, link: `/${'a'.repeat(600)}` });
  await vi.waitFor(() => expect(browser.received).toHaveLength(2), patience);
  const payloads = browser.received.map(({ payload }) => payload as typeof message);
  expect(Math.max(...payloads.map((payload) => Buffer.byteLength(JSON.stringify(payload))))).toBeLessThan(3_993);
  expect(payloads.map(({ link }) => link)).toEqual(['/notifications', '/notifications']);
});

test('[K17.3] without leave only the title is shown; the leave is given and taken per device', async () => {
  const browser = service.subscribe();
  const id = await subscribe(browser);
  await queue();
  await vi.waitFor(() => expect(browser.received).toHaveLength(1), patience);
  expect(browser.received[0]?.payload).toEqual({ title: message.title, link: message.link, tag: message.tag });
  await owner.client.expect(200, `PATCH /push-subscriptions/${id}`, { body: { allowsText: true } });
  await queue();
  await vi.waitFor(() => expect(browser.received).toHaveLength(2), patience);
  expect(browser.received[1]?.payload).toEqual(message);
});

test.each([404, 410])('[K17.3] a browser that is gone (%i) is forgotten with all that waits for it', async (status) => {
  const browser = service.subscribe();
  const id = await subscribe(browser);
  browser.answer(status);
  await queue();
  await vi.waitFor(async () => expect((await list()).map((row) => row.id)).not.toContain(id), patience);
  expect(await deliveries(id)).toEqual([]);
  expect(browser.requests).toBe(1);
});

test('[K17.3] a push service that is busy is asked again, and told of at the device; then the message arrives once', async () => {
  const browser = service.subscribe();
  const id = await subscribe(browser);
  browser.answer(503, { 'retry-after': '120' });
  await queue();
  await vi.waitFor(async () => expect((await deliveries(id))[0]?.last_error).toMatch('503'), patience);
  expect(await list()).toContainEqual(expect.objectContaining({ id, lastError: expect.stringContaining('503') }));
  const [row] = await server.services.db.withSystem('test', (tx) =>
    tx.query<{ pause: number }>({
      text: `select extract(epoch from due_at - now())::int as pause from kernel.push_deliveries where subscription_id = $1`,
      values: [id],
    }),
  );
  expect(row?.pause).toBeGreaterThan(60);
  browser.answer(201);
  await hurry(id);
  await vi.waitFor(async () => expect(await deliveries(id)).toMatchObject([{ state: 'sent', attempts: 2 }]), patience);
  expect(browser.received).toHaveLength(1);
});

test('[K17.3] what the push service refuses for good is given up at once', async () => {
  const browser = service.subscribe();
  const id = await subscribe(browser);
  browser.answer(413);
  await queue();
  await vi.waitFor(
    async () => expect(await deliveries(id)).toMatchObject([{ state: 'failed', attempts: 1 }]),
    patience,
  );
});

test('[K11.6] an endpoint in a private network is never called, and said to be out of reach', async () => {
  const body = { ...service.subscribe().body, endpoint: 'https://10.0.0.1/push/secret' };
  const { id } = (await owner.client.expect(201, 'POST /push-subscriptions', { body })).json;
  const tested = await owner.client.expect(200, `POST /push-subscriptions/${id}/test`);
  expect(tested.json).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('private') });
  await owner.client.expect(204, `DELETE /push-subscriptions/${id}`);
});

test.each([
  ['http://push.example.com/x', {}],
  ['https://user:word@push.example.com/x', {}],
  ['ftp://push.example.com/x', {}],
  ['https://push.example.com/x', { p256dh: 'short' }],
  ['https://push.example.com/x', { auth: 'short' }],
])('[K5.1] the endpoint %s with %o is refused', async (endpoint, keys) => {
  const { body } = service.subscribe();
  await owner.client.expect(400, 'POST /push-subscriptions', { body: { endpoint, keys: { ...body.keys, ...keys } } });
});

test('[K17.3] keys that are no point of the curve cost one failed try and nothing else', async () => {
  const { body } = service.subscribe();
  const keys = { ...body.keys, p256dh: 'A'.repeat(87) };
  const { id } = (await owner.client.expect(201, 'POST /push-subscriptions', { body: { ...body, keys } })).json;
  const tested = await owner.client.expect(200, `POST /push-subscriptions/${id}/test`);
  expect(tested.json).toEqual({ outcome: 'failed', reason: 'The message cannot be encrypted.' });
  await owner.client.expect(204, `DELETE /push-subscriptions/${id}`);
});

test('[K17.3] [K3.4] the next person at the same browser takes it over; the one before is told nothing there', async () => {
  const browser = service.subscribe();
  const before = await subscribe(browser, owner);
  await subscribe(browser, stranger);
  expect((await list()).map((row) => row.id)).not.toContain(before);
  await queue(owner);
  await queue(stranger);
  await vi.waitFor(() => expect(browser.received).toHaveLength(1), patience);
  expect(await list(stranger)).toHaveLength(1);
});

test('[K17.3] signing out ends the subscription with the session', async () => {
  const browser = service.subscribe();
  const client = (await server.secondTenant()).client;
  const tenant = { client, principal: (await server.services.identity.resolve({ cookie: client.cookie })) as never };
  await subscribe(browser, tenant);
  await client.expect(204, 'POST /auth/sign-out');
  expect(await queue(tenant)).toBe(0);
});

test('[K17.3] the test button says at once how it went, and takes a browser that is gone off the list', async () => {
  const browser = service.subscribe();
  const id = await subscribe(browser);
  expect((await owner.client.expect(200, `POST /push-subscriptions/${id}/test`)).json).toEqual({
    outcome: 'sent',
    reason: null,
  });
  expect(browser.received).toHaveLength(1);
  browser.answer(410);
  expect((await owner.client.expect(200, `POST /push-subscriptions/${id}/test`)).json.outcome).toBe('gone');
  await owner.client.expect(404, `POST /push-subscriptions/${id}/test`);
});

test('[K17.3] the installation has one key pair, whoever starts first and however often', async () => {
  const { publicKey } = (await owner.client.expect(200, 'GET /push-key')).json;
  const second = await composeBulkhead({ config: server.database.config, log: silentLog });
  expect(await second.services.push.publicKey()).toBe(publicKey);
  await second.close();
  const [row] = await server.services.db.withSystem('test', (tx) =>
    tx.query<{ private_key_ciphertext: string }>({ text: 'select private_key_ciphertext from kernel.vapid_keys' }),
  );
  expect(row?.private_key_ciphertext).toMatch(/^v1\./);
  expect(() => loadConfig({ VAPID_PUBLIC_KEY: 'x' })).toThrow(/VAPID_PRIVATE_KEY/);
});

test('[K17.3] two processes send each message once', async () => {
  const second = await composeBulkhead({ config: server.database.config, log: silentLog });
  await second.services.push.open();
  const tenant = await server.secondTenant();
  const browser = service.subscribe();
  await subscribe(browser, tenant);
  for (let n = 0; n < 30; n += 1) await queue(tenant);
  await vi.waitFor(() => expect(browser.received).toHaveLength(30), patience);
  await second.close();
  expect(browser.requests).toBe(30);
});

test('[K7.2] subscribing and leaving are on record, without the address and the keys', async () => {
  const browser = service.subscribe();
  const id = await subscribe(browser);
  await owner.client.expect(204, `DELETE /push-subscriptions/${id}`);
  const records = await server.services.db.withTenant(owner.principal, (tx) =>
    tx.query<{ action: string }>({
      text: 'select action, details from kernel.audit_records where resource = $1 order by sequence',
      values: [`push-subscription:${id}`],
    }),
  );
  expect(records.map((record) => record.action)).toEqual(['push.subscription.create', 'push.subscription.delete']);
  expect(JSON.stringify(records)).not.toContain(browser.body.endpoint);
});
