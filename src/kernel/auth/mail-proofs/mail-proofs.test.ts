/** Links by mail open what they are for, once and for a while, and tell strangers nothing. */
import { newId } from '#kernel/ids';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMailServer, type MailServer } from '../../../testing/mail-server.ts';
import { appCode } from '../../../testing/second-factors.ts';
import { createClient, type TestClient } from '../../../testing/client.ts';
import { startTestServer, strongPassword, type TestServer } from '../../../testing/server.ts';

const newPassword = 'Sieben Zwerge & 1 Prinz';
let mails: MailServer;
let server: TestServer;
let people = 0;

beforeAll(async () => {
  mails = await startMailServer();
  server = await startTestServer({
    environment: {
      MAIL_SMTP_URL: mails.url,
      MAIL_FROM: 'Bulkhead <server@bulkhead.test>',
      MAIL_MAX_PER_RECIPIENT_HOUR: '100',
      LIMITS:
        'auth.password-reset=100000/60,auth.mail-link-use=100000/60,auth.mail-link=5/3600,auth.sign-in-account=1000/60',
    },
  });
  await server.signUpOwner();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await mails?.[Symbol.asyncDispose]();
});

interface Person {
  readonly client: TestClient;
  readonly email: string;
  readonly id: string;
}

async function signUp(): Promise<Person> {
  people += 1;
  const email = `person${people}@example.net`;
  const client = createClient(server.url);
  const { json } = await client.expect(201, 'POST /auth/sign-up', {
    body: { name: `Person ${people}`, email, password: strongPassword },
  });
  return { client, email, id: json.user.id };
}

