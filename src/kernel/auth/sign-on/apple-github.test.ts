/** Apple (web, posted back; and a phone app's own token) and GitHub, each against a server that speaks as they do. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createClient, type TestClient } from '../../../testing/client.ts';
import { startTestServer, type TestServer } from '../../../testing/server.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../testing/sign-on/scripted-issuer.ts';

const appleOrigin = 'https://appleid.apple.com';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let apple: ScriptedIssuer;
let github: Awaited<ReturnType<typeof startGithub>>;
let server: TestServer;

/** startGithub speaks GitHub Enterprise's addresses; `people` are found by the code. */
async function startGithub() {
  const people = new Map<string, { user: object; emails: object }>();
  const tokenForms: URLSearchParams[] = [];
  const http = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const send = (body: unknown, status = 200) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      };
      if (request.url === '/login/oauth/access_token') {
        const form = new URLSearchParams(Buffer.concat(chunks).toString());
        tokenForms.push(form);
        const code = form.get('code') ?? '';
        // GitHub says 200 to a bad code as well.
        send(
          people.has(code)
            ? { access_token: `token-${code}`, token_type: 'bearer' }
            : { error: 'bad_verification_code' },
        );
        return;
      }
      const person = people.get((request.headers.authorization ?? '').replace('Bearer token-', ''));
      if (!person) send({ message: 'Bad credentials' }, 401);
      else send(request.url === '/api/v3/user' ? person.user : person.emails);
    })();
  });
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    people,
    tokenForms,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(resolve);
      }),
  };
}

beforeAll(async () => {
  apple = await startScriptedIssuer('com.example.web', appleOrigin);
  github = await startGithub();
  server = await startTestServer({
    environment: {
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.0/8',
      APPLE_CLIENT_ID: 'com.example.web',
      APPLE_TEAM_ID: 'TEAM123456',
      APPLE_KEY_ID: 'KEY1234567',
      APPLE_PRIVATE_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })).replaceAll('\n', '\\n'),
      APPLE_APP_IDS: 'com.example.app',
      GITHUB_CLIENT_ID: 'github-client',
      GITHUB_CLIENT_SECRET: 'github-secret',
      GITHUB_URL: github.url,
      LIMITS: 'auth.sign-on-start=1000/60,auth.sign-on-finish=1000/60,auth.native-sign-on=1000/60',
    },
  });
  // Apple's addresses are fixed in the program; in this test the network leads to the one who plays Apple.
  const { outbound } = server.services;
  const real = outbound.fetch.bind(outbound);
  vi.spyOn(outbound, 'fetch').mockImplementation((url, request) => real(url.replace(appleOrigin, apple.url), request));
  await server.signUpOwner();
}, 60_000);
afterAll(async () => {
  vi.restoreAllMocks();
  await server?.[Symbol.asyncDispose]();
  await apple?.[Symbol.asyncDispose]();
  await github?.close();
});

const browser = () => createClient(server.url);
const start = async (client: TestClient, provider: string) =>
  new URL((await client.expect(200, 'POST /auth/sign-on/start', { body: { provider } })).json.url);
const finish = (client: TestClient, provider: string, query: string) =>
  client.ask('POST /auth/sign-on/finish', { body: { provider, query } });

test('[K2.5] the page is told which providers there are, and no more', async () => {
  const { json, text } = await server.anonymous.expect(200, 'GET /auth/providers');
  expect(json.providers).toEqual([
    { id: 'apple', title: 'Apple', kind: 'apple' },
    { id: 'github', title: 'GitHub', kind: 'github' },
  ]);
  expect(text).not.toMatch(/secret|client/);
});

