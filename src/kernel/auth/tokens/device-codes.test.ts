/** An app signs in through the browser with a code that is worth nothing to anybody else. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  cookieHeader,
  startIdentityServer,
  type Answer,
  type IdentityServer,
} from '../../../testing/identity-server.ts';
import { isAppAddress } from './device-codes.ts';

let skew = 0;
let server: IdentityServer;
let cookie = '';
beforeAll(async () => {
  server = await startIdentityServer({
    now: () => Date.now() + skew,
    environment: { LIMITS: 'auth.device-code=1000/60' },
  });
  cookie = cookieHeader((await server.signUp('Pilot')).cookies);
});
afterAll(() => server[Symbol.asyncDispose]());

const redirectUri = 'com.example.app:/signed-in';
const verifier = randomBytes(32).toString('base64url');
const codeChallenge = createHash('sha256').update(verifier).digest('base64url');

async function consent(more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const body = { codeChallenge, redirectUri, deviceName: 'Phone', state: 'xyz', ...more };
  const answer = await server.ask('POST /auth/device-codes', { cookie, body });
  if (answer.status !== 200) throw new Error(answer.text);
  const target = new URL(answer.json.redirectTo);
  expect(target.href.startsWith(`${redirectUri}?code=bac_`)).toBe(true);
  expect(target.searchParams.get('state')).toBe('xyz');
  return target.searchParams.get('code') ?? '';
}

const exchange = (code: string, more: Readonly<Record<string, unknown>> = {}): Promise<Answer> =>
  server.ask('POST /auth/token/exchange', {
    body: { code, codeVerifier: verifier, redirectUri, ...more },
    address: server.newAddress(),
    isProgram: true,
  });

const codeOf = ({ status, json }: Answer): unknown[] => [status, json.code];
const invalid = [401, 'DEVICE_CODE_INVALID'];

test('[K2.6] an app exchanges the code of a consent once, and then acts as its person', async () => {
  const code = await consent();
  const answer = await exchange(code);
  expect([answer.status, answer.json.device.name]).toEqual([201, 'Phone']);
  const session = await server.ask('GET /session', { bearer: answer.json.accessToken });
  expect(session.json.user.email).toBe('pilot@example.com');
  expect(codeOf(await exchange(code))).toEqual(invalid);
  expect(await server.auditActions('pilot@example.com')).toEqual(
    expect.arrayContaining(['auth.device-code.create', 'auth.token.issue']),
  );
});

test('[K2.6] of ten exchanges of one code at once, one succeeds', async () => {
  const code = await consent();
  const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(code)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
});

test('[K2.6] a code is worth nothing with another verifier or address, too late, altered, or as a token', async () => {
  expect(codeOf(await exchange(await consent(), { codeVerifier: 'x'.repeat(43) }))).toEqual(invalid);
  expect(codeOf(await exchange(await consent(), { redirectUri: 'com.example.other:/' }))).toEqual(invalid);
  const late = await consent();
  skew = 61_000;
  expect(codeOf(await exchange(late))).toEqual(invalid);
  skew = 0;
  const code = await consent();
  expect(codeOf(await exchange(`${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}`))).toEqual(invalid);
  expect((await server.ask('GET /session', { bearer: code })).status).toBe(401);
  // A wrong verifier uses the code up: nobody gets a second guess.
  const spent = await consent();
  await exchange(spent, { codeVerifier: 'y'.repeat(43) });
  expect(codeOf(await exchange(spent))).toEqual(invalid);
});

test('[K2.6] only apps are called back: no page on the web, no scheme that anybody may own', async () => {
  for (const uri of ['com.example.app:/done', 'http://127.0.0.1:53124/cb', 'http://[::1]:9/cb', 'com.example.app://cb'])
    expect([uri, isAppAddress(uri)]).toEqual([uri, true]);
  for (const uri of [
    'https://evil.example/cb',
    'http://evil.example/',
    'http://127.0.0.1.evil.example/',
    'http://user@127.0.0.1/',
    'http://localhost:1/',
    'javascript:alert(1)',
    'data:text/html,x',
    'app:/x',
    'com.example.app:/x#fragment',
    '//evil.example',
    '',
  ])
    expect([uri, isAppAddress(uri)]).toEqual([uri, false]);
  const body = { codeChallenge, redirectUri: 'https://evil.example/', deviceName: 'x' };
  const answer = await server.ask('POST /auth/device-codes', { cookie, body });
  expect(codeOf(answer)).toEqual([400, 'REDIRECT_REFUSED']);
});

test('[K2.8] neither a page nor a device makes tokens out of what it has', async () => {
  const code = await consent();
  const body = { code, codeVerifier: verifier, redirectUri };
  expect(codeOf(await server.ask('POST /auth/token/exchange', { cookie, body }))).toEqual([
    403,
    'TOKENS_NOT_FOR_BROWSERS',
  ]);
  const { accessToken } = (await exchange(code)).json;
  const again = await server.ask('POST /auth/device-codes', {
    bearer: accessToken,
    body: { codeChallenge, redirectUri, deviceName: 'x' },
  });
  expect(again.status).toBe(403);
});
