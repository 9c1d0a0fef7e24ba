/** Signing out with an organisation's OpenID Connect provider: it ends what came from it, and nothing else ends by its name. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { createClient, type TestClient } from '../../../testing/client.ts';
import { appCode } from '../../../testing/second-factors.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../../../testing/server.ts';
import { startOidcServer, type OidcServer } from '../../../testing/sign-on/oidc-server.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../testing/sign-on/scripted-issuer.ts';
import { secondTeam } from '../../../testing/team-fixture.ts';
import type { Answer } from '../../../testing/client.ts';

let provider: OidcServer;
let scripted: ScriptedIssuer;
let server: TestServer;
let owner: Tenant;
type Connection = Answer['json'];
let real: Connection, told: Connection;

beforeAll(async () => {
  [provider, scripted] = [await startOidcServer(), await startScriptedIssuer('told-client')];
  const names = ['auth.sign-on-start', 'auth.sign-on-finish', 'sign-on.settings', 'sign-on.domains'];
  server = await startTestServer({
    environment: {
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.0/8',
      SIGN_ON_TIMEOUT_MS: '2000',
      LIMITS: names.map((name) => `${name}=100000/60`).join(','),
    },
  });
  await server.signUpOwner();
  owner = await secondTeam(server);
  const { issuer, clientId, clientSecret } = provider;
  const first = { name: 'Real', kind: 'oidc', issuer, clientId, clientSecret, signsOutAtProvider: true };
  real = (await owner.client.expect(201, 'POST /sso-connections', { body: first })).json;
  const second = { name: 'Told', kind: 'oidc', issuer: scripted.url, clientId: 'told-client', clientSecret: 's' };
  told = (await owner.client.expect(201, 'POST /sso-connections', { body: second })).json;
  for (const [{ id }, domain] of [
    [real, 'real.example'],
    [told, 'told.example'],
  ] as const) {
    await server.services.db.withAuth((tx) =>
      tx.query({
        text: `insert into auth.sso_domains (id, tenant_id, connection_id, domain, proof_token, verified_at, verified_by)
               values ($1, $2, $3, $4, 'proof', now(), 'dns')`,
        values: [newId(), owner.principal.tenantId, id, domain],
      }),
    );
  }
  provider.allowRedirect(real.redirectUri);
  provider.allowSignOut(real.backchannelLogoutUri, real.postLogoutRedirectUri);
}, 120_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
  await scripted?.[Symbol.asyncDispose]();
});

const browser = () => createClient(server.url);
const isIn = async (client: TestClient) => (await client.ask('GET /session')).status === 200;

async function leave(client: TestClient, { id }: Connection): Promise<URL> {
  return new URL((await client.expect(200, 'POST /auth/sign-on/start', { body: { provider: id } })).json.url);
}

async function signOn(login: string): Promise<TestClient> {
  const client = browser();
  provider.accounts.set(login, { email: `${login}@real.example`, email_verified: true, name: login });
  const back = await provider.walk((await leave(client, real)).href, login);
  const body = { provider: real.id, query: back.searchParams.toString() };
  expect((await client.ask('POST /auth/sign-on/finish', { body })).json.outcome).toBe('signed-in');
  return client;
}

/** signOnTold signs on through the scripted issuer, from the session `sid` there. */
const signOnTold = (sub: string, sid: string) => leaveTold(sub, sid, 'signed-in');

async function leaveTold(sub: string, sid: string, outcome: string): Promise<TestClient> {
  const client = browser();
  const url = await leave(client, told);
  const nonce = url.searchParams.get('nonce');
  scripted.script = { claims: { nonce, sub, sid, email: `${sub}@told.example`, email_verified: true } };
  const query = new URLSearchParams({ code: 'c', state: url.searchParams.get('state') ?? '', iss: scripted.url });
  const body = { provider: told.id, query: query.toString() };
  expect((await client.ask('POST /auth/sign-on/finish', { body })).json.outcome).toBe(outcome);
  return client;
}

async function sidOf(client: TestClient): Promise<string> {
  const { json } = await client.expect(200, 'GET /sessions');
  const [row] = await server.services.db.withAuth((tx) =>
    tx.query<{ sid: string }>({
      text: 'select provider_session as sid from auth.sso_sessions where session_id = $1',
      values: [json.items.find(({ isCurrent }: { isCurrent: boolean }) => isCurrent).id],
    }),
  );
  return row?.sid ?? '';
}