describe('Apple on the web', () => {
  const postBack = async (fields: Record<string, string>) => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'cross-site',
      origin: appleOrigin,
    };
    const answer = await server.anonymous.sendRaw(
      'POST /auth/sign-on/apple',
      headers,
      new URLSearchParams(fields).toString(),
    );
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([303, []]);
    return new URL(answer.headers.get('location') ?? '', server.url);
  };

  test('[K2.5] Apple posts, the page comes back with the cookie; the secret is signed for the request, the name taken once', async () => {
    const client = browser();
    const url = await start(client, 'apple');
    expect(url.origin + url.pathname).toBe(`${appleOrigin}/auth/authorize`);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_mode: 'form_post',
      scope: 'openid name email',
      redirect_uri: `${server.url}/api/v1/auth/sign-on/apple`,
    });
    apple.script = {
      claims: {
        nonce: url.searchParams.get('nonce'),
        sub: 'apple-1',
        email: 'tim@example.net',
        email_verified: 'true',
      },
    };
    const user = JSON.stringify({ name: { firstName: 'Tim', lastName: 'Apple' }, email: 'forged@example.net' });
    const back = await postBack({
      state: url.searchParams.get('state') ?? '',
      code: 'a-code',
      user,
      id_token: 'left aside',
    });
    expect(back.pathname).toBe('/sign-on/apple');
    expect((await finish(browser(), 'apple', back.searchParams.toString())).json.code).toBe('SIGN_ON_EXPIRED');
    const answer = await finish(client, 'apple', back.searchParams.toString());
    expect(answer.json).toMatchObject({ outcome: 'signed-in', isNew: true });
    expect((await client.expect(200, 'GET /session')).json.user).toMatchObject({
      name: 'Tim Apple',
      email: 'tim@example.net',
    });
    const secret = apple.tokenForms.at(-1)?.get('client_secret') ?? '';
    expect(decodeProtectedHeader(secret)).toMatchObject({ alg: 'ES256', kid: 'KEY1234567' });
    const claims = decodeJwt(secret);
    expect(claims).toMatchObject({ iss: 'TEAM123456', sub: 'com.example.web', aud: appleOrigin });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBeLessThanOrEqual(300);
  });

  test('[K2.5] cancelling at Apple says so', async () => {
    const client = browser();
    const url = await start(client, 'apple');
    const back = await postBack({ state: url.searchParams.get('state') ?? '', error: 'user_cancelled_authorize' });
    expect((await finish(client, 'apple', back.searchParams.toString())).json.code).toBe('SIGN_ON_CANCELLED');
  });

  test('[K2.5] a field twice, or a form that is none, is refused', async () => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const twice = await server.anonymous.sendRaw('POST /auth/sign-on/apple', type, 'state=a&state=b');
    expect(twice.status).toBe(400);
    await server.anonymous.expect(415, 'POST /auth/sign-on/apple', { body: { state: 'a' } });
  });
});

describe('Apple on a phone', () => {
  const nonce = 'a-nonce-of-the-phone-app';
  const hashed = createHash('sha256').update(nonce).digest('hex');
  const honest = {
    iss: appleOrigin,
    aud: 'com.example.app',
    sub: 'phone-1',
    nonce: hashed,
    email: 'phone@example.net',
    email_verified: true,
  };
  const send = (idToken: string, given = nonce) =>
    browser().ask('POST /auth/native/apple', { body: { idToken, nonce: given, name: 'Phone Person' } });

  test('[K2.5] an id token of the app signs in once, and the same person comes in again by a new one', async () => {
    const token = await apple.sign(honest);
    const first = await send(token);
    expect([first.status, first.json.user?.email, first.json.user?.name]).toEqual([
      200,
      'phone@example.net',
      'Phone Person',
    ]);
    const again = await send(token);
    expect([again.status, again.json.code]).toEqual([400, 'SIGN_ON_EXPIRED']);
    const second = await send(await apple.sign({ ...honest, jti: 'another' }));
    expect(second.json.user?.id).toBe(first.json.user?.id);
  });

  test('[K2.5] a used id token whose signature is written in another way counts no more', async () => {
    const token = await apple.sign({ ...honest, sub: 'phone-2', email: 'phone-2@example.net' });
    expect((await send(token)).status).toBe(200);
    // The last letter of 256 bytes in base64url has four bits that mean nothing, and readers forgive what is behind it.
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = letters.indexOf(token.at(-1) ?? '');
    for (const spelled of [`${token.slice(0, -1)}${letters[last ^ 1]}`, `${token}==`, `${token}\n`]) {
      const { status, json } = await send(spelled);
      expect([status, json.code]).toEqual([400, expect.stringMatching(/^SIGN_ON_(?:EXPIRED|REFUSED)$/)]);
    }
  });

  test('[K2.5] keys are fetched once, and again for a key id that is new', async () => {
    const before = apple.asked.get('/auth/keys') ?? 0;
    await send(await apple.sign({ ...honest, jti: 'k1' }));
    expect(apple.asked.get('/auth/keys')).toBe(before);
    vi.setSystemTime(Date.now() + 40_000); // the cool-down between two questions
    await apple.rotate();
    const rotated = await send(await apple.sign({ ...honest, jti: 'k2' }));
    vi.useRealTimers();
    expect([rotated.status, apple.asked.get('/auth/keys')]).toEqual([200, before + 1]);
  });

  const now = () => Math.floor(Date.now() / 1000);
  const lies: readonly { readonly what: string; readonly claims: () => Record<string, unknown> }[] = [
    { what: 'another app as audience', claims: () => ({ aud: 'com.other.app' }) },
    { what: 'the web client as audience', claims: () => ({ aud: 'com.example.web' }) },
    { what: 'another issuer', claims: () => ({ iss: 'https://evil.example' }) },
    { what: 'another nonce', claims: () => ({ nonce: 'another' }) },
    { what: 'no nonce', claims: () => ({ nonce: undefined }) },
    { what: 'a token that has ended', claims: () => ({ iat: now() - 400, exp: now() - 100 }) },
    { what: 'a token of an hour ago that is still good', claims: () => ({ iat: now() - 3600, exp: now() + 3600 }) },
    { what: 'no person', claims: () => ({ sub: undefined }) },
  ];
  test.each(lies)('[K2.5] $what is refused', async ({ claims }) => {
    const answer = await send(await apple.sign({ ...honest, ...claims() }));
    expect([answer.status, answer.json.code]).toEqual([400, 'SIGN_ON_REFUSED']);
  });

  test('[K2.5] an unsigned token, a damaged one and one that is none are refused', async () => {
    const token = await apple.sign(honest);
    const [, payload = ''] = token.split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    for (const forged of [unsigned, `${token.slice(0, -6)}AAAAAA`, 'x'.repeat(50)])
      expect((await send(forged)).json.code).toBe('SIGN_ON_REFUSED');
  });
});

