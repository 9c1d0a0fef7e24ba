/** Signing on through OpenID Connect against a provider that lies, falls silent, or changes its keys. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createClient, type TestClient } from '../../../testing/client.ts';
import { startTestServer, type TestServer } from '../../../testing/server.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../testing/sign-on/scripted-issuer.ts';
import { finishOidc, readConfiguration } from './oidc.ts';
import { toSignOnError } from './provider-failure.ts';

let wicked: ScriptedIssuer;
let server: TestServer;

beforeAll(async () => {
  wicked = await startScriptedIssuer('wicked-client');
  const list = [
    { id: 'wicked', title: 'Wicked', issuer: wicked.url, clientId: 'wicked-client', clientSecret: 'secret' },
  ];
  server = await startTestServer({
    environment: {
      SIGN_ON_OIDC: JSON.stringify(list),
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.0/8',
      SIGN_ON_TIMEOUT_MS: '1000',
      LIMITS: 'auth.sign-on-start=100000/60,auth.sign-on-finish=100000/60',
    },
  });
  await server.signUpOwner();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await wicked?.[Symbol.asyncDispose]();
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

/** forge comes back from the scripted issuer with whatever it was told to say. */
async function forge(client: TestClient, query: Record<string, string> = {}, way = 'start') {
  const url = await start(client, 'wicked', way);
  const nonce = url.searchParams.get('nonce');
  wicked.script.claims = { nonce, email: 'mallory@evil.example', email_verified: true, ...wicked.script.claims };
  const honest = { code: 'a-code', state: url.searchParams.get('state') ?? '', iss: wicked.url };
  return finish(client, 'wicked', new URLSearchParams({ ...honest, ...query }));
}

type Lie = readonly [what: string, lie: () => void, query?: Record<string, string>];

describe('with a provider that lies', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const unsigned = (claims: object) =>
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  function signedWith(secret: string): string {
    const claims = { iss: wicked.url, aud: 'wicked-client', sub: 'x', exp: now() + 300, iat: now() };
    const text = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  }
  const lies: readonly Lie[] = [
    ['another nonce', () => (wicked.script = { claims: { nonce: 'another' } })],
    ['no nonce', () => (wicked.script = { claims: { nonce: undefined } })],
    ['another audience', () => (wicked.script = { claims: { aud: 'somebody-else' } })],
    ['another issuer in the token', () => (wicked.script = { claims: { iss: 'https://evil.example' } })],
    ['an expired token', () => (wicked.script = { claims: { exp: now() - 3600, iat: now() - 7200 } })],
    ['a token from tomorrow', () => (wicked.script = { claims: { nbf: now() + 3600 } })],
    ['no subject', () => (wicked.script = { claims: { sub: '' } })],
    [
      'an unsigned token',
      () =>
        (wicked.script = {
          idToken: unsigned({ iss: wicked.url, aud: 'wicked-client', sub: 'x', exp: now() + 300, iat: now() }),
        }),
    ],
    [
      'a token signed with what everybody can read as if it were a secret',
      () => (wicked.script = { idToken: signedWith('wicked-client') }),
    ],
    ['a token signed with our own secret', () => (wicked.script = { idToken: signedWith('secret') })],
    ['a key nobody published', () => (wicked.script = { foreignKeyId: 'nobody-knows' })],
    ['a known key id and another key', () => (wicked.script = { foreignKeyId: 'key-1' })],
    ['a code that is refused', () => (wicked.script = { tokenStatus: 400 })],
    ['another issuer in the answer', () => (wicked.script = {}), { iss: 'https://evil.example' }],
    ['no issuer in the answer', () => (wicked.script = {}), { iss: '' }],
  ];

  test.each(lies.map(([what, lie, query]) => ({ what, lie, query })))(
    '[K2.5] $what is refused with a clear sentence, and nobody is signed in',
    async ({ lie, query }) => {
      lie();
      const client = browser();
      const answer = await forge(client, query);
      expect([answer.status, answer.json.code]).toEqual([400, 'SIGN_ON_REFUSED']);
      expect(answer.text).not.toMatch(/evil\.example|nobody-knows/);
      await client.expect(401, 'GET /session');
    },
  );

  test('[K2.5] another state, or two, is the end of it', async () => {
    wicked.script = {};
    const client = browser();
    expect((await forge(client, { state: 'x'.repeat(43) })).json.code).toBe('SIGN_ON_EXPIRED');
    const url = await start(client, 'wicked');
    const state = url.searchParams.get('state') ?? '';
    const twice = await finish(
      client,
      'wicked',
      `code=a&state=${state}&state=${state}&iss=${encodeURIComponent(wicked.url)}`,
    );
    expect(twice.json.code).toBe('SIGN_ON_EXPIRED');
  });

  test('[K2.5] the honest answer is accepted, with PKCE, and only with the redirect address that was agreed', async () => {
    wicked.script = { claims: { sub: 'honest', email: 'honest@example.net' } };
    expect((await forge(browser())).json.outcome).toBe('signed-in');
    const form = wicked.tokenForms.at(-1);
    expect(form?.get('redirect_uri')).toBe(`${server.url}/sign-on/wicked`);
    expect(form?.get('code_verifier')).toMatch(/^[\w-]{43}$/);
  });

  test('[K8.1] where one goes on is always a path of this server', async () => {
    for (const next of [
      '/.//evil.example',
      '/x/..//evil.example',
      '//evil.example',
      '/\\\\evil.example',
      'https://evil.example',
    ]) {
      const client = browser();
      const url = await start(client, 'wicked', 'start', next);
      const nonce = url.searchParams.get('nonce');
      wicked.script = { claims: { nonce, sub: 'honest', email: 'honest@example.net', email_verified: true } };
      const state = url.searchParams.get('state') ?? '';
      const answer = await finish(client, 'wicked', new URLSearchParams({ code: 'c', state, iss: wicked.url }));
      expect([next, answer.json.next]).toEqual([next, '/']);
    }
  });

  test('[K2.5] no address is needed twice: an unverified one makes an unverified account, none at all makes none', async () => {
    wicked.script = { claims: { sub: 'nobody', email: undefined } };
    expect((await forge(browser())).json.code).toBe('SIGN_ON_NO_EMAIL');
    wicked.script = { claims: { sub: 'nobody', email: 'not an address' } };
    expect((await forge(browser())).json.code).toBe('SIGN_ON_NO_EMAIL');
    wicked.script = { claims: { sub: 'unsure', email: 'unsure@example.net', email_verified: false } };
    expect((await forge(browser())).json.outcome).toBe('signed-in');
    const [row] = await server.services.db.withAuth((tx) =>
      tx.query({ text: `select email_verified from auth.users where email = 'unsure@example.net'` }),
    );
    expect(row).toEqual({ email_verified: false });
  });

  test('[K2.5] a provider that falls silent is told in time, at its description as at the token', async () => {
    await using slow = await startScriptedIssuer('slow');
    slow.script = { silent: ['/.well-known/openid-configuration'] };
    const described = { id: 'slow', title: 'Slow', kind: 'oidc', issuer: slow.url, clientId: 'slow' } as const;
    const reading = readConfiguration({ ...described, clientSecret: 'x', connection: null }, server.services);
    await expect(reading.catch((error: unknown) => Promise.reject(toSignOnError(error)))).rejects.toMatchObject({
      code: 'SIGN_ON_PROVIDER_AWAY',
    });
    wicked.script = { silent: ['/auth/token'] };
    const answer = await forge(browser());
    expect([answer.status, answer.json.code, answer.json.isRetryable]).toEqual([502, 'SIGN_ON_PROVIDER_AWAY', true]);
  });

  test('[K2.5] slow keys are told in time; once they come they are kept', async () => {
    await using late = await startScriptedIssuer('late-client');
    const lateProvider = {
      id: 'late',
      title: 'Late',
      kind: 'oidc',
      issuer: late.url,
      clientId: 'late-client',
    } as const;
    const described = { ...lateProvider, clientSecret: 'x', connection: null };
    await readConfiguration(described, server.services);
    const attempt = {
      redirect_uri: `${server.url}/sign-on/late`,
      nonce: 'n',
      code_verifier: 'v'.repeat(43),
      purpose: 'sign-in',
    };
    const answer = () => new URLSearchParams({ code: 'c', state: 's', iss: late.url });
    const go = () => finishOidc(described, server.services, attempt as never, answer());
    late.script = { silent: ['/auth/keys'], claims: { nonce: 'n', email: 'late@example.net' } };
    const failure = await go().catch((error: unknown) => toSignOnError(error));
    expect(failure).toMatchObject({ code: 'SIGN_ON_PROVIDER_AWAY' });
    late.script = { claims: { nonce: 'n', email: 'late@example.net' } };
    expect((await go()).email).toBe('late@example.net');
    expect((await go()).email).toBe('late@example.net');
    expect(late.asked.get('/auth/keys')).toBe(2);
    // A key id that is new is asked for again, at most once a minute.
    vi.setSystemTime(Date.now() + 70_000);
    await late.rotate();
    const rotated = await go().finally(() => vi.useRealTimers());
    expect([rotated.email, late.asked.get('/auth/keys')]).toEqual(['late@example.net', 3]);
    expect(late.asked.get('/.well-known/openid-configuration')).toBe(1);
  });
});