describe('with a real provider', () => {
  test('[K2.5] it ends one session by its id, all of a person by their name, and nobody else’s', async () => {
    const [one, two, other] = [await signOn('grace'), await signOn('grace'), await signOn('ada')];
    await provider.tellSignOut('grace', await sidOf(one));
    expect([await isIn(one), await isIn(two), await isIn(other)]).toEqual([false, true, true]);
    await provider.tellSignOut('grace');
    expect([await isIn(one), await isIn(two), await isIn(other)]).toEqual([false, false, true]);
    // Nobody is left: that is what it asked for.
    await provider.tellSignOut('grace');
    const audited = await server.services.db.withAuth((tx) =>
      tx.query({
        text: `select details from kernel.audit_records where tenant_id = $1 and action = 'auth.sso.logout' order by sequence`,
        values: [owner.principal.tenantId],
      }),
    );
    expect(audited.map((row) => (row as { details: unknown }).details)).toEqual([
      { sessions: 1 },
      { sessions: 1 },
      { sessions: 0 },
    ]);
  });

  test('[K2.5] signing out leads to the provider’s sign-out, which knows the session and the way back', async () => {
    const client = await signOn('heidi');
    const { json } = await client.expect(200, 'POST /auth/sign-on/sign-out');
    expect(await isIn(client)).toBe(false);
    const url = new URL(json.url);
    expect(url.origin).toBe(provider.issuer);
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${server.url}/sign-in`);
    expect(url.searchParams.get('id_token_hint')).toMatch(/^eyJ/);
    const page = await fetch(url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('/session/end/confirm')]);
    const wrong = new URL(url);
    wrong.searchParams.set('post_logout_redirect_uri', 'https://evil.example/');
    expect((await fetch(wrong)).status).toBe(400);
  });

  test('[K9.1] the id token is kept sealed, with the session alone, and only where signing out needs it', async () => {
    const client = await signOn('ivan');
    const rows = () =>
      server.services.db.withAuth((tx) =>
        tx.query<{ sealed: string | null }>({
          text: `select id_token_ciphertext as sealed from auth.sso_sessions where connection_id = $1 and subject = 'ivan'`,
          values: [real.id],
        }),
      );
    expect(await rows()).toEqual([{ sealed: expect.stringMatching(/^v1\./) }]);
    await client.expect(204, 'POST /auth/sign-out');
    expect(await rows()).toEqual([]);
    await owner.client.expect(200, `PATCH /sso-connections/${real.id}`, { body: { signsOutAtProvider: false } });
    const again = await signOn('ivan');
    expect(await rows()).toEqual([{ sealed: null }]);
    expect((await again.expect(200, 'POST /auth/sign-on/sign-out')).json).toEqual({ url: null });
    expect(await isIn(again)).toBe(false);
    await owner.client.expect(200, `PATCH /sso-connections/${real.id}`, { body: { signsOutAtProvider: true } });
  });
});

test('[K2.5] a provider that offers no sign-out, or is away, keeps nobody signed in here', async () => {
  await owner.client.expect(200, `PATCH /sso-connections/${told.id}`, { body: { signsOutAtProvider: true } });
  const client = await signOnTold('olga', 's-olga');
  expect((await client.expect(200, 'POST /auth/sign-on/sign-out')).json).toEqual({ url: null });
  expect(await isIn(client)).toBe(false);
  const other = (await server.secondTenant()).client;
  expect((await other.expect(200, 'POST /auth/sign-on/sign-out')).json).toEqual({ url: null });
  expect(await isIn(other)).toBe(false);
  await browser().expect(401, 'POST /auth/sign-on/sign-out');
});

test('[K2.5] a session that came to be by a second step ends with the one at the provider too, and so does the step', async () => {
  const email = 'vera@told.example';
  const vera = browser();
  await vera.expect(201, 'POST /auth/sign-up', { body: { name: 'Vera', email, password: strongPassword } });
  await server.services.db.withAuth((tx) =>
    tx.query({ text: 'update auth.users set email_verified = true where email = $1', values: [email] }),
  );
  const { secret } = (await vera.expect(200, 'POST /second-factors/totp')).json;
  const { recoveryCodes } = (
    await vera.expect(200, 'POST /second-factors/totp/confirm', { body: { code: appCode(secret) } })
  ).json;
  const half = await leaveTold('vera', 's-vera', 'second-factor');
  await half.expect(200, 'POST /auth/second-factor', { body: { method: 'recovery-code', code: recoveryCodes[0] } });
  expect(await isIn(half)).toBe(true);
  const logout = async () => {
    const event = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    const token = await scripted.sign({
      iss: scripted.url,
      aud: 'told-client',
      jti: newId(),
      sid: 's-vera',
      events: event,
    });
    const form = new URLSearchParams({ logout_token: token }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return server.anonymous.sendRaw(`POST /auth/sign-on/${told.id}/backchannel-logout`, headers, form);
  };
  expect((await logout()).status).toBe(204);
  expect(await isIn(half)).toBe(false);
  // From now on the organisation answers for her itself; a step that is under way would go the same way.
  await server.services.db.withAuth((tx) =>
    tx.query({
      text: 'delete from auth.accounts where provider_id = $1 and account_id = $2',
      values: [told.id, 'vera'],
    }),
  );
  const waiting = await leaveTold('vera', 's-vera', 'second-factor');
  expect((await logout()).status).toBe(204);
  const body = { method: 'recovery-code', code: recoveryCodes[1] };
  expect((await waiting.ask('POST /auth/second-factor', { body })).status).toBe(401);
  expect(await isIn(waiting)).toBe(false);
});

describe('logout tokens', () => {
  const event = 'http://schemas.openid.net/event/backchannel-logout';
  const honest = () => ({ iss: scripted.url, aud: 'told-client', jti: newId(), events: { [event]: {} } });
  async function send(token: string, id: string = told.id) {
    const answer = await server.anonymous.sendRaw(
      `POST /auth/sign-on/${id}/backchannel-logout`,
      { 'content-type': 'application/x-www-form-urlencoded' },
      new URLSearchParams({ logout_token: token }).toString(),
    );
    const { status, headers } = answer;
    return { status, headers, code: status === 204 ? '' : ((await answer.json()) as { code: string }).code };
  }
  const sign = (claims: Record<string, unknown>) => scripted.sign({ ...honest(), ...claims });
  const now = () => Math.floor(Date.now() / 1000);
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

  const refused: readonly (readonly [string, () => Promise<string> | string])[] = [
    ['from another issuer', () => sign({ sub: 'mia', iss: 'https://evil.example' })],
    ['for another client', () => sign({ sub: 'mia', aud: 'somebody-else' })],
    ['without an event', () => sign({ sub: 'mia', events: undefined })],
    ['with another event', () => sign({ sub: 'mia', events: { 'https://evil.example': {} } })],
    ['whose event is no object', () => sign({ sub: 'mia', events: { [event]: 'yes' } })],
    ['that is an id token', () => sign({ sub: 'mia', nonce: 'n' })],
    ['without an id of its own', () => sign({ sub: 'mia', jti: undefined })],
    ['that names nobody', () => sign({})],
    ['that never ends', () => sign({ sub: 'mia', exp: undefined })],
    ['that has ended', () => sign({ sub: 'mia', exp: now() - 120, iat: now() - 240 })],
    ['that lay somewhere for an hour', () => sign({ sub: 'mia', iat: now() - 3600, exp: now() + 3600 })],
    ['from tomorrow', () => sign({ sub: 'mia', iat: now() + 86_400, exp: now() + 90_000 })],
    ['without a time', () => sign({ sub: 'mia', iat: undefined })],
    [
      'that nobody signed',
      () => `${encode({ alg: 'none' })}.${encode({ ...honest(), sub: 'mia', iat: now(), exp: now() + 60 })}.`,
    ],
    ['that is no token', () => 'x'.repeat(100)],
  ];
  test.each(refused)('[K2.5] one %s is refused, and ends nothing', async (_what, make) => {
    const mia = await signOnTold('mia', 's-mia');
    const answer = await send(await make());
    expect([answer.status, answer.code]).toEqual([400, 'SIGN_ON_REFUSED']);
    expect(await isIn(mia)).toBe(true);
  });

  test('[K2.5] one counts once, at its own connection, and for both the person and the session it names', async () => {
    const [mia, noa] = [await signOnTold('mia', 's-1'), await signOnTold('noa', 's-2')];
    const token = await sign({ sub: 'mia', sid: 's-1' });
    expect((await send(token, real.id)).status).toBe(400);
    expect((await send(token, newId())).status).toBe(404);
    expect((await send(await sign({ sub: 'mia', sid: 's-2' }))).status).toBe(204);
    expect([await isIn(mia), await isIn(noa)]).toEqual([true, true]);
    const first = await send(token);
    expect([first.status, first.headers.get('cache-control')]).toEqual([204, 'no-store']);
    expect([await isIn(mia), await isIn(noa)]).toEqual([false, true]);
    const again = await signOnTold('mia', 's-1');
    expect((await send(token)).status).toBe(400);
    expect(await isIn(again)).toBe(true);
    expect((await send(await sign({ sid: 's-2' }))).status).toBe(204);
    expect(await isIn(noa)).toBe(false);
  });

  test('[K2.5] keys that have changed are asked for again; a provider that is away is told as such', async () => {
    const mia = await signOnTold('mia', 's-mia');
    const late = await startScriptedIssuer('late-client');
    const body = { name: 'Late', kind: 'oidc', issuer: late.url, clientId: 'late-client' };
    const { json } = await owner.client.expect(201, 'POST /sso-connections', { body });
    late.script = { silent: ['/.well-known/openid-configuration'] };
    const away = await send(await late.sign({ ...honest(), iss: late.url, aud: 'late-client', sub: 'mia' }), json.id);
    expect([away.status, away.code]).toEqual([502, 'SIGN_ON_PROVIDER_AWAY']);
    late.script = {};
    await late.rotate();
    const good = await send(await late.sign({ ...honest(), iss: late.url, aud: 'late-client', sub: 'mia' }), json.id);
    expect(good.status).toBe(204);
    // The same name at another provider is somebody else.
    expect(await isIn(mia)).toBe(true);
    await late[Symbol.asyncDispose]();
  });
});
