/** People are told once, in the ways they chose, of what was committed; nobody reads another's. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startMailServer, type MailServer } from '#testing/mail-server';
import { startPushService, type PushTestService } from '#testing/push-service';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';
import { composeBulkhead } from '../../compose.ts';
import { silentLog } from '../../testing/test-cluster.ts';
import { createNotificationService, type NewNotification } from './index.ts';

const patience = { timeout: 15_000, interval: 25 };
const kind = 'account.security';
let server: TestServer;
let mails: MailServer;
let pushes: PushTestService;
let owner: Tenant;
let stranger: Tenant;

beforeAll(async () => {
  [mails, pushes] = await Promise.all([startMailServer(), startPushService()]);
  server = await startTestServer({
    environment: {
      MAIL_SMTP_URL: mails.url,
      MAIL_FROM: 'Bulkhead <bulkhead@example.net>',
      MAIL_MAX_PER_RECIPIENT_HOUR: '1000',
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.1/32',
      LIMITS: 'push.write=100000/60',
    },
  });
  owner = await server.signUpOwner();
  stranger = await server.secondTenant();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await mails?.[Symbol.asyncDispose]();
  await pushes?.[Symbol.asyncDispose]();
});

/** Signing up sends mail of its own. */
const mailsAbout = (subject: string) => mails.received.filter((mail) => mail.header('subject') === subject);

const toTell = ({ principal }: Tenant, more: Partial<NewNotification> = {}): NewNotification => ({
  tenantId: principal.tenantId,
  userId: principal.userId,
  kind,
  title: 'A new sign-in',
  text: 'From Firefox on Linux.',
  link: '/settings/sessions',
  ...more,
});

const tell = (tenant: Tenant, more: Partial<NewNotification> = {}): Promise<string> =>
  server.services.db.withTenant(tenant.principal, (tx) =>
    server.services.notifications.notify(tx, toTell(tenant, more)),
  );

interface Item {
  id: string;
  title: string;
  isRead: boolean;
}

const list = async ({ client }: Tenant, query = ''): Promise<Item[]> =>
  (await client.expect(200, `GET /notifications${query}`)).json.items;

const unread = async ({ client }: Tenant): Promise<number> =>
  (await client.expect(200, 'GET /notification-summary')).json.unread;

const choose = ({ client }: Tenant, ways: { inApp?: boolean; mail?: boolean; push?: boolean }) =>
  client.expect(200, 'PUT /notification-settings', { body: { kind, inApp: true, mail: false, push: false, ...ways } });

const passedOn = (id: string): Promise<unknown> =>
  vi.waitFor(async () => {
    const [row] = await server.services.db.withSystem('test', (tx) =>
      tx.query<{ passed_on_at: Date | null }>({
        text: 'select passed_on_at from kernel.notifications where id = $1',
        values: [id],
      }),
    );
    expect(row?.passed_on_at).toBeInstanceOf(Date);
  }, patience);

describe('telling', () => {
  test('[K17.3] one notification is listed, mailed and pushed once each, as was chosen', async () => {
    const browser = pushes.subscribe();
    await owner.client.expect(201, 'POST /push-subscriptions', { body: browser.body });
    await choose(owner, { mail: true, push: true });
    const id = await tell(owner, { title: 'All three ways' });
    await vi.waitFor(() => expect(mailsAbout('All three ways')).toHaveLength(1), patience);
    await vi.waitFor(() => expect(browser.received).toHaveLength(1), patience);
    expect(await list(owner)).toEqual([expect.objectContaining({ id, title: 'All three ways', isRead: false })]);
    const [mail] = mailsAbout('All three ways');
    expect(mail?.to).toBe('ada@example.com');
    expect(mail?.raw).toContain('/settings/sessions');
    expect(browser.received[0]?.payload).toEqual({ title: 'All three ways', link: '/settings/sessions', tag: id });
  });

  test('[K17.3] what is switched off is not sent, and not listed', async () => {
    await choose(owner, { inApp: false });
    const id = await tell(owner, { title: 'Nobody wants this' });
    await passedOn(id);
    expect((await list(owner)).map((item) => item.id)).not.toContain(id);
    expect(await unread(owner)).toBe(0);
    await choose(owner, { inApp: true });
    expect((await list(owner)).map((item) => item.id)).toContain(id);
    const [queued] = await server.services.db.withSystem('test', (tx) =>
      tx.query<{ count: number }>({
        text: `select count(*)::int as count from kernel.mail_messages where subject = 'Nobody wants this'`,
      }),
    );
    expect(queued?.count).toBe(0);
  });

  test('[K17.3] an address that was never confirmed gets no mail', async () => {
    await choose(stranger, { mail: true });
    await passedOn(await tell(stranger, { title: 'To a stranger' }));
    const settings = await stranger.client.expect(200, 'GET /notification-settings');
    expect(settings.json.mailState).toBe('unconfirmed');
    const rows = await server.services.db.withSystem('test', (tx) =>
      tx.query({ text: `select 1 from kernel.mail_messages where subject = 'To a stranger'` }),
    );
    expect(rows).toEqual([]);
  });

  test('[K17.3] it is written in every kind of transaction, and goes with one that rolls back', async () => {
    const { db, notifications } = server.services;
    const ids = [
      await db.withAuth((tx) => notifications.notify(tx, toTell(stranger))),
      await db.withSystem('test', (tx) => notifications.notify(tx, toTell(stranger))),
      await tell(stranger),
    ];
    const lost = await db
      .withTenant(stranger.principal, async (tx) => {
        const id = await notifications.notify(tx, toTell(stranger));
        throw new Error(id);
      })
      .catch((error: Error) => error.message);
    const known = (await list(stranger)).map((item) => item.id);
    expect(known).toEqual(expect.arrayContaining(ids));
    expect(known).not.toContain(lost);
  });

  test('[K17.3] several processes pass each on once', async () => {
    const second = await composeBulkhead({ config: server.database.config, log: silentLog });
    await second.services.notifications.open();
    await choose(owner, { mail: true });
    const titles = Array.from({ length: 20 }, (_, n) => `Number ${n}`);
    for (const title of titles) await tell(owner, { title });
    const arrived = () =>
      mails.received.map((mail) => mail.header('subject')).filter((subject) => titles.includes(subject));
    await vi.waitFor(() => expect(arrived()).toHaveLength(20), patience);
    await second.close();
    expect(new Set(arrived()).size).toBe(20);
    await choose(owner, {});
  });

  test('[K17.3] a title of nothing that can be shown does not undo what is told of', async () => {
    const id = await tell(stranger, { title: '\u0000\u0007 \n' });
    expect(await list(stranger)).toContainEqual(expect.objectContaining({ id, title: 'Security of your account' }));
  });

  test('[K17.3] an undeclared kind, a kind declared twice and a link to elsewhere are errors of the program', async () => {
    await expect(tell(owner, { kind: 'nobody.declared' })).rejects.toThrow(/not declared/);
    await expect(tell(owner, { link: '//evil.example.com' })).rejects.toThrow(/link/);
    await expect(tell(owner, { link: 'https://evil.example.com' })).rejects.toThrow(/link/);
    const [first] = server.services.notifications.kinds;
    const { config, db, log, mail, push } = server.services;
    const twice = [first, first].filter((known) => known !== undefined);
    expect(() => createNotificationService({ config, db, log, mail, push, kinds: twice })).toThrow(/twice/);
  });
});

