/** Mail leaves once per message whatever happens: to servers that refuse, vanish or stall, and to processes that are killed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '#kernel/config';
import { newId } from '#kernel/ids';
import { createLogger } from '#kernel/log';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { startMailServer, type MailServer } from '#testing/mail-server';
import { silentLog } from '../../testing/test-cluster.ts';
import { createMailService, type MailService, type NewMail } from './index.ts';

const patience = { timeout: 15_000, interval: 25 };
const secretLink = 'https://example.com/reset#token=canary-0123456789';
const hello: NewMail = { to: 'ada@example.com', subject: 'Hello', text: `Dear Ada, ${secretLink}`, kind: 'test.hello' };

let ground: TestDatabase;
beforeAll(async () => {
  ground = await createTestDatabase();
});
afterAll(() => ground?.[Symbol.asyncDispose]());

interface Row {
  state: string;
  attempts: number;
  last_error: string | null;
  body_text: string | null;
  tenant_id: string;
}

async function readRow(id: string): Promise<Row> {
  const [row] = await ground.db.withSystem('test', (tx) =>
    tx.query<Row>({ text: 'select * from kernel.mail_messages where id = $1', values: [id] }),
  );
  return row as Row;
}

function makeService(
  server: Pick<MailServer, 'url'>,
  environment: Record<string, string> = {},
  log = silentLog,
): MailService & AsyncDisposable {
  const { config } = loadConfig({
    DATABASE_URL: ground.url,
    MASTER_KEY: ground.config.masterKey,
    AUTH_SECRET: ground.config.authSecret,
    MAIL_SMTP_URL: server.url,
    MAIL_FROM: 'Bulkhead <bulkhead@example.net>',
    ...environment,
  });
  const service = createMailService({ db: ground.db, config, log });
  return { ...service, [Symbol.asyncDispose]: () => service.close() };
}

const queue = (service: MailService, mail: Partial<NewMail> = {}): Promise<string> =>
  ground.db.withSystem('test', (tx) => service.queue(tx, { ...hello, ...mail }));

/** Makes what is put off due now, as time would. */
const hurry = (id: string): Promise<unknown> =>
  ground.db.withSystem('test', (tx) =>
    tx.query({
      text: `with hurried as (update kernel.mail_messages set due_at = now() where id = $1)
             select pg_notify('bulkhead_mail', '')`,
      values: [id],
    }),
  );

const settled = (id: string, state: string): Promise<Row> =>
  vi.waitFor(async () => {
    const row = await readRow(id);
    expect(row).toMatchObject({ state });
    return row;
  }, patience);

