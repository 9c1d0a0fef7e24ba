/** Tokens of phones and programs: short-lived, refreshed for a bounded time, and worth nothing once one was stolen. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '#kernel/log';
import {
  cookieHeader,
  owner,
  startIdentityServer,
  type Answer,
  type IdentityServer,
} from '../../../testing/identity-server.ts';
import { createIdentity } from '../create-identity.ts';
import { replaceRecoveryCodes } from '../second-factors/recovery-codes.ts';
import { sealTotp } from '../second-factors/totp-store.ts';
import { sweepSessions } from '../session-store.ts';

const minute = 60_000;
const hour = 3_600_000;
let skew = 0;
const now = (): number => Date.now() + skew;
let server: IdentityServer;
let log = '';
const secrets: string[] = [];

beforeAll(async () => {
  const destination = { write: (line: string) => void (log += line) };
  server = await startIdentityServer({
    now,
    log: createLogger({ level: 'trace', destination }),
    environment: { SESSION_ABSOLUTE_DAYS: '2', LIMITS: 'auth.settings=10000/60,auth.token-refresh=10000/60' },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly answer: Answer;
}

/** send asks as a program does: without cookies and without what only browsers send. */
const send = (route: string, body: unknown, address = server.newAddress()): Promise<Answer> =>
  server.ask(route, { body, address, isProgram: true });

function read(answer: Answer): Tokens {
  if (answer.status >= 300) throw new Error(answer.text);
  const { accessToken, refreshToken } = answer.json;
  secrets.push(accessToken, refreshToken);
  return { access: accessToken, refresh: refreshToken, answer };
}

let people = 0;
async function signUp(): Promise<{ cookie: string; email: string; userId: string }> {
  people += 1;
  const answer = await server.signUp(`Walker${people}`);
  return { cookie: cookieHeader(answer.cookies), email: answer.json.user.email, userId: answer.json.user.id };
}

const signIn = async (email: string, more: Readonly<Record<string, unknown>> = {}): Promise<Tokens> =>
  read(await send('POST /auth/token', { identifier: email, password: owner.password, deviceName: 'Phone', ...more }));

const refresh = (token: string): Promise<Answer> => send('POST /auth/token/refresh', { refreshToken: token });

const codeOf = ({ status, json }: Answer): unknown[] => [status, json?.code];
const use = async (access: string): Promise<unknown[]> => codeOf(await server.ask('GET /session', { bearer: access }));

const atSkew = async (milliseconds: number, work: () => Promise<void>): Promise<void> => {
  skew = milliseconds;
  try {
    await work();
  } finally {
    skew = 0;
  }
};

test('[K2.6] a program signs in by password and acts as its person; only hashes are stored', async () => {
  const { email, userId } = await signUp();
  const { access, refresh: token, answer } = await signIn(email);
  expect(answer.status).toBe(201);
  expect(answer.cookies).toEqual([]);
  expect(answer.json).toMatchObject({ tokenType: 'Bearer', device: { name: 'Phone' } });
  expect(Date.parse(answer.json.accessTokenExpiresAt) - now()).toBeLessThanOrEqual(15 * minute);
  const session = await server.ask('GET /session', { bearer: access });
  expect(session.json).toMatchObject({
    user: { id: userId },
    role: 'owner',
    permissions: expect.arrayContaining(['auth.api-key.manage']),
  });
  const rows = await server.asAuth<{ text: string }>('select p::text as text from auth.token_pairs p');
  for (const secret of [access, token])
    expect(rows.some(({ text }) => text.includes(secret.slice(-49, -6)))).toBe(false);
  expect(await server.auditActions(email)).toEqual(['auth.sign-up', 'auth.token.issue']);
});

test('[K2.6] [K2.1] a wrong password, an unknown name and guessing are answered as at the form', async () => {
  const { email } = await signUp();
  const address = server.newAddress();
  const guess = (identifier: string) =>
    send('POST /auth/token', { identifier, password: 'wrong', deviceName: 'x' }, address);
  expect(codeOf(await guess('nobody@example.com'))).toEqual([401, 'SIGN_IN_FAILED']);
  const answers = [];
  for (let count = 0; count < 6; count += 1) answers.push((await guess(email)).status);
  expect(answers).toEqual([401, 401, 401, 401, 401, 429]);
});

