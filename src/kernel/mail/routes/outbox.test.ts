/** The outbox is for who runs the server: what it lists, shows, records and sends again. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startMailServer, type MailServer } from '#testing/mail-server';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';

const patience = { timeout: 15_000, interval: 25 };
let server: TestServer;
let sending: TestServer;
let mails: MailServer;
let operator: Tenant;
let sender: Tenant;
let stranger: Tenant;

beforeAll(async () => {
  mails = await startMailServer({ refuse: { 'gone@example.com': '550 no such mailbox' } });
  const limits = { LIMITS: 'mail.outbox=100000/60' };
  [server, sending] = await Promise.all([
    startTestServer({ environment: limits }),
    startTestServer({ environment: { ...limits, MAIL_SMTP_URL: mails.url, MAIL_FROM: 'bulkhead@example.net' } }),
  ]);
  operator = await server.signUpOwner();
  stranger = await server.secondTenant();
  sender = await sending.signUpOwner();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await sending?.[Symbol.asyncDispose]();
  await mails?.[Symbol.asyncDispose]();
});

const queue = (on: TestServer, subject: string, to = 'ada@example.com'): Promise<string> =>
  on.services.db.withSystem('test', (tx) =>
    on.services.mail.queue(tx, { to, subject, text: 'A word: canary-0123.', kind: 'test.mail' }),
  );

const list = async (query: string, { client } = operator): Promise<{ id: string; subject: string }[]> =>
  (await client.expect(200, `GET /admin/outbox${query}`)).json.items;

test('[K17.3] what is kept is listed without its text, found by address and subject, page by page', async () => {
  const ids = [
    await queue(server, 'Find 100% of it'),
    await queue(server, 'Find more', 'Bea@example.org'),
  ].toReversed();
  expect((await list('?search=find')).map((mail) => mail.id)).toEqual(ids);
  expect((await list('?search=BEA@')).map((mail) => mail.subject)).toEqual(['Find more']);
  expect((await list('?search=100%25')).map((mail) => mail.subject)).toEqual(['Find 100% of it']);
  expect(await list('?search=canary')).toEqual([]);
  expect(await list('?search=find&state=sent')).toEqual([]);
  const first = await operator.client.expect(200, 'GET /admin/outbox?search=find&limit=1');
  const second = await operator.client.expect(
    200,
    `GET /admin/outbox?search=find&limit=1&cursor=${first.json.nextCursor}`,
  );
  expect([...first.json.items, ...second.json.items].map((mail: { id: string }) => mail.id)).toEqual(ids);
  expect(second.json.nextCursor).toBeNull();
  expect(first.text).not.toContain('canary');
  await operator.client.expect(400, 'GET /admin/outbox?cursor=nonsense');
});

test('[K17.3] [K7.2] opening a message shows its text and is on record', async () => {
  const id = await queue(server, 'Open me');
  const read = await operator.client.expect(200, `GET /admin/outbox/${id}`);
  expect(read.json).toMatchObject({ subject: 'Open me', state: 'kept', text: 'A word: canary-0123.', nextTryAt: null });
  const records = await server.services.db.withTenant(operator.principal, (tx) =>
    tx.query({
      text: 'select action, details from kernel.audit_records where resource = $1',
      values: [`mail:${id}`],
    }),
  );
  expect(records).toEqual([{ action: 'mail.outbox.read', details: { kind: 'test.mail' } }]);
});

test('[K17.3] without a mail server nothing can be sent again, and the answer says what to set', async () => {
  const id = await queue(server, 'Keep me');
  const answer = await operator.client.expect(409, `POST /admin/outbox/${id}/retry`);
  expect(answer.json).toMatchObject({ code: 'MAIL_NOT_CONFIGURED', detail: expect.stringContaining('MAIL_SMTP_URL') });
  const status = await operator.client.expect(200, 'GET /admin/outbox-status');
  expect(status.json).toMatchObject({ isConfigured: false, counts: { waiting: 0, failed: 0 } });
  expect(status.json.counts.kept).toBeGreaterThan(0);
});

test('[K17.3] what failed and what was kept is sent again; what was delivered is not', async () => {
  const failed = await queue(sending, 'To nobody', 'gone@example.com');
  const read = async (id: string) => (await sender.client.expect(200, `GET /admin/outbox/${id}`)).json;
  await vi.waitFor(async () => expect(await read(failed)).toMatchObject({ state: 'failed' }), patience);
  const again = await sender.client.expect(200, `POST /admin/outbox/${failed}/retry`);
  expect(again.json).toMatchObject({ state: 'waiting', lastError: null });
  await vi.waitFor(async () => expect(await read(failed)).toMatchObject({ state: 'failed', attempts: 2 }), patience);
  const kept = await queue(sending, 'From before');
  await sending.services.db.withSystem('test', (tx) =>
    tx.query({
      text: `update kernel.mail_messages set state = 'kept', finished_at = null, body_text = 'x', created_at = now() - interval '2 days',
               expires_at = now() - interval '1 day', lease_id = null, due_at = now() where id = $1`,
      values: [kept],
    }),
  );
  await sender.client.expect(200, `POST /admin/outbox/${kept}/retry`);
  await vi.waitFor(async () => expect(await read(kept)).toMatchObject({ state: 'sent', text: null }), patience);
  const answer = await sender.client.expect(409, `POST /admin/outbox/${kept}/retry`);
  expect(answer.json.code).toBe('MAIL_NOT_RESENDABLE');
});

test('[K17.3] [K3.5] an owner who does not run the server sees nothing of it', async () => {
  const id = await queue(server, 'Not for you');
  await stranger.client.expect(403, 'GET /admin/outbox');
  await stranger.client.expect(403, 'GET /admin/outbox-status');
  await stranger.client.expect(403, `GET /admin/outbox/${id}`);
  await stranger.client.expect(403, `POST /admin/outbox/${id}/retry`);
  await operator.client.expect(404, 'GET /admin/outbox/0190d6c2-8a5b-7c3d-9e4f-1a2b3c4d5e6f');
});
