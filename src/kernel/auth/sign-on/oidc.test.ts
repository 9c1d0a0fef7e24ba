/** Signing on through OpenID Connect, the whole way against a real provider; and whose account it opens. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createClient, type TestClient } from '../../../testing/client.ts';
import { startTestServer, strongPassword, type TestServer } from '../../../testing/server.ts';
import { sealTotp } from '../second-factors/totp-store.ts';
import { startOidcServer, type OidcServer } from '../../../testing/sign-on/oidc-server.ts';

let provider: OidcServer;
let server: TestServer;

const limits = ['auth.sign-on-start', 'auth.sign-on-finish'].map((name) => `${name}=100000/60`).join(',');

beforeAll(async () => {
  provider = await startOidcServer();
  const list = [
    {
      id: 'corp',
      title: 'Corp',
      issuer: provider.issuer,
      clientId: provider.clientId,
      clientSecret: provider.clientSecret,
    },
  ];
  server = await startTestServer({
    environment: {
      SIGN_ON_OIDC: JSON.stringify(list),
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.0/8',
      SIGN_ON_TIMEOUT_MS: '1000',
      LIMITS: limits,
    },
  });
  provider.allowRedirect(`${server.url}/sign-on/corp`);
  await server.signUpOwner();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

const browser = () => createClient(server.url);

async function start(client: TestClient, id: string, way = 'start', next?: string): Promise<URL> {
  const answer = await client.expect(200, `POST /auth/sign-on/${way}`, {
    body: { provider: id, ...(next ? { next } : {}) },
  });
  return new URL(answer.json.url);
}

const finish = (client: TestClient, id: string, query: URLSearchParams | string) =>
  client.ask('POST /auth/sign-on/finish', { body: { provider: id, query: query.toString() } });

/** signOn goes the whole way through the real provider. */
async function signOn(client: TestClient, login: string, way = 'start') {
  const back = await provider.walk((await start(client, 'corp', way)).href, login);
  expect(back.origin + back.pathname).toBe(`${server.url}/sign-on/corp`);
  return finish(client, 'corp', back.searchParams);
}

async function actionsOf(email: string): Promise<string[]> {
  const rows = await server.services.db.withAuth((tx) =>
    tx.query<{ action: string }>({
      text: `select r.action from kernel.audit_records r join auth.organizations o on o.id = r.tenant_id
             join auth.users u on u.id = o.personal_user_id where u.email = $1 order by r.sequence`,
      values: [email],
    }),
  );
  return rows.map(({ action }) => action);
}