test('[K2.6] an access token ends after its minutes, even while it is remembered, and says that it can be refreshed', async () => {
  const { email } = await signUp();
  const { access } = await signIn(email);
  await atSkew(15 * minute - 1_000, async () => expect(await use(access)).toEqual([200, undefined]));
  await atSkew(15 * minute + 1_000, async () => expect(await use(access)).toEqual([401, 'ACCESS_TOKEN_EXPIRED']));
});

test('[K2.6] an expired token can be refreshed for four hours and not a moment longer', async () => {
  const { email } = await signUp();
  const early = await signIn(email);
  const late = await signIn(email);
  await atSkew(15 * minute + 4 * hour - 2_000, async () => {
    const { access } = read(await refresh(early.refresh));
    expect(await use(access)).toEqual([200, undefined]);
  });
  await atSkew(15 * minute + 4 * hour + 2_000, async () => {
    expect(codeOf(await refresh(late.refresh))).toEqual([401, 'REFRESH_TOKEN_EXPIRED']);
  });
});

test('[K2.6] the four hours cannot be configured away, and refreshing for ever ends with the device’s absolute lifetime', async () => {
  await expect(startIdentityServer({ environment: { TOKEN_REFRESH_HOURS: '5' } })).rejects.toThrow(
    /TOKEN_REFRESH_HOURS/,
  );
  const { email } = await signUp();
  let token = (await signIn(email)).refresh;
  try {
    for (let step = 1; step <= 12; step += 1) {
      skew = step * 4 * hour - minute;
      token = read(await refresh(token)).refresh;
    }
    skew = 48 * hour - 1_000;
    const last = read(await refresh(token));
    expect(Date.parse(last.answer.json.refreshTokenExpiresAt)).toBe(Date.parse(last.answer.json.device.expiresAt));
    skew = 48 * hour + 1_000;
    expect(codeOf(await refresh(last.refresh))).toEqual([401, 'REFRESH_TOKEN_EXPIRED']);
    expect(await use(last.access)).toEqual([401, 'ACCESS_TOKEN_EXPIRED']);
  } finally {
    skew = 0;
  }
});

test('[K2.6] refresh tokens rotate, and a late reuse of an old one revokes the whole family on every process', async () => {
  const { email, userId } = await signUp();
  const first = await signIn(email);
  const second = read(await refresh(first.refresh));
  expect(second.refresh).not.toBe(first.refresh);
  const { db, config } = server.test;
  const elsewhere = await createIdentity({ db, config, log: server.services.log });
  try {
    const credentials = { authorization: `Bearer ${second.access}` };
    expect(await elsewhere.resolve(credentials)).toMatchObject({ userId, via: { kind: 'token' } });
    await atSkew(11_000, async () => {
      expect(codeOf(await refresh(first.refresh))).toEqual([401, 'REFRESH_TOKEN_REUSED']);
      expect(await use(second.access)).toEqual([401, 'UNAUTHENTICATED']);
      expect(codeOf(await refresh(second.refresh))).toEqual([401, 'REFRESH_TOKEN_INVALID']);
    });
    await expect.poll(() => elsewhere.resolve(credentials), { timeout: 4_000, interval: 2 }).toBeNull();
  } finally {
    await elsewhere.close();
  }
  expect(await server.auditActions(email)).toContain('auth.token.reuse');
});

test('[K2.6] the same request sent ten times at once gives one successor, ten times over', async () => {
  const { email } = await signUp();
  const { refresh: token } = await signIn(email);
  const answers = (await Promise.all(Array.from({ length: 10 }, () => refresh(token)))).map(read);
  expect(new Set(answers.map((answer) => answer.refresh)).size).toBe(1);
  expect(new Set(answers.map((answer) => answer.access)).size).toBe(1);
  const [{ access, refresh: next } = never] = answers;
  expect(await use(access)).toEqual([200, undefined]);
  expect(read(await refresh(next)).refresh).not.toBe(next);
});

