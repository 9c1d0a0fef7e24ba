/** Who takes an account back, by a new password or by the hand of who runs the server, loses it to nothing begun before. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asAdmin } from '../../testing/as-admin.ts';
import { createClient, type TestClient } from '../../testing/client.ts';
import { linkIn, tokensIn } from '../../testing/mail-links.ts';
import { startMailServer, type MailServer } from '../../testing/mail-server.ts';
import { postAsProgram } from '../../testing/post-as-program.ts';
import { appCode } from '../../testing/second-factors.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../../testing/server.ts';

const newPassword = 'Sieben Zwerge & 1 Prinz';
let mails: MailServer;
let server: TestServer;
let operator: Tenant;

beforeAll(async () => {
  mails = await startMailServer();
  server = await startTestServer({
    environment: {
      MAIL_SMTP_URL: mails.url,
      MAIL_FROM: 'Bulkhead <server@bulkhead.test>',
      MAIL_MAX_PER_RECIPIENT_HOUR: '100',
      LIMITS: 'auth.password-reset=100000/60,auth.mail-link-use=100000/60',
    },
  });
  operator = await server.signUpOwner();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await mails?.[Symbol.asyncDispose]();
});

interface Person {
  readonly id: string;
  readonly email: string;
  readonly client: TestClient;
}

const asProgram = (path: string, body: unknown) => postAsProgram(server.url, path, body);

let people = 0;
async function signUp(): Promise<Person> {
  people += 1;
  const email = `person${people}@example.net`;
  const client = createClient(server.url);
  const body = { name: `Person ${people}`, email, password: strongPassword };
  const { json } = await client.expect(201, 'POST /auth/sign-up', { body });
  return { id: json.user.id, email, client };
}

async function signIn({ email }: Person, password = strongPassword): Promise<TestClient> {
  const client = createClient(server.url);
  await client.expect(200, 'POST /auth/sign-in', { body: { identifier: email, password } });
  return client;
}

const setUpApp = async (client: TestClient): Promise<string> => {
  const { json } = await client.expect(200, 'POST /second-factors/totp');
  const body = { code: appCode(json.secret, Date.now() - 30_000) };
  await client.expect(200, 'POST /second-factors/totp/confirm', { body });
  return json.secret;
};

/** Begin does what somebody did who knew the password, or sat at the browser; what it returns goes on, and gives the status. */
type Begin = (person: Person) => Promise<() => Promise<number>>;

const begun: Readonly<Record<string, Begin>> = {
  'a session': async (person) => {
    const thief = await signIn(person);
    return async () => (await thief.ask('GET /session')).status;
  },
  'a phone': async ({ email }) => {
    const body = { identifier: email, password: strongPassword, deviceName: 'Phone' };
    const { refreshToken } = (await asProgram('/auth/token', body)).json;
    return async () => (await asProgram('/auth/token/refresh', { refreshToken })).status;
  },
  'a consent for a phone': async (person) => {
    const thief = await signIn(person);
    const codeVerifier = randomBytes(32).toString('base64url');
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
    const redirectUri = 'com.example.app:/signed-in';
    const body = { codeChallenge, redirectUri, deviceName: 'Phone' };
    const { json } = await thief.expect(200, 'POST /auth/device-codes', { body });
    const code = new URL(json.redirectTo).searchParams.get('code');
    return async () => (await asProgram('/auth/token/exchange', { code, codeVerifier, redirectUri })).status;
  },
  'a link to another address': async (person) => {
    const thief = await signIn(person);
    const email = `thief-${person.email}`;
    await thief.expect(204, 'POST /profile/email', { body: { email } });
    const token = await linkIn(mails, email, 'Confirm your new e-mail address');
    return async () => (await server.anonymous.ask('POST /auth/email-verification/finish', { body: { token } })).status;
  },
  'a link for a new password': async ({ email }) => {
    await server.anonymous.expect(204, 'POST /auth/password-reset', { body: { email } });
    const token = await linkIn(mails, email, 'Choose a new password');
    const body = { token, password: 'Drei Haselnüsse & 1 Kleid' };
    return async () => (await createClient(server.url).ask('POST /auth/password-reset/finish', { body })).status;
  },
};

type End = (person: Person) => Promise<unknown>;

const ends: Readonly<Record<string, End>> = {
  'a new password by mail': async ({ email }) => {
    const before = tokensIn(mails, email, 'Choose a new password').length;
    await server.anonymous.expect(204, 'POST /auth/password-reset', { body: { email } });
    const token = await linkIn(mails, email, 'Choose a new password', before + 1);
    const body = { token, password: newPassword };
    await createClient(server.url).expect(200, 'POST /auth/password-reset/finish', { body });
  },
  'another password': ({ client }) =>
    client.expect(204, 'POST /profile/password', { body: { currentPassword: strongPassword, newPassword } }),
  'the hand of who runs the server': ({ id }) => operator.client.expect(200, `POST /admin/people/${id}/end-sessions`),
};