describe('GitHub', () => {
  const grace = {
    user: { id: 42, login: 'grace', name: 'Grace Hopper', email: 'public@example.net' },
    emails: [
      { email: 'old@example.net', primary: false, verified: true },
      { email: 'grace-hub@example.net', primary: true, verified: true },
    ],
  };

  async function signOn(client: TestClient, code: string) {
    const url = await start(client, 'github');
    const query = new URLSearchParams({ code, state: url.searchParams.get('state') ?? '' });
    return { url, answer: await finish(client, 'github', query.toString()) };
  }

  test('[K2.5] the person is the number, the address the verified primary one', async () => {
    github.people.set('good', grace);
    const client = browser();
    const { url, answer } = await signOn(client, 'good');
    expect(url.searchParams.get('code_challenge_method')).toBe('S256');
    expect(answer.json).toMatchObject({ outcome: 'signed-in', isNew: true });
    expect((await client.expect(200, 'GET /session')).json.user).toMatchObject({
      email: 'grace-hub@example.net',
      name: 'Grace Hopper',
    });
    const form = github.tokenForms.at(-1);
    expect([form?.get('client_secret'), form?.get('redirect_uri')]).toEqual([
      'github-secret',
      `${server.url}/sign-on/github`,
    ]);
    expect(
      createHash('sha256')
        .update(form?.get('code_verifier') ?? '')
        .digest('base64url'),
    ).toBe(url.searchParams.get('code_challenge'));
    github.people.set('renamed', { ...grace, user: { ...grace.user, login: 'somebody-else' } });
    expect((await signOn(browser(), 'renamed')).answer.json).toMatchObject({ isNew: false });
    github.people.set('taken-login', { ...grace, user: { ...grace.user, id: 43 }, emails: [] });
    expect((await signOn(browser(), 'taken-login')).answer.json.code).toBe('SIGN_ON_NO_EMAIL');
  });

  test('[K2.5] an address that GitHub has not verified opens no account that is there', async () => {
    const attacker = {
      user: { id: 666, login: 'x', name: null },
      emails: [{ email: 'grace-hub@example.net', primary: true, verified: false }],
    };
    github.people.set('unverified', attacker);
    expect((await signOn(browser(), 'unverified')).answer.json.code).toBe('SIGN_ON_LINK_FIRST');
  });

  test('[K2.5] who proves an address takes over nothing that a stranger has left in its account', async () => {
    const email = 'awaited@example.net';
    const person = (id: number, verified: boolean) => ({
      user: { id, login: `awaited-${id}`, name: null },
      emails: [{ email, primary: true, verified }],
    });
    github.people.set('stranger', person(801, false));
    const stranger = browser();
    expect((await signOn(stranger, 'stranger')).answer.json).toMatchObject({ outcome: 'signed-in', isNew: true });
    const body = { name: 'Left behind', scopes: ['agents.agent.read'] };
    const key = (await stranger.expect(201, 'POST /api-keys', { body })).json.secret as string;
    const byKey = () => fetch(`${server.url}/api/v1/agents`, { headers: { authorization: `Bearer ${key}` } });
    expect((await byKey()).status).toBe(200);
    // As when the organisation through whose provider somebody came disconnects it: no way in is left, but sessions are.
    const sql = `delete from auth.accounts where user_id = (select id from auth.users where email = '${email}')`;
    await server.services.db.withAuth((tx) => tx.query({ text: sql }));
    github.people.set('awaited', person(802, true));
    const owner = browser();
    expect((await signOn(owner, 'awaited')).answer.json).toMatchObject({ outcome: 'signed-in', isNew: false });
    await owner.expect(200, 'GET /session');
    await stranger.expect(401, 'GET /session');
    expect((await byKey()).status).toBe(401);
  });

  test('[K2.5] a refused code, a cancelled form and an answer in another shape are told apart', async () => {
    expect((await signOn(browser(), 'nobody')).answer.json.code).toBe('SIGN_ON_REFUSED');
    github.people.set('odd', { user: { login: 'no number' }, emails: [] });
    expect((await signOn(browser(), 'odd')).answer.json.code).toBe('SIGN_ON_PROVIDER_AWAY');
    const client = browser();
    const url = await start(client, 'github');
    const cancelled = await finish(
      client,
      'github',
      `error=access_denied&state=${url.searchParams.get('state') ?? ''}`,
    );
    expect(cancelled.json.code).toBe('SIGN_ON_CANCELLED');
  });
});
