/** An account that was switched off opens to nobody, whichever way they come in and whatever they had begun before. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type TestClient } from '../../testing/client.ts';
import { linkIn } from '../../testing/mail-links.ts';
import { startMailServer, type MailServer } from '../../testing/mail-server.ts';
import { postAsProgram, type ProgramAnswer } from '../../testing/post-as-program.ts';
import { appCode, SoftPasskey } from '../../testing/second-factors.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../../testing/server.ts';
import { startOidcServer, type OidcServer } from '../../testing/sign-on/oidc-server.ts';
import { createSamlProvider, type SamlProvider } from '../../testing/sign-on/saml-provider.ts';
import { secondTeam } from '../../testing/team-fixture.ts';
import { startDnsServer, type DnsServer } from '../../testing/sign-on/dns-server.ts';
import type { Answer } from '../../testing/client.ts';

let mails: MailServer;
let oidc: OidcServer;
let dns: DnsServer;
let idp: SamlProvider;
let server: TestServer;
let operator: Tenant;
let corp: Tenant;
let connection: Answer['json'];

const roomy = [
  'auth.sign-on-start',
  'auth.sign-on-finish',
  'sign-on.domains',
  'auth.mail-link-use',
  'auth.password-reset',
]
  .map((name) => `${name}=100000/60`)
  .join(',');

beforeAll(async () => {
  [mails, oidc, dns] = [await startMailServer(), await startOidcServer(), await startDnsServer()];
  idp = createSamlProvider();
  const { issuer, clientId, clientSecret } = oidc;
  server = await startTestServer({
    environment: {
      MAIL_SMTP_URL: mails.url,
      MAIL_FROM: 'Bulkhead <server@bulkhead.test>',
      MAIL_MAX_PER_RECIPIENT_HOUR: '100',
      SIGN_ON_OIDC: JSON.stringify([{ id: 'friend', title: 'Friend', issuer, clientId, clientSecret }]),
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.0/8',
      DNS_SERVERS: dns.address,
      LIMITS: roomy,
    },
  });
  oidc.allowRedirect(`${server.url}/sign-on/friend`);
  operator = await server.signUpOwner();
  corp = await secondTeam(server);
  const body = { name: 'Corp', kind: 'saml', metadataXml: idp.metadata, defaultRole: 'member' };
  connection = (await corp.client.expect(201, 'POST /sso-connections', { body })).json;
  const domains = `POST /sso-connections/${connection.id}/domains`;
  const claimed = await corp.client.expect(201, domains, { body: { domain: 'corp.example' } });
  dns.txt.set('corp.example', [claimed.json.record]);
  await corp.client.expect(200, `POST /sso-domains/${claimed.json.id}/verify`);
}, 120_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const helper of [mails, oidc, dns]) await helper?.[Symbol.asyncDispose]();
});

interface Person {
  readonly id: string;
  readonly email: string;
  readonly client: TestClient;
}

const asProgram = (path: string, body: unknown) => postAsProgram(server.url, path, body);

let people = 0;
async function signUp(domain = 'example.net'): Promise<Person> {
  people += 1;
  const email = `person${people}@${domain}`;
  const client = createClient(server.url);
  const body = { name: `Person ${people}`, email, password: strongPassword };
  const { json } = await client.expect(201, 'POST /auth/sign-up', { body });
  return { id: json.user.id, email, client };
}

function switchOff(id: string, isDisabled = true) {
  return operator.client.expect(200, `PUT /admin/people/${id}/state`, { body: { isDisabled } });
}

const passkeyOrigin = () => `http://localhost:${new URL(server.url).port}`;
/** Passkeys are bound to the name that browsers come by, which is not the address of tests. */
const byName = () => createClient(passkeyOrigin());

async function setUpApp(client: TestClient): Promise<string> {
  const { json } = await client.expect(200, 'POST /second-factors/totp');
  const body = { code: appCode(json.secret, Date.now() - 30_000) };
  await client.expect(200, 'POST /second-factors/totp/confirm', { body });
  return json.secret;
}

/** Entry is a way in that was prepared while the account was on. */
interface Entry {
  readonly come: () => Promise<ProgramAnswer & { readonly client?: TestClient }>;
  /** What this way in says to whoever is wrong there; nobody is told that the account is off. */
  readonly refusal: string | null;
  /** Whom to switch off. */
  readonly id: string;
}

type Way = () => Promise<Entry>;

async function viaBrowser(client: TestClient, route: string, body: unknown) {
  const answer = await client.ask(route, { body });
  return { status: answer.status, json: answer.json, client };
}

