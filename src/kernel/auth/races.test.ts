/** What counts once counts once, however many bring it at the same moment and through whichever door. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type TestClient } from '../../testing/client.ts';
import { linkIn } from '../../testing/mail-links.ts';
import { startMailServer, type MailServer } from '../../testing/mail-server.ts';
import { postAsProgram } from '../../testing/post-as-program.ts';
import { appCode, SoftPasskey } from '../../testing/second-factors.ts';
import { startTestServer, strongPassword, type TestServer } from '../../testing/server.ts';

const atOnce = 20;
let mails: MailServer;
let server: TestServer;

beforeAll(async () => {
  mails = await startMailServer();
  const roomy = ['auth.second-factor', 'auth.mail-link-use', 'auth.sign-in-account'];
  server = await startTestServer({
    environment: {
      MAIL_SMTP_URL: mails.url,
      MAIL_FROM: 'Bulkhead <server@bulkhead.test>',
      LIMITS: roomy.map((name) => `${name}=100000/60`).join(','),
    },
  });
  await server.signUpOwner();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await mails?.[Symbol.asyncDispose]();
});

const byName = () => createClient(`http://localhost:${new URL(server.url).port}`);

const asProgram = async (path: string, body: unknown) => (await postAsProgram(server.url, path, body)).status;

let people = 0;
async function signUp(client = createClient(server.url)): Promise<{ email: string; client: TestClient }> {
  people += 1;
  const email = `person${people}@example.net`;
  const body = { name: `Person ${people}`, email, password: strongPassword };
  await client.expect(201, 'POST /auth/sign-up', { body });
  return { email, client };
}

async function setUpApp(client: TestClient): Promise<{ secret: string; codes: string[] }> {
  const { json } = await client.expect(200, 'POST /second-factors/totp');
  const body = { code: appCode(json.secret, Date.now() - 30_000) };
  const confirmed = await client.expect(200, 'POST /second-factors/totp/confirm', { body });
  return { secret: json.secret, codes: confirmed.json.recoveryCodes };
}

/** Browsers that have given the password and are asked for the second step. */
function firstSteps(email: string, count: number): Promise<TestClient[]> {
  const body = { identifier: email, password: strongPassword };
  return Promise.all(
    Array.from({ length: count }, async () => {
      const browser = createClient(server.url);
      await browser.expect(200, 'POST /auth/sign-in', { body });
      return browser;
    }),
  );
}

const statusOf = async (client: TestClient, route: string, body: unknown) => (await client.ask(route, { body })).status;

/** Half of them at the form and half at the door of phones, with one and the same code. */
async function bringCode(email: string, secondFactor: { method: string; code: string }): Promise<number[]> {
  const browsers = await firstSteps(email, atOnce / 2);
  const phone = { identifier: email, password: strongPassword, deviceName: 'Phone', secondFactor };
  return Promise.all([
    ...browsers.map((browser) => statusOf(browser, 'POST /auth/second-factor', secondFactor)),
    ...browsers.map(() => asProgram('/auth/token', phone)),
  ]);
}

const many = <T>(make: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: atOnce }, make));

const races: Readonly<Record<string, () => Promise<number[]>>> = {
  'the code of an app': async () => {
    const { email, client } = await signUp();
    const { secret } = await setUpApp(client);
    return bringCode(email, { method: 'totp', code: appCode(secret) });
  },
  'a recovery code': async () => {
    const { email, client } = await signUp();
    const { codes } = await setUpApp(client);
    return bringCode(email, { method: 'recovery-code', code: codes[0] ?? '' });
  },
  'a link for a new password': async () => {
    const { email } = await signUp();
    await server.anonymous.expect(204, 'POST /auth/password-reset', { body: { email } });
    const body = { token: await linkIn(mails, email, 'Choose a new password'), password: 'Sieben Zwerge & 1 Prinz' };
    return many(() => statusOf(createClient(server.url), 'POST /auth/password-reset/finish', body));
  },
  'a link that proves an address': async () => {
    const { email } = await signUp();
    const body = { token: await linkIn(mails, email, 'Confirm your e-mail address') };
    return many(() => statusOf(createClient(server.url), 'POST /auth/email-verification/finish', body));
  },
  'a consent for a phone': async () => {
    const { client } = await signUp();
    const codeVerifier = randomBytes(32).toString('base64url');
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
    const redirectUri = 'com.example.app:/signed-in';
    const consent = { codeChallenge, redirectUri, deviceName: 'Phone' };
    const { json } = await client.expect(200, 'POST /auth/device-codes', { body: consent });
    const code = new URL(json.redirectTo).searchParams.get('code');
    return many(() => asProgram('/auth/token/exchange', { code, codeVerifier, redirectUri }));
  },
  'the answer of a passkey': async () => {
    const { client } = await signUp(byName());
    const device = new SoftPasskey(`http://localhost:${new URL(server.url).port}`);
    const creation = await client.expect(200, 'POST /passkeys/options');
    await client.expect(201, 'POST /passkeys', { body: { credential: device.create(creation.json) } });
    const browser = byName();
    const { json } = await browser.expect(200, 'POST /auth/sign-in/passkey-options');
    const body = { credential: device.get(json) };
    return many(() => statusOf(browser, 'POST /auth/sign-in/passkey', body));
  },
};

test.each(Object.entries(races))('[K2.4] [K2.6] %s, brought twenty times at once, counts once', async (_, race) => {
  const statuses = await race();
  expect(statuses).toHaveLength(atOnce);
  expect(statuses.filter((status) => status < 300)).toHaveLength(1);
  expect(statuses.filter((status) => status >= 500)).toEqual([]);
});