test('[K2.6] within the same seconds an old token is a theft once its successor was used', async () => {
  const { email } = await signUp();
  const first = await signIn(email);
  const second = read(await refresh(first.refresh));
  const third = read(await refresh(second.refresh));
  expect(codeOf(await refresh(first.refresh))).toEqual([401, 'REFRESH_TOKEN_REUSED']);
  expect(await use(third.access)).toEqual([401, 'UNAUTHENTICATED']);
});

test('[K2.6] the seed of a repeated answer is kept no longer than until the next rotation', async () => {
  const { email, userId } = await signUp();
  const seeds = () =>
    server.asAuth(
      `select p.id from auth.token_pairs p join auth.token_families f on f.id = p.family_id
       where f.user_id = $1 and p.successor_seed is not null`,
      [userId],
    );
  const second = read(await refresh((await signIn(email)).refresh));
  expect(await seeds()).toHaveLength(1);
  await refresh(second.refresh);
  expect(await seeds()).toHaveLength(1);
});

test('[K2.6] [K2.4] devices stand among the sessions, are ended there, and end with all others and with a new password', async () => {
  const { cookie, email } = await signUp();
  const phone = await signIn(email);
  const watch = await signIn(email, { deviceName: 'Watch' });
  const list = await server.ask('GET /sessions', { cookie });
  expect(list.json.items.map((item: { kind: string; device: string }) => [item.kind, item.device])).toEqual([
    ['device', 'Watch'],
    ['device', 'Phone'],
    ['browser', 'Firefox on Linux'],
  ]);
  expect((await server.ask('GET /sessions', { bearer: phone.access })).json.items[1]).toMatchObject({
    isCurrent: true,
  });
  const stranger = await signUp();
  const route = `DELETE /sessions/${watch.answer.json.device.id}`;
  expect((await server.ask(route, { cookie: stranger.cookie })).status).toBe(404);
  expect((await server.ask(route, { cookie })).status).toBe(204);
  expect(await use(watch.access)).toEqual([401, 'UNAUTHENTICATED']);
  expect(codeOf(await refresh(watch.refresh))).toEqual([401, 'REFRESH_TOKEN_INVALID']);
  expect(await use(phone.access)).toEqual([200, undefined]);
  const body = { currentPassword: owner.password, newPassword: 'Vierzehn 5 Gänseblümchen!' };
  expect((await server.ask('POST /profile/password', { cookie, body })).status).toBe(204);
  expect(await use(phone.access)).toEqual([401, 'UNAUTHENTICATED']);
});

test('[K2.6] a device signs itself out by either token', async () => {
  const { email } = await signUp();
  const one = await signIn(email);
  expect((await server.ask('POST /auth/sign-out', { bearer: one.access })).status).toBe(204);
  expect(codeOf(await refresh(one.refresh))).toEqual([401, 'REFRESH_TOKEN_INVALID']);
  const two = await signIn(email);
  expect((await send('POST /auth/token/revoke', { refreshToken: two.refresh })).status).toBe(204);
  expect(await use(two.access)).toEqual([401, 'UNAUTHENTICATED']);
  expect((await send('POST /auth/token/revoke', { refreshToken: `${two.refresh.slice(0, -1)}!` })).status).toBe(204);
});

test('[K2.6] a token does nothing that asks for a recent proof, and neither do wrong kinds of token anything at all', async () => {
  const { email } = await signUp();
  const { access, refresh: token } = await signIn(email);
  const answer = await server.ask('POST /api-keys', {
    bearer: access,
    body: { name: 'x', scopes: ['auth.api-key.use'] },
  });
  expect(codeOf(answer)).toEqual([403, 'FORBIDDEN']);
  expect(await use(token)).toEqual([401, 'UNAUTHENTICATED']);
  expect(codeOf(await refresh(access))).toEqual([401, 'REFRESH_TOKEN_INVALID']);
});