const ways: Readonly<Record<string, Way>> = {
  'the password': async () => {
    const { id, email } = await signUp();
    const body = { identifier: email, password: strongPassword };
    const come = () => viaBrowser(createClient(server.url), 'POST /auth/sign-in', body);
    return { id, come, refusal: 'SIGN_IN_FAILED' };
  },
  'the code after a password given before': async () => {
    const { id, email, client } = await signUp();
    const secret = await setUpApp(client);
    const browser = createClient(server.url);
    await browser.expect(200, 'POST /auth/sign-in', { body: { identifier: email, password: strongPassword } });
    const come = () => viaBrowser(browser, 'POST /auth/second-factor', { method: 'totp', code: appCode(secret) });
    return { id, come, refusal: 'SECOND_FACTOR_EXPIRED' };
  },
  'a link for a new password, sent before': async () => {
    const { id, email } = await signUp();
    await server.anonymous.expect(204, 'POST /auth/password-reset', { body: { email } });
    const token = await linkIn(mails, email, 'Choose a new password');
    const body = { token, password: 'Sieben Zwerge & 1 Prinz' };
    const come = () => viaBrowser(createClient(server.url), 'POST /auth/password-reset/finish', body);
    return { id, come, refusal: 'MAIL_LINK_INVALID' };
  },
  'a passkey': async () => {
    const { id, email } = await signUp();
    const owner = byName();
    await owner.expect(200, 'POST /auth/sign-in', { body: { identifier: email, password: strongPassword } });
    const device = new SoftPasskey(passkeyOrigin());
    const options = await owner.expect(200, 'POST /passkeys/options');
    await owner.expect(201, 'POST /passkeys', { body: { credential: device.create(options.json) } });
    const come = async () => {
      const browser = byName();
      const { json } = await browser.expect(200, 'POST /auth/sign-in/passkey-options');
      return viaBrowser(browser, 'POST /auth/sign-in/passkey', { credential: device.get(json) });
    };
    return { id, come, refusal: 'PASSKEY_REFUSED' };
  },
  'a provider': async () => {
    people += 1;
    const login = `login${people}`;
    oidc.accounts.set(login, { email: `${login}@example.org`, email_verified: true, name: 'Grace' });
    const come = async () => {
      const browser = createClient(server.url);
      const { json } = await browser.expect(200, 'POST /auth/sign-on/start', { body: { provider: 'friend' } });
      const back = await oidc.walk(json.url, login);
      const body = { provider: 'friend', query: back.searchParams.toString() };
      return viaBrowser(browser, 'POST /auth/sign-on/finish', body);
    };
    const { client } = await come();
    const me = await client.expect(200, 'GET /session');
    return { id: me.json.user.id, come, refusal: 'SIGN_ON_REFUSED' };
  },
  'the organisation’s own sign-on': async () => {
    people += 1;
    const email = `person${people}@corp.example`;
    const come = async () => {
      const browser = createClient(server.url);
      const { json } = await browser.expect(200, 'POST /auth/sign-on/start', { body: { provider: connection.id } });
      const { id, relayState } = await idp.readRequest(json.url);
      const to = { id, acsUrl: connection.acsUrl, entityId: connection.entityId };
      const form = { SAMLResponse: await idp.answer(to, { nameId: email, email }), RelayState: relayState };
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'cross-site',
        origin: 'https://idp.example.com',
      };
      const posted = await server.anonymous.sendRaw(
        'POST /auth/sign-on/saml',
        headers,
        new URLSearchParams(form).toString(),
      );
      const back = new URL(posted.headers.get('location') ?? '', server.url);
      const body = { provider: connection.id, query: back.searchParams.toString() };
      return viaBrowser(browser, 'POST /auth/sign-on/finish', body);
    };
    const { client } = await come();
    const me = await client.expect(200, 'GET /session');
    return { id: me.json.user.id, come, refusal: 'SIGN_ON_REFUSED' };
  },
  'the password, from a phone': async () => {
    const { id, email } = await signUp();
    const body = { identifier: email, password: strongPassword, deviceName: 'Phone' };
    return { id, come: () => asProgram('/auth/token', body), refusal: 'SIGN_IN_FAILED' };
  },
  'a refresh token': async () => {
    const { id, email } = await signUp();
    const body = { identifier: email, password: strongPassword, deviceName: 'Phone' };
    let tokens = (await asProgram('/auth/token', body)).json;
    const come = async () => {
      const answer = await asProgram('/auth/token/refresh', { refreshToken: tokens.refreshToken });
      if (answer.status === 200) tokens = answer.json;
      return answer;
    };
    return { id, come, refusal: 'REFRESH_TOKEN_INVALID' };
  },
  'a code for a phone, consented to before': async () => {
    const { id, client } = await signUp();
    const codeVerifier = randomBytes(32).toString('base64url');
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
    const redirectUri = 'com.example.app:/signed-in';
    const { json } = await client.expect(200, 'POST /auth/device-codes', {
      body: { codeChallenge, redirectUri, deviceName: 'Phone' },
    });
    const code = new URL(json.redirectTo).searchParams.get('code');
    const come = () => asProgram('/auth/token/exchange', { code, codeVerifier, redirectUri });
    return { id, come, refusal: 'DEVICE_CODE_INVALID' };
  },
  'an API key': async () => {
    const { id, client } = await signUp();
    const made = await client.expect(201, 'POST /api-keys', { body: { name: 'Key', scopes: ['agents.agent.read'] } });
    const headers = { authorization: `Bearer ${made.json.secret}` };
    return { id, come: () => server.anonymous.ask('GET /agents', { headers }), refusal: 'UNAUTHENTICATED' };
  },
  'an access token': async () => {
    const { id, email } = await signUp();
    const body = { identifier: email, password: strongPassword, deviceName: 'Phone' };
    const { accessToken } = (await asProgram('/auth/token', body)).json;
    const headers = { authorization: `Bearer ${accessToken}` };
    return { id, come: () => server.anonymous.ask('GET /agents', { headers }), refusal: 'UNAUTHENTICATED' };
  },
  'a session': async () => {
    const { id, client } = await signUp();
    return { id, come: () => client.ask('GET /session'), refusal: 'UNAUTHENTICATED' };
  },
};