describe('with a real provider', () => {
  test('[K2.5] a new person signs on, has an account of their own and no password, and comes back to it', async () => {
    provider.accounts.set('grace', { email: 'Grace@Example.net', email_verified: true, name: 'Grace Hopper' });
    const client = browser();
    const first = await signOn(client, 'grace');
    expect(first.json).toEqual({ outcome: 'signed-in', next: '/', isNew: true, secondFactor: null });
    const session = await client.expect(200, 'GET /session');
    expect(session.json.user).toMatchObject({ name: 'Grace Hopper', email: 'grace@example.net' });
    expect(session.json.role).toBe('owner');
    const again = await signOn(browser(), 'grace');
    expect(again.json).toMatchObject({ outcome: 'signed-in', isNew: false });
    expect(await actionsOf('grace@example.net')).toEqual(['auth.sign-up', 'auth.sign-in', 'auth.sign-in']);
    await server.anonymous.expect(401, 'POST /auth/sign-in', {
      body: { identifier: 'grace@example.net', password: 'no password' },
    });
    const links = await client.expect(200, 'GET /profile/linked-accounts');
    expect(links.json.items).toEqual([
      expect.objectContaining({ provider: 'corp', title: 'Corp', label: 'grace@example.net' }),
    ]);
  });

  test('[K2.5] no token of the provider is kept, and none stands in an answer', async () => {
    provider.accounts.set('tess', { email: 'tess@example.net', email_verified: true, name: 'Tess' });
    const answer = await signOn(browser(), 'tess');
    expect(answer.text).not.toMatch(/token|eyJ/);
    const rows = await server.services.db.withAuth((tx) =>
      tx.query({
        text: `select access_token, refresh_token, id_token from auth.accounts
               where access_token is not null or refresh_token is not null or id_token is not null`,
      }),
    );
    expect(rows).toEqual([]);
  });

  test('[K2.5] an answer works once, only in the browser that left, and only for the provider it left for', async () => {
    provider.accounts.set('heidi', { email: 'heidi@example.net', email_verified: true, name: 'Heidi' });
    const client = browser();
    const back = await provider.walk((await start(client, 'corp')).href, 'heidi');
    const other = browser();
    await start(other, 'corp');
    expect((await finish(other, 'corp', back.searchParams)).json.code).toBe('SIGN_ON_EXPIRED');
    expect((await finish(browser(), 'corp', back.searchParams)).json.code).toBe('SIGN_ON_EXPIRED');
    expect((await finish(client, 'wicked', back.searchParams)).json.code).toBe('SIGN_ON_EXPIRED');
    expect((await finish(client, 'corp', back.searchParams)).json.outcome).toBe('signed-in');
    expect((await finish(client, 'corp', back.searchParams)).json.code).toBe('SIGN_ON_EXPIRED');
  });

  test('[K2.5] two tabs may be away at once, and each comes back', async () => {
    provider.accounts.set('ivan', { email: 'ivan@example.net', email_verified: true, name: 'Ivan' });
    const client = browser();
    const [one, two] = [await start(client, 'corp', 'start', '/agents?a=1'), await start(client, 'corp')];
    const [backOne, backTwo] = [await provider.walk(one.href, 'ivan'), await provider.walk(two.href, 'ivan')];
    expect((await finish(client, 'corp', backOne.searchParams)).json).toMatchObject({
      outcome: 'signed-in',
      next: '/agents?a=1',
    });
    expect((await finish(client, 'corp', backTwo.searchParams)).json.outcome).toBe('signed-in');
  });

  test('[K2.5] cancelling at the provider says so and changes nothing', async () => {
    const client = browser();
    const answer = await signOn(client, '');
    expect([answer.status, answer.json.code]).toEqual([400, 'SIGN_ON_CANCELLED']);
    await client.expect(401, 'GET /session');
  });

  test.each(['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)', '/\t/evil.example'])(
    '[K2.5] %j is no place to go on at',
    async (next) => {
      provider.accounts.set('judy', { email: 'judy@example.net', email_verified: true, name: 'Judy' });
      const client = browser();
      const answer = await client.ask('POST /auth/sign-on/start', { body: { provider: 'corp', next } });
      if (answer.status === 400) return expect(answer.json.errors[0].pointer).toBe('/body/next');
      const back = await provider.walk(answer.json.url, 'judy');
      expect((await finish(client, 'corp', back.searchParams)).json.next).toBe('/');
    },
  );
});