test('[K2.6] [K2.2] an account with a second factor gets no token for its password alone, and one for a code, once', async () => {
  const { email, userId } = await signUp();
  await server.asAuth(
    `insert into auth.second_factors (user_id, totp_secret, totp_confirmed_at) values ($1, $2, now())`,
    [userId, await sealTotp(server.services, userId, 'secret')],
  );
  const [code = ''] = await server.services.db.withAuth((tx) => replaceRecoveryCodes(tx, userId));
  const devices = () => server.asAuth('select id from auth.token_families where user_id = $1', [userId]);
  const body = { identifier: email, password: owner.password, deviceName: 'Phone' };
  const asked = await send('POST /auth/token', body);
  expect(codeOf(asked)).toEqual([403, 'SECOND_FACTOR_NEEDED']);
  expect(asked.json.methods).toEqual(['totp', 'recovery-code']);
  const withCode = (text: string) =>
    send('POST /auth/token', { ...body, secondFactor: { method: 'recovery-code', code: text } });
  expect((await withCode('wrong-code')).json.code).toBe('SECOND_FACTOR_FAILED');
  expect(await devices()).toEqual([]);
  const { access } = read(await withCode(code));
  expect(await use(access)).toEqual([200, undefined]);
  expect((await withCode(code)).json.code).toBe('SECOND_FACTOR_FAILED');
  const badPassword = { ...body, password: 'wrong', secondFactor: { method: 'recovery-code', code } };
  expect(codeOf(await send('POST /auth/token', badPassword))).toEqual([401, 'SIGN_IN_FAILED']);
});

test('[K2.6] tokens work in an organisation one belongs to, and end with the membership', async () => {
  const ada = await signUp();
  const bob = await signUp();
  const [{ id } = { id: '' }] = await server.asAuth<{ id: string }>(
    'select id from auth.organizations where personal_user_id = $1',
    [bob.userId],
  );
  const body = { identifier: ada.email, password: owner.password, deviceName: 'Phone', organisationId: id };
  expect((await send('POST /auth/token', body)).status).toBe(404);
  await server.asAuth(`insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'viewer')`, [
    id,
    ada.userId,
  ]);
  const { access } = await signIn(ada.email, { organisationId: id });
  expect((await server.ask('GET /session', { bearer: access })).json).toMatchObject({
    organisation: { id },
    role: 'viewer',
  });
  await server.asAuth('delete from auth.members where tenant_id = $1 and user_id = $2', [id, ada.userId]);
  await expect.poll(() => use(access), { timeout: 4_000, interval: 20 }).toEqual([401, 'UNAUTHENTICATED']);
});

test('[K2.8] no page in a browser gets a token: not with a cookie, an Origin or Sec-Fetch-Site', async () => {
  const { cookie, email } = await signUp();
  const body = { identifier: email, password: owner.password, deviceName: 'Page' };
  for (const asking of [{ site: 'same-origin' }, { cookie }, { site: 'none' }]) {
    const answer = await server.ask('POST /auth/token', { body, address: server.newAddress(), ...asking });
    expect(codeOf(answer)).toEqual([403, 'TOKENS_NOT_FOR_BROWSERS']);
  }
  const { refresh: token } = await signIn(email);
  const answer = await server.ask('POST /auth/token/refresh', { cookie, body: { refreshToken: token } });
  expect(codeOf(answer)).toEqual([403, 'TOKENS_NOT_FOR_BROWSERS']);
});

test('[K2.6] the sweep removes devices that nobody can refresh any more, and nothing else', async () => {
  const { email, userId } = await signUp();
  await signIn(email);
  const devices = () => server.asAuth('select id from auth.token_families where user_id = $1', [userId]);
  await sweepSessions(server.test.db, new Date(now() + 4 * hour), 1_000);
  expect(await devices()).toHaveLength(1);
  await sweepSessions(server.test.db, new Date(now() + 4 * hour + 16 * minute), 1_000);
  expect(await devices()).toHaveLength(0);
});

test('[K7.1] no token stands in the log, at its most talkative', () => {
  expect(secrets.length).toBeGreaterThan(40);
  expect(log.length).toBeGreaterThan(10_000);
  for (const secret of secrets) expect(log.includes(secret.slice(-49, -6))).toBe(false);
});

declare const never: never;