test('[K2.5] with sign-up closed strangers are turned away, and who was invited comes in', async () => {
  await using closed = await startTestServer({
    environment: {
      SIGN_UP: 'closed',
      SIGN_ON_OIDC: JSON.stringify([{ id: 'corp', title: 'Corp', issuer: wicked.url, clientId: 'wicked-client' }]),
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.0/8',
    },
  });
  const come = async (claims: object) => {
    const client = createClient(closed.url);
    const { json } = await client.expect(200, 'POST /auth/sign-on/start', { body: { provider: 'corp' } });
    const url = new URL(json.url);
    wicked.script = { claims: { nonce: url.searchParams.get('nonce'), email: 'new@example.net', ...claims } };
    const query = new URLSearchParams({
      code: 'c',
      state: url.searchParams.get('state') ?? '',
      iss: wicked.url,
    }).toString();
    const answer = await client.ask('POST /auth/sign-on/finish', { body: { provider: 'corp', query } });
    return [answer.status, answer.json.code];
  };
  expect(await come({ email_verified: true })).toEqual([403, 'SIGN_UP_CLOSED']);
  const client = createClient(closed.url);
  expect((await client.expect(200, 'GET /auth/providers')).json.providers).toEqual([
    { id: 'corp', title: 'Corp', kind: 'oidc' },
  ]);
  await client.expect(404, 'POST /auth/sign-on/start', { body: { provider: 'google' } });

  // Who was invited comes in, if the provider says that the address is theirs; the invitation is then used.
  const { client: owner } = await closed.signUpOwner();
  await owner.expect(201, 'POST /admin/invitations', { body: { email: 'new@example.net' } });
  expect(await come({ email_verified: false })).toEqual([403, 'SIGN_UP_CLOSED']);
  expect(await come({ email_verified: true, email: 'other@example.net' })).toEqual([403, 'SIGN_UP_CLOSED']);
  expect((await come({ email_verified: true }))[0]).toBe(200);
  expect((await owner.expect(200, 'GET /admin/invitations')).json.items).toEqual([]);
});