describe('queueing', () => {
  const scope = { tenantId: newId(), userId: newId() };

  test('[K17.3] a message is queued in every kind of transaction, and not when it rolls back', async () => {
    await using server = await startMailServer();
    await using service = makeService(server);
    const ids = [
      await ground.db.withTenant(scope, (tx) => service.queue(tx, hello)),
      await ground.db.withAuth((tx) => service.queue(tx, hello)),
      await ground.db.withSystem('test', (tx) => service.queue(tx, { ...hello, tenantId: scope.tenantId })),
    ];
    const rolledBack = await ground.db
      .withTenant(scope, async (tx) => Promise.reject(new Error(await service.queue(tx, hello))))
      .catch((error: Error) => error.message);
    const rows = await Promise.all(ids.map(readRow));
    const none = '00000000-0000-0000-0000-000000000000';
    expect(rows.map((row) => row.tenant_id)).toEqual([scope.tenantId, none, scope.tenantId]);
    expect(await readRow(rolledBack)).toBeUndefined();
    await service.open();
    for (const id of ids) await settled(id, 'sent');
    expect(server.received).toHaveLength(3);
  });

  test.each(['select', 'update', 'delete'])(
    '[K17.3] [K3.2] neither a request nor the role of accounts may %s queued mail',
    async (verb) => {
      const sql = {
        select: 'select body_text from kernel.mail_messages',
        update: `update kernel.mail_messages set recipient = 'eve@example.com'`,
        delete: 'delete from kernel.mail_messages',
      }[verb] as string;
      await expect(ground.db.withTenant(scope, (tx) => tx.query({ text: sql }))).rejects.toThrow(/permission denied/);
      await expect(ground.db.withAuth((tx) => tx.query({ text: sql }))).rejects.toThrow(/permission denied/);
    },
  );

  test('[K17.3] a request cannot queue mail in the name of another organisation', async () => {
    await using service = makeService({ url: 'smtp://127.0.0.1:9' });
    const queued = ground.db.withTenant(scope, (tx) => service.queue(tx, { ...hello, tenantId: newId() }));
    await expect(queued).rejects.toThrow(/row-level security/);
  });

  test.each([
    '',
    'ada',
    'ada@',
    'a@b@c',
    'ada@example.com, eve@example.com',
    'ada@example.com\r\nBcc: eve@example.com',
    '"x"@example.com',
    'Ada <ada@example.com>',
    `${'a'.repeat(250)}@example.com`,
  ])('[K17.3] [K5.1] %j is no address that mail goes to', async (to) => {
    await using service = makeService({ url: 'smtp://127.0.0.1:9' });
    await expect(queue(service, { to })).rejects.toMatchObject({ code: 'MAIL_ADDRESS_INVALID' });
  });

  test('[K17.3] without a mail server messages are kept to be read, and old ones are pruned', async () => {
    const service = createMailService({ db: ground.db, config: ground.config, log: silentLog });
    await service.open();
    const [kept, old] = [await queue(service), await queue(service)];
    await ground.db.withSystem('test', (tx) =>
      tx.query({
        text: `update kernel.mail_messages set created_at = now() - interval '31 days' where id = $1`,
        values: [old],
      }),
    );
    expect(await service.prune()).toBe(1);
    expect(await readRow(old)).toBeUndefined();
    expect(await readRow(kept)).toMatchObject({ state: 'kept', body_text: hello.text, attempts: 0 });
    await service.close();
  });
});