describe.each(Object.entries(ends))('%s ends', (_, end) => {
  test.each(Object.entries(begun))('[K2.4] %s', async (what, begin) => {
    const person = await signUp();
    const goOn = await begin(person);
    await end(person);
    expect([what, await goOn()]).toEqual([
      what,
      expect.toSatisfy((status: number) => status === 401 || status === 403),
    ]);
  });

  test('[K2.4] a sign-in that waits for its second step', async () => {
    const person = await signUp();
    const secret = await setUpApp(person.client);
    const thief = await signIn(person);
    await end(person);
    const body = { method: 'totp', code: appCode(secret) };
    expect((await thief.expect(401, 'POST /auth/second-factor', { body })).json.code).toBe('SECOND_FACTOR_EXPIRED');
  });
});

test.each(Object.entries(begun))('[K2.4] left alone, this goes on: %s', async (_, begin) => {
  expect(await (await begin(await signUp()))()).toBeLessThan(300);
});

test('[K2.4] a new password from a phone keeps the phone, ends the rest, and the person is told', async () => {
  const person = await signUp();
  const body = { identifier: person.email, password: strongPassword, deviceName: 'Phone' };
  const [phone, other] = [await asProgram('/auth/token', body), await asProgram('/auth/token', body)];
  const headers = { authorization: `Bearer ${phone.json.accessToken}` };
  const change = { currentPassword: strongPassword, newPassword };
  await server.anonymous.expect(204, 'POST /profile/password', { headers, body: change });
  await server.anonymous.expect(200, 'GET /session', { headers });
  await person.client.expect(401, 'GET /session');
  const refreshToken = other.json.refreshToken;
  expect((await asProgram('/auth/token/refresh', { refreshToken })).status).toBe(401);
  const { json } = await (await signIn(person, newPassword)).expect(200, 'GET /notifications');
  expect(json.items.map(({ title }: { title: string }) => title)).toContain('Your password was changed');
});

/** Told does something to an account and returns what its person reads of it. */
type Told = (person: Person) => Promise<string>;

const told: Readonly<Record<string, Told>> = {
  'an API key was made': async ({ client }) => {
    await client.expect(201, 'POST /api-keys', { body: { name: 'Import', scopes: ['agents.agent.read'] } });
    return 'An API key was made: Import';
  },
  'another address was asked for': async ({ client, email }) => {
    await client.expect(204, 'POST /profile/email', { body: { email: `other-${email}` } });
    return 'Another e-mail address was asked for';
  },
  'a token of a phone was used twice': async ({ email }) => {
    const body = { identifier: email, password: strongPassword, deviceName: 'Phone' };
    const { refreshToken } = (await asProgram('/auth/token', body)).json;
    const second = (await asProgram('/auth/token/refresh', { refreshToken })).json;
    await asProgram('/auth/token/refresh', { refreshToken: second.refreshToken });
    expect((await asProgram('/auth/token/refresh', { refreshToken })).json.code).toBe('REFRESH_TOKEN_REUSED');
    return 'Phone was signed out';
  },
};

test.each(Object.entries(told))('[K2.4] the person is told when %s', async (_, act) => {
  const person = await signUp();
  const title = await act(person);
  const { json } = await person.client.expect(200, 'GET /notifications');
  expect(json.items).toContainEqual(
    expect.objectContaining({ kind: 'account.security', title, link: '/settings/security' }),
  );
});

test('[K2.4] nobody is made to get more than five mails an hour by somebody who changes an address or asks for its proof', async () => {
  const person = await signUp();
  const victim = await signUp();
  const body = { email: victim.email };
  const statuses = [];
  for (let index = 0; index < 7; index += 1)
    statuses.push((await person.client.ask('POST /profile/email', { body })).status);
  expect(statuses).toEqual([204, 204, 204, 204, 204, 429, 429]);
  // What somebody else has used up is not what its owner needs.
  await server.anonymous.expect(204, 'POST /auth/password-reset', { body });
  expect(await linkIn(mails, victim.email, 'Choose a new password')).not.toBe('');
  const asked = [];
  for (let index = 0; index < 6; index += 1)
    asked.push((await person.client.ask('POST /auth/email-verification')).status);
  expect(asked).toEqual([204, 204, 204, 204, 204, 429]);
});

test('[K2.4] a new password by mail and a sign-in at the same moment do not wait for each other for ever', async () => {
  const person = await signUp();
  await server.anonymous.expect(204, 'POST /auth/password-reset', { body: { email: person.email } });
  const token = await linkIn(mails, person.email, 'Choose a new password');
  await asAdmin(server.database, async (query) => {
    // As a sign-in does: the password is held first, then the account that the session refers to.
    await query('begin');
    await query('select from auth.accounts where user_id = $1 for update', [person.id]);
    const reset = createClient(server.url).ask('POST /auth/password-reset/finish', {
      body: { token, password: newPassword },
    });
    await expect
      .poll(async () => {
        const rows = await asAdmin(server.database, (ask) =>
          ask(
            `select from pg_stat_activity where wait_event_type = 'Lock' and query like 'update auth.accounts set password%'`,
          ),
        );
        return rows.length;
      })
      .toBe(1);
    await query('select from auth.users where id = $1 for key share', [person.id]);
    await query('commit');
    expect((await reset).status).toBe(200);
  });
});