/** tokens lists the tokens of the links sent to an address, by subject, oldest first. */
function tokens(email: string, subject: string): string[] {
  return mails.received
    .filter((mail) => mail.to === email && mail.header('subject') === subject)
    .flatMap((mail) => /#token=3?D?([\w-]{20,})/.exec(mail.raw.replaceAll('=\r\n', ''))?.[1] ?? []);
}

async function linkTo(email: string, subject: string, count = 1): Promise<string> {
  await expect.poll(() => tokens(email, subject).length, { timeout: 25_000 }).toBeGreaterThanOrEqual(count);
  return tokens(email, subject).at(-1) ?? '';
}

const resetSubject = 'Choose a new password';
const verifySubject = 'Confirm your e-mail address';

async function askForReset(email: string): Promise<string> {
  const before = tokens(email, resetSubject).length;
  await server.anonymous.expect(204, 'POST /auth/password-reset', { body: { email } });
  return linkTo(email, resetSubject, before + 1);
}

const actionsOf = (userId: string) =>
  server.services.db.withAuth(async (tx) => {
    const rows = await tx.query<{ action: string }>({
      text: `select action from kernel.audit_records where resource = $1 order by sequence`,
      values: [`user:${userId}`],
    });
    return rows.map((row) => row.action);
  });

describe('a forgotten password', () => {
  test('[K2.4] the link chooses a new one, ends every session, signs in, and works once', async () => {
    const person = await signUp();
    const token = await askForReset(person.email);
    const look = await server.anonymous.expect(200, 'POST /auth/password-reset/look', { body: { token } });
    expect(look.json.email).toBe(person.email);
    const browser = createClient(server.url);
    const done = await browser.expect(200, 'POST /auth/password-reset/finish', {
      body: { token, password: newPassword },
    });
    expect(done.json.user).toMatchObject({ id: person.id, isEmailVerified: true });
    await browser.expect(200, 'GET /session');
    await person.client.expect(401, 'GET /session');
    const again = await browser.expect(403, 'POST /auth/password-reset/finish', {
      body: { token, password: newPassword },
    });
    expect(again.json.code).toBe('MAIL_LINK_INVALID');
    const signIn = (password: string) =>
      createClient(server.url).ask('POST /auth/sign-in', { body: { identifier: person.email, password } });
    expect((await signIn(strongPassword)).status).toBe(401);
    expect((await signIn(newPassword)).status).toBe(200);
    expect(await actionsOf(person.id)).toEqual(
      expect.arrayContaining(['auth.password-reset.ask', 'auth.password-reset.finish']),
    );
    await expect
      .poll(() => mails.received.filter((mail) => mail.header('subject') === 'Your password was changed').length)
      .toBe(1);
  });

  test('[K2.4] the second factor stays: the link and a new password open nothing without it, trusted browsers neither', async () => {
    const person = await signUp();
    const { secret } = (await person.client.expect(200, 'POST /second-factors/totp')).json;
    const code = appCode(secret);
    await person.client.expect(200, 'POST /second-factors/totp/confirm', { body: { code } });
    const browser = createClient(server.url);
    await browser.expect(200, 'POST /auth/sign-in', { body: { identifier: person.email, password: strongPassword } });
    const second = { method: 'totp', code: appCode(secret, Date.now() + 30_000), trustDevice: true };
    await browser.expect(200, 'POST /auth/second-factor', { body: second });
    const token = await askForReset(person.email);
    const done = await browser.expect(200, 'POST /auth/password-reset/finish', {
      body: { token, password: newPassword },
    });
    expect(done.json).toEqual({ secondFactor: expect.objectContaining({ methods: ['totp', 'recovery-code'] }) });
    await browser.expect(401, 'GET /session');
    const reused = await browser.expect(401, 'POST /auth/second-factor', { body: { ...second, trustDevice: false } });
    expect(reused.json.code).toBe('SECOND_FACTOR_FAILED');
  });

  test('[K2.4] of many uses of one link at the same time one succeeds', async () => {
    const person = await signUp();
    const token = await askForReset(person.email);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        createClient(server.url).ask('POST /auth/password-reset/finish', { body: { token, password: newPassword } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(7);
  });

  test('[K2.4] a weak password leaves the link as good as it was', async () => {
    const person = await signUp();
    const token = await askForReset(person.email);
    const weak = await server.anonymous.expect(400, 'POST /auth/password-reset/finish', {
      body: { token, password: 'short' },
    });
    expect(weak.json.code).toBe('PASSWORD_REFUSED');
    await createClient(server.url).expect(200, 'POST /auth/password-reset/finish', {
      body: { token, password: newPassword },
    });
  });

  test('[K2.4] a link ends after an hour, and an invented one is no better', async () => {
    const person = await signUp();
    const token = await askForReset(person.email);
    await server.services.db.withAuth((tx) =>
      tx.query({
        text: `update auth.mail_proofs set expires_at = now() - interval '1 second' where user_id = $1`,
        values: [person.id],
      }),
    );
    for (const tried of [token, 'x'.repeat(43)]) {
      const answer = await server.anonymous.expect(403, 'POST /auth/password-reset/look', { body: { token: tried } });
      expect(answer.json.code).toBe('MAIL_LINK_INVALID');
    }
  });

  test('[K2.3] asking says the same for an address without an account, and sends nothing there', async () => {
    const person = await signUp();
    const known = await server.anonymous.ask('POST /auth/password-reset', { body: { email: person.email } });
    const unknown = await server.anonymous.ask('POST /auth/password-reset', { body: { email: 'nobody@example.net' } });
    expect([unknown.status, unknown.text]).toEqual([known.status, known.text]);
    await linkTo(person.email, resetSubject);
    expect(mails.received.filter((mail) => mail.to === 'nobody@example.net')).toEqual([]);
  });

  test('[K2.4] whoever signed up with an address that is not theirs keeps no way in once its owner resets the password', async () => {
    const thief = await signUp();
    await thief.client.expect(201, 'POST /api-keys', {
      body: { name: 'Mine for ever', scopes: ['agents.agent.read'] },
    });
    await server.services.db.withAuth((tx) =>
      tx.query({
        text: `insert into auth.accounts (id, user_id, provider_id, account_id) values ($1, $2, 'github', $3)`,
        values: [newId(), thief.id, 'a-stranger'],
      }),
    );
    const token = await askForReset(thief.email);
    await createClient(server.url).expect(200, 'POST /auth/password-reset/finish', {
      body: { token, password: newPassword },
    });
    const left = await server.services.db.withAuth((tx) =>
      tx.query<{ what: string }>({
        text: `select 'key' as what from auth.api_keys where user_id = $1
               union all select provider_id from auth.accounts where user_id = $1`,
        values: [thief.id],
      }),
    );
    expect(left).toEqual([{ what: 'credential' }]);
  });

  test('[K2.4] a mailbox gets five links an hour, whoever asks', async () => {
    const person = await signUp();
    for (let index = 0; index < 8; index += 1)
      await server.anonymous.expect(204, 'POST /auth/password-reset', { body: { email: person.email } });
    await linkTo(person.email, resetSubject, 5);
    const rows = await server.services.db.withSystem('count mails in a test', (tx) =>
      tx.query<{ count: number }>({
        text: `select count(*)::int as count from kernel.mail_messages where recipient = $1 and kind = 'auth.password-reset'`,
        values: [person.email],
      }),
    );
    expect(rows[0]?.count).toBe(5);
  });
});

describe('an address', () => {
  test('[K2.4] signing up sends a link; using it shows that the address is mine, once', async () => {
    const person = await signUp();
    expect((await person.client.expect(200, 'GET /session')).json.user.isEmailVerified).toBe(false);
    const token = await linkTo(person.email, verifySubject);
    const done = await server.anonymous.expect(200, 'POST /auth/email-verification/finish', { body: { token } });
    expect(done.json).toEqual({ email: person.email, isNewAddress: false });
    expect((await person.client.expect(200, 'GET /session')).json.user.isEmailVerified).toBe(true);
    await server.anonymous.expect(403, 'POST /auth/email-verification/finish', { body: { token } });
    expect(await actionsOf(person.id)).toContain('auth.email-verification.finish');
  });

  test('[K2.4] a new address counts from when the link sent there is used; the old one is told', async () => {
    const person = await signUp();
    const email = `new-${person.email}`;
    await person.client.expect(204, 'POST /profile/email', { body: { email } });
    expect((await person.client.expect(200, 'GET /session')).json.user.email).toBe(person.email);
    const token = await linkTo(email, 'Confirm your new e-mail address');
    await server.anonymous.expect(200, 'POST /auth/email-verification/finish', { body: { token } });
    expect((await person.client.expect(200, 'GET /session')).json.user).toMatchObject({ email, isEmailVerified: true });
    const told = () =>
      mails.received.some(
        (mail) => mail.to === person.email && mail.header('subject') === 'Your e-mail address was changed',
      );
    await expect.poll(told, { timeout: 25_000 }).toBe(true);
    await createClient(server.url).expect(200, 'POST /auth/sign-in', {
      body: { identifier: email, password: strongPassword },
    });
    expect(await actionsOf(person.id)).toEqual(expect.arrayContaining(['auth.email.change.ask', 'auth.email.change']));
  });

  test('[K2.4] an address that has an account is not given away: its owner is told, the asker sees nothing', async () => {
    const [person, holder] = [await signUp(), await signUp()];
    await person.client.expect(204, 'POST /profile/email', { body: { email: holder.email } });
    const told = () =>
      mails.received.some(
        (mail) => mail.to === holder.email && mail.header('subject') === 'This address already has an account',
      );
    await expect.poll(told, { timeout: 25_000 }).toBe(true);
    expect(tokens(holder.email, 'Confirm your new e-mail address')).toEqual([]);
  });

  test('[K2.4] of two accounts that want one address the first to use its link has it', async () => {
    const [one, two] = [await signUp(), await signUp()];
    const email = `wanted-${one.email}`;
    await one.client.expect(204, 'POST /profile/email', { body: { email } });
    const first = await linkTo(email, 'Confirm your new e-mail address', 1);
    await two.client.expect(204, 'POST /profile/email', { body: { email } });
    const second = await linkTo(email, 'Confirm your new e-mail address', 2);
    await server.anonymous.expect(200, 'POST /auth/email-verification/finish', { body: { token: first } });
    const late = await server.anonymous.expect(409, 'POST /auth/email-verification/finish', {
      body: { token: second },
    });
    expect(late.json.code).toBe('EMAIL_TAKEN');
  });

  test('[K2.4] a link for one purpose does not serve another', async () => {
    const person = await signUp();
    const verify = await linkTo(person.email, verifySubject);
    await server.anonymous.expect(403, 'POST /auth/password-reset/finish', {
      body: { token: verify, password: newPassword },
    });
    const reset = await askForReset(person.email);
    await server.anonymous.expect(403, 'POST /auth/email-verification/finish', { body: { token: reset } });
  });

  test('[K2.4] links that ended are swept', async () => {
    await signUp();
    const { sweepMailProofs } = await import('./proof-store.ts');
    expect(await sweepMailProofs(server.services.db, new Date(Date.now() + 100 * 3_600_000))).toBeGreaterThan(0);
    expect(await sweepMailProofs(server.services.db, new Date(Date.now() + 100 * 3_600_000))).toBe(0);
  });
});