describe('sending', () => {
  test('[K17.3] a message arrives as it was written, once, and its text is erased then', async () => {
    await using server = await startMailServer();
    await using service = makeService(server);
    await service.open();
    const id = await queue(service, { subject: 'Hi\r\nBcc: eve@example.com', html: '<p>Hi</p>' });
    const row = await settled(id, 'sent');
    expect(row).toMatchObject({ body_text: null, body_html: null, attempts: 1, last_error: null });
    const [mail] = server.received;
    expect(mail).toMatchObject({
      to: 'ada@example.com',
      from: 'bulkhead@example.net',
      messageId: `<${id}@example.net>`,
    });
    expect(mail?.header('subject')).toBe('Hi Bcc: eve@example.com');
    expect(mail?.header('bcc')).toBe('');
    expect(mail?.header('auto-submitted')).toBe('auto-generated');
    expect(mail?.raw).toContain('canary-0123456789');
    expect(mail?.raw).toContain('<p>Hi</p>');
  });

  test('[K17.3] lines of any length and addresses of any script arrive, in lines that every mail server takes', async () => {
    await using server = await startMailServer();
    await using service = makeService(server);
    await service.open();
    const text = `${'é x'.repeat(3_000)}\n${'y'.repeat(5_000)}\n.\nFrom here`;
    const long = await queue(service, { subject: '🛰'.repeat(300), text, html: `<p>${'z'.repeat(5_000)}</p>` });
    const unicode = await queue(service, { to: 'jörg@exämple.example' });
    for (const id of [long, unicode]) await settled(id, 'sent');
    for (const { raw } of server.received)
      expect(Math.max(...raw.split('\r\n').map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(998);
    expect(server.received.map(({ to }) => to)).toContain('jörg@exämple.example');
  });

  test('[K17.3] a recipient whom the server refuses for good fails at once, one refused for now is tried again', async () => {
    await using server = await startMailServer({
      refuse: { 'gone@example.com': '550 no such mailbox', 'full@example.com': '452 mailbox full' },
    });
    await using service = makeService(server);
    await service.open();
    const [gone, full] = [
      await queue(service, { to: 'gone@example.com' }),
      await queue(service, { to: 'full@example.com' }),
    ];
    const failed = await settled(gone, 'failed');
    expect(failed).toMatchObject({ attempts: 1, last_error: expect.stringContaining('550') });
    await vi.waitFor(async () => expect((await readRow(full)).last_error).toContain('452'), patience);
    expect(await readRow(full)).toMatchObject({ state: 'waiting', body_text: hello.text });
    expect(server.received).toEqual([]);
  });

  test('[K17.3] while the server is down messages wait with the reason; when it is back they leave once', async () => {
    const { port } = await (async () => {
      await using gone = await startMailServer();
      return gone;
    })();
    await using service = makeService({ url: `smtp://127.0.0.1:${port}` });
    await service.open();
    const id = await queue(service);
    await vi.waitFor(async () => expect((await readRow(id)).last_error).toMatch(/ECONNREFUSED/), patience);
    await using server = await startMailServer({ port });
    await hurry(id);
    expect(await settled(id, 'sent')).toMatchObject({ attempts: 2, last_error: null });
    expect(server.received).toHaveLength(1);
  });

  test('[K17.3] a server that never answers holds a message up for the time allowed, not the others', async () => {
    await using server = await startMailServer({
      beforeAnswer: (mail) => (mail.to.startsWith('slow') ? new Promise(() => undefined) : Promise.resolve()),
    });
    await using service = makeService(server, { MAIL_TIMEOUT_SECONDS: '1' });
    await service.open();
    const [slow, quick] = [
      await queue(service, { to: 'slow@example.com' }),
      await queue(service, { to: 'quick@example.com' }),
    ];
    await settled(quick, 'sent');
    await vi.waitFor(async () => expect((await readRow(slow)).last_error).toMatch(/too long|timeout/i), patience);
    expect(await readRow(slow)).toMatchObject({ state: 'waiting', attempts: 1 });
  });

  test('[K17.3] after a day it is given up', async () => {
    await using service = makeService({ url: 'smtp://127.0.0.1:9' });
    const id = await queue(service);
    await ground.db.withSystem('test', (tx) =>
      tx.query({ text: 'update kernel.mail_messages set expires_at = now() where id = $1', values: [id] }),
    );
    await service.open();
    expect((await settled(id, 'failed')).last_error).toMatch(/\w/);
  });

  test('[K17.3] no mailbox gets more than the limit within an hour, however its address is spelled', async () => {
    await using server = await startMailServer();
    await using service = makeService(server, { MAIL_MAX_PER_RECIPIENT_HOUR: '2' });
    await service.open();
    for (const to of ['bomb@example.org', 'Bomb@Example.org']) await settled(await queue(service, { to }), 'sent');
    const third = await queue(service, { to: 'bomb+1@example.org' });
    const other = await queue(service, { to: 'other@example.org' });
    await settled(other, 'sent');
    await vi.waitFor(async () => expect((await readRow(third)).last_error).toMatch(/Held back/), patience);
    expect(await readRow(third)).toMatchObject({ state: 'waiting', attempts: 0 });
    expect(server.received).toHaveLength(3);
  });

  test('[K17.3] a server elsewhere that offers no encryption gets nothing, unless that is allowed', async () => {
    await using server = await startMailServer();
    // Leads here, and is not taken for this machine.
    const url = `smtp://[::ffff:127.0.0.1]:${server.port}`;
    await using strict = makeService({ url });
    await strict.open();
    const id = await queue(strict);
    await vi.waitFor(async () => expect((await readRow(id)).last_error).toMatch(/could not be encrypted/), patience);
    await strict.close();
    expect(server.received).toEqual([]);
    await using lax = makeService({ url }, { MAIL_SMTP_TLS: 'optional' });
    await lax.open();
    await hurry(id);
    await settled(id, 'sent');
  });

  test('[K17.3] a server is believed only with a certificate that somebody we trust has signed', async () => {
    await using server = await startMailServer({
      smtp: { ...makeCertificate(ground.config.dataDir), disabledCommands: [] },
    });
    const url = `smtp://eve:word@[::ffff:127.0.0.1]:${server.port}`;
    await using service = makeService({ url }, { MAIL_SMTP_TLS: 'optional' });
    await service.open();
    const id = await queue(service);
    await vi.waitFor(async () => expect((await readRow(id)).last_error).toMatch(/certificate/i), patience);
    expect(server.received).toEqual([]);
  });
});

/** A certificate of nobody's for 127.0.0.1. */
function makeCertificate(folder: string): { readonly key: Buffer; readonly cert: Buffer } {
  const [key, cert] = [join(folder, 'mail.key'), join(folder, 'mail.cert')];
  const subject = ['-subj', '/CN=mail.example.net', '-addext', 'subjectAltName=IP:127.0.0.1,IP:::ffff:127.0.0.1'];
  const wanted = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...wanted, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

test('[K7.1] [K17.3] the log of a message that is refused, delayed and sent tells neither its text nor its address', async () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'trace', destination: { write: (line: string) => void lines.push(line) } });
  await using server = await startMailServer({
    refuse: { 'canary-gone@example.com': '550 canary-gone@example.com is unknown' },
  });
  await using service = makeService(server, {}, log);
  await service.open();
  const [sent, gone] = [
    await queue(service, { to: 'canary-sent@example.com', subject: 'canary-subject' }),
    await queue(service, { to: 'canary-gone@example.com' }),
  ];
  await settled(sent, 'sent');
  await settled(gone, 'failed');
  log.error({ err: new Error('the log works') }, 'said');
  expect(lines.join('')).toContain('said');
  expect(lines.join('')).not.toContain('canary');
});