describe('reading', () => {
  test('[K17.5] one is marked read, then all; what came after the newest one seen stays unread', async () => {
    const reader = await server.secondTenant();
    const [first, second, third] = [await tell(reader), await tell(reader), await tell(reader)];
    expect(await unread(reader)).toBe(3);
    await reader.client.expect(204, `POST /notifications/${first}/read`);
    expect((await list(reader, '?state=unread')).map((item) => item.id)).toEqual([third, second]);
    const marked = await reader.client.expect(200, 'POST /notifications/read-all', { body: { until: second } });
    expect(marked.json).toEqual({ read: 1 });
    expect((await list(reader, '?state=unread')).map((item) => item.id)).toEqual([third]);
    await reader.client.expect(200, 'POST /notifications/read-all', { body: {} });
    expect(await unread(reader)).toBe(0);
  });

  test('[K10.4] the list is paged, newest first, each once', async () => {
    const reader = await server.secondTenant();
    const told: string[] = [];
    for (let n = 0; n < 5; n += 1) told.unshift(await tell(reader));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const path: string = `GET /notifications?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`;
      const page = (await reader.client.expect(200, path)).json as { items: Item[]; nextCursor: string | null };
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(told);
    await reader.client.expect(400, 'GET /notifications?cursor=nonsense');
  });

  test('[K3.4] nobody reads or marks what is for another person of the same organisation', async () => {
    const id = await tell(owner);
    const scope = { tenantId: owner.principal.tenantId, userId: stranger.principal.userId };
    const seen = await server.services.db.withTenant(scope, (tx) =>
      tx.query({ text: 'update kernel.notifications set read_at = now() returning id' }),
    );
    expect(seen).toEqual([]);
    await stranger.client.expect(404, `POST /notifications/${id}/read`);
  });

  test('[K17.5] choices start with the defaults, are kept, and are on record', async () => {
    const reader = await server.secondTenant();
    const before = (await reader.client.expect(200, 'GET /notification-settings')).json.settings;
    expect(before[0]).toMatchObject({ kind, ...server.services.notifications.kinds[0]?.defaults });
    await choose(reader, { push: true });
    const after = (await reader.client.expect(200, 'GET /notification-settings')).json.settings;
    expect(after[0]).toMatchObject({ kind, inApp: true, mail: false, push: true });
    const body = { kind: 'nobody.declared', inApp: true, mail: true, push: true };
    await reader.client.expect(404, 'PUT /notification-settings', { body });
    const records = await server.services.db.withTenant(reader.principal, (tx) =>
      tx.query({
        text: `select details from kernel.audit_records where tenant_id = $1 and action = 'notifications.settings.update'`,
        values: [reader.principal.tenantId],
      }),
    );
    expect(records).toEqual([{ details: { kind, inApp: true, mail: false, push: true } }]);
  });

  test('[K17.3] old notifications are pruned', async () => {
    const id = await tell(owner);
    await server.services.db.withSystem('test', (tx) =>
      tx.query({
        text: `update kernel.notifications set created_at = now() - interval '91 days' where id = $1`,
        values: [id],
      }),
    );
    expect(await server.services.notifications.prune()).toBe(1);
  });
});