describe('accounts that are there already', () => {
  test('[K2.5] an account made with a stranger’s address is not handed the stranger, whatever the provider says', async () => {
    const attacker = browser();
    const person = { name: 'Attacker', email: 'victim@example.net', password: strongPassword };
    await attacker.expect(201, 'POST /auth/sign-up', { body: person });
    provider.accounts.set('victim', { email: 'victim@example.net', email_verified: true, name: 'Victim' });
    const answer = await signOn(browser(), 'victim');
    expect([answer.status, answer.json.code]).toEqual([409, 'SIGN_ON_LINK_FIRST']);
    expect((await attacker.expect(200, 'GET /profile/linked-accounts')).json.items).toEqual([]);
  });

  test('[K2.5] an address proved on both sides links; one that the provider does not vouch for does not', async () => {
    const person = { name: 'Proved', email: 'proved@example.net', password: strongPassword };
    await browser().expect(201, 'POST /auth/sign-up', { body: person });
    await server.services.db.withAuth((tx) =>
      tx.query({ text: `update auth.users set email_verified = true where email = 'proved@example.net'` }),
    );
    provider.accounts.set('proved', { email: 'proved@example.net', email_verified: false, name: 'Not sure' });
    expect((await signOn(browser(), 'proved')).json.code).toBe('SIGN_ON_LINK_FIRST');
    provider.accounts.set('proved', { email: 'proved@example.net', email_verified: true, name: 'Sure' });
    expect((await signOn(browser(), 'proved')).json).toMatchObject({ outcome: 'signed-in', isNew: false });
    expect(await actionsOf('proved@example.net')).toContain('auth.account.link');
  });

  test('[K2.5] linking in settings, unlinking, and the last way in that stays', async () => {
    const client = browser();
    const person = { name: 'Linker', email: 'linker@example.net', password: strongPassword };
    await client.expect(201, 'POST /auth/sign-up', { body: person });
    provider.accounts.set('other-name', { email: 'private@example.net', email_verified: true, name: 'Private' });
    expect((await signOn(client, 'other-name', 'link')).json.outcome).toBe('linked');
    const second = await server.secondTenant();
    const taken = await signOn(second.client, 'other-name', 'link');
    expect([taken.status, taken.json.code]).toEqual([409, 'SIGN_ON_LINKED_ELSEWHERE']);
    const [{ id }] = (await client.expect(200, 'GET /profile/linked-accounts')).json.items;
    await second.client.expect(404, `DELETE /profile/linked-accounts/${id}`);
    await client.expect(204, `DELETE /profile/linked-accounts/${id}`);
    expect(await actionsOf('linker@example.net')).toEqual(
      expect.arrayContaining(['auth.account.link', 'auth.account.unlink']),
    );
    const grace = browser();
    provider.accounts.set('only', { email: 'only@example.net', email_verified: true, name: 'Only' });
    await signOn(grace, 'only');
    const [only] = (await grace.expect(200, 'GET /profile/linked-accounts')).json.items;
    const kept = await grace.expect(409, `DELETE /profile/linked-accounts/${only.id}`);
    expect(kept.json.code).toBe('LAST_WAY_IN');
  });

  test('[K2.5] who signed out, or in as somebody else, cannot finish linking', async () => {
    const { client } = await server.secondTenant();
    provider.accounts.set('late', { email: 'late@example.net', email_verified: true, name: 'Late' });
    const back = await provider.walk((await start(client, 'corp', 'link')).href, 'late');
    await client.expect(204, 'POST /auth/sign-out');
    expect((await finish(client, 'corp', back.searchParams)).json.code).toBe('SIGN_ON_EXPIRED');
  });

  test('[K2.4] a linked provider shows again who one is; another person there does not', async () => {
    const client = browser();
    provider.accounts.set('stepper', { email: 'stepper@example.net', email_verified: true, name: 'Stepper' });
    await signOn(client, 'stepper');
    await server.services.db.withAuth(async (tx) => {
      await tx.query({
        text: `update auth.sessions set proved_at = now() - interval '1 day'
               where user_id = (select id from auth.users where email = 'stepper@example.net')`,
      });
      await tx.query({
        text: `select pg_notify('bulkhead_sessions', 'user:' || id) from auth.users where email = 'stepper@example.net'`,
      });
    });
    await vi.waitFor(
      async () =>
        expect((await client.ask('POST /auth/sign-on/link', { body: { provider: 'corp' } })).status).toBe(403),
      { timeout: 20_000 },
    );
    expect((await signOn(client, 'grace', 'step-up')).json.code).toBe('SIGN_ON_WRONG_PERSON');
    expect((await signOn(client, 'stepper', 'step-up')).json.outcome).toBe('proved');
    await client.expect(200, 'POST /auth/sign-on/link', { body: { provider: 'corp' } });
  });

  test('[K2.4] a second factor is asked for after a provider too', async () => {
    const client = browser();
    provider.accounts.set('careful', { email: 'careful@example.net', email_verified: true, name: 'Careful' });
    await signOn(client, 'careful');
    const { db } = server.services;
    const [user] = await db.withAuth((tx) =>
      tx.query<{ id: string }>({ text: `select id from auth.users where email = 'careful@example.net'` }),
    );
    const sealed = await sealTotp(server.services, user?.id ?? '', 'secret');
    await db.withAuth((tx) =>
      tx.query({
        text: `insert into auth.second_factors (user_id, totp_secret, totp_confirmed_at) values ($1, $2, now())`,
        values: [user?.id, sealed],
      }),
    );
    const fresh = browser();
    const answer = await signOn(fresh, 'careful');
    expect(answer.json).toMatchObject({ outcome: 'second-factor', secondFactor: { methods: ['totp'] } });
    await fresh.expect(401, 'GET /session');
  });
});