const entries = Object.entries(ways);

/** Rows by which somebody could come in; none may appear while the account is off. */
async function countWaysIn(userId: string): Promise<number> {
  const [row] = await server.services.db.withAuth((tx) =>
    tx.query<{ count: number }>({
      text: `select (select count(*) from auth.sessions where user_id = $1)::int
               + (select count(*) from auth.token_families where user_id = $1)::int
               + (select count(*) from auth.sign_in_challenges where user_id = $1)::int
               + (select count(*) from auth.device_codes where user_id = $1)::int as count`,
      values: [userId],
    }),
  );
  return row?.count ?? -1;
}

test.each(entries)(
  '[K17.4] [K2.1] a switched-off account is not opened by %s, and nobody is told that it is off',
  async (_, way) => {
    const { id, come, refusal } = await way();
    await switchOff(id);
    const { status, json, client } = await come();
    expect(status).toBeGreaterThanOrEqual(400);
    expect(json.code).toBe(refusal);
    expect(JSON.stringify(json)).not.toMatch(/switched off|disabled/i);
    if (client) await client.expect(401, 'GET /session');
    expect(await countWaysIn(id)).toBe(0);
    const [password] = await server.services.db.withAuth((tx) =>
      tx.query<{ is_new: boolean }>({
        text: `select updated_at > created_at + interval '1 second' as is_new from auth.accounts
             where user_id = $1 and provider_id = 'credential'`,
        values: [id],
      }),
    );
    expect(password?.is_new ?? false).toBe(false);
  },
);

/** What was begun before does not come back; what a person has or knows does. */
const lasting = new Set([
  'the password',
  'a passkey',
  'a provider',
  'the organisation’s own sign-on',
  'the password, from a phone',
  'an API key',
]);

test.each(entries)(
  '[K17.4] switched on again, an account opens by %s only if that was not ended for good',
  async (name, way) => {
    const { id, come } = await way();
    await switchOff(id);
    await switchOff(id, false);
    const { status } = await come();
    expect([name, status < 300]).toEqual([name, lasting.has(name)]);
  },
);

test.each(entries)('[K2.1] each of these ways does open an account that is on: %s', async (_, way) => {
  const { come } = await way();
  expect((await come()).status).toBeLessThan(300);
});

test('[K17.4] nobody gets a link for a new password for a switched-off account, nor gives it a new address', async () => {
  const { id, email, client } = await signUp();
  const address = `new-${email}`;
  await client.expect(204, 'POST /profile/email', { body: { email: address } });
  const token = await linkIn(mails, address, 'Confirm your new e-mail address');
  await switchOff(id);
  await server.anonymous.expect(204, 'POST /auth/password-reset', { body: { email } });
  const refused = await server.anonymous.expect(403, 'POST /auth/email-verification/finish', { body: { token } });
  expect(refused.json.code).toBe('MAIL_LINK_INVALID');
  const other = await signUp();
  await server.anonymous.expect(204, 'POST /auth/password-reset', { body: { email: other.email } });
  await linkIn(mails, other.email, 'Choose a new password'); // asked for later, so the first would be there by now
  expect(
    mails.received.filter((mail) => mail.to === email && mail.header('subject') === 'Choose a new password'),
  ).toEqual([]);
});

test('[K17.4] a sign-in that is under way when the account is switched off ends with it', async () => {
  const { id, email } = await signUp();
  const body = { identifier: email, password: strongPassword };
  const browsers = Array.from({ length: 8 }, () => createClient(server.url));
  const comings = browsers.map((browser) => browser.ask('POST /auth/sign-in', { body }));
  const phones = browsers.map(() => asProgram('/auth/token', { ...body, deviceName: 'Phone' }));
  await switchOff(id);
  await Promise.all([...comings, ...phones]);
  expect(await countWaysIn(id)).toBe(0);
});