describe('several processes', () => {
  test('[K17.3] two that send at once send each message once', async () => {
    await using server = await startMailServer();
    await using first = makeService(server, { MAIL_MAX_PER_RECIPIENT_HOUR: '1000' });
    await using second = makeService(server, { MAIL_MAX_PER_RECIPIENT_HOUR: '1000' });
    const ids: string[] = [];
    for (let n = 0; n < 40; n += 1) ids.push(await queue(first, { to: `person${n}@example.com` }));
    await Promise.all([first.open(), second.open()]);
    for (const id of ids) await settled(id, 'sent');
    // A message that an earlier test left to be tried again may fall due meanwhile: it is none of these.
    const received = server.received.filter(({ to }) => to.startsWith('person'));
    expect(received.map(({ messageId }) => messageId).toSorted()).toEqual(
      ids.map((id) => `<${id}@example.net>`).toSorted(),
    );
  });

  test('[K17.3] [K13.1] one killed after the server had the message costs one more, told by the same Message-ID', async () => {
    let kill: () => void = () => undefined;
    await using server = await startMailServer({
      beforeAnswer: async () => kill(),
    });
    const id = await ground.db.withSystem('test', (tx) =>
      makeService(server).queue(tx, { ...hello, to: 'killed@example.com' }),
    );
    const child = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/send-mails.ts', import.meta.url))], {
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: ground.url,
        MASTER_KEY: ground.config.masterKey,
        AUTH_SECRET: ground.config.authSecret,
        DATA_DIR: ground.config.dataDir,
        MAIL_SMTP_URL: server.url,
        MAIL_FROM: 'bulkhead@example.net',
      },
      stdio: 'inherit',
    });
    const gone = once(child, 'exit');
    kill = () => void child.kill('SIGKILL');
    await gone;
    expect(await readRow(id)).toMatchObject({ state: 'waiting', attempts: 1 });
    kill = () => undefined;
    await using service = makeService(server);
    await service.open();
    await hurry(id);
    expect(await settled(id, 'sent')).toMatchObject({ attempts: 2 });
    expect(server.received.filter((mail) => mail.to === 'killed@example.com').map((mail) => mail.messageId)).toEqual([
      `<${id}@example.net>`,
      `<${id}@example.net>`,
    ]);
  });
});
