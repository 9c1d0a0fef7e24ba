/** API keys do what they were made for, as long as they should, and nothing else. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '#kernel/log';
import {
  cookieHeader,
  startIdentityServer,
  type Answer,
  type IdentityServer,
} from '../../../testing/identity-server.ts';
import { createIdentity } from '../create-identity.ts';

const minute = 60_000;
const day = 86_400_000;
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
    environment: { LIMITS: 'auth.api-key-write=10000/60,auth.settings=10000/60' },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

let people = 0;
async function signUp(): Promise<{ cookie: string; email: string; userId: string; tenantId: string }> {
  people += 1;
  const answer = await server.signUp(`Keeper${people}`);
  const { user, organisation } = answer.json;
  return { cookie: cookieHeader(answer.cookies), email: user.email, userId: user.id, tenantId: organisation.id };
}

async function makeKey(
  cookie: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ id: string; secret: string; answer: Answer }> {
  const body = { name: 'Import', scopes: ['auth.api-key.use'], ...more };
  const answer = await server.ask('POST /api-keys', { cookie, body });
  if (answer.status !== 201) throw new Error(answer.text);
  secrets.push(answer.json.secret);
  return { id: answer.json.apiKey.id, secret: answer.json.secret, answer };
}

const ask = (bearer: string, address = server.newAddress()): Promise<Answer> =>
  server.ask('GET /session', { bearer, address });

const codeOf = async (bearer: string, address?: string): Promise<unknown[]> => {
  const answer = await ask(bearer, address);
  return [answer.status, answer.json.code];
};

const readKey = async (id: string) =>
  (
    await server.asAuth<{ at: Date | null; address: string | null }>(
      'select last_used_at as at, last_used_address as address from auth.api_keys where id = $1',
      [id],
    )
  )[0];

test('[K2.7] a key is shown once, stored only as a hash, and says who it acts for and what it may do', async () => {
  const { cookie, email, userId } = await signUp();
  const { id, secret, answer } = await makeKey(cookie);
  expect(secret).toMatch(/^bhk_[0-9a-f]{32}_[\w-]{49}$/);
  expect(answer.json.apiKey).toMatchObject({
    state: 'active',
    lastFour: secret.slice(-4),
    lastUsedAt: null,
    isMine: true,
  });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const session = await ask(secret);
  expect(session.json).toMatchObject({
    user: { id: userId, email },
    permissions: ['auth.api-key.use'],
    isOperator: false,
  });
  const list = await server.ask('GET /api-keys', { cookie });
  expect(list.text).not.toContain(secret);
  expect(list.json.items.map((item: { id: string }) => item.id)).toEqual([id]);
  const rows = await server.asAuth<{ text: string }>('select k::text as text from auth.api_keys k where id = $1', [id]);
  expect(rows[0]?.text).not.toContain(secret.slice(-49, -6));
  expect(await server.auditActions(email)).toEqual(['auth.sign-up', 'auth.api-key.create']);
});

test('[K2.7] what a key does stands in the audit trail as done by the key', async () => {
  const { cookie, userId } = await signUp();
  const { id, secret } = await makeKey(cookie);
  const renamed = await server.ask(`PATCH /api-keys/${id}`, { bearer: secret, body: { name: 'By itself' } });
  expect([renamed.status, renamed.json.name]).toEqual([200, 'By itself']);
  expect(
    await server.asAuth(
      `select actor_kind, actor_via, actor_user_id from kernel.audit_records where action = 'auth.api-key.rename' and actor_user_id = $1`,
      [userId],
    ),
  ).toEqual([{ actor_kind: 'key', actor_via: id, actor_user_id: userId }]);
});

test('[K2.7] a key gets no further than its scopes: not to routes for people, not to sensitive ones, not to make keys', async () => {
  const { cookie } = await signUp();
  const { id, secret: bearer } = await makeKey(cookie);
  const refused = [
    ['GET /sessions', undefined],
    ['PATCH /profile', { name: 'Eve' }],
    ['POST /sessions/revoke-others', undefined],
    ['POST /api-keys', { name: 'Another', scopes: ['auth.api-key.use'] }],
    [`DELETE /api-keys/${id}`, undefined],
    ['GET /api-keys?of=everybody', undefined],
  ] as const;
  for (const [route, body] of refused) {
    const answer = await server.ask(route, { bearer, body });
    expect([route, answer.status, answer.json.code]).toEqual([route, 403, 'FORBIDDEN']);
  }
  const narrow = await makeKey(cookie, { scopes: ['auth.api-key.manage'] });
  const answer = await server.ask('GET /api-keys', { bearer: narrow.secret });
  expect(answer.json).toMatchObject({ status: 403, permission: 'auth.api-key.use' });
  expect(answer.json.detail).toContain('auth.api-key.use');
});

test('[K2.7] nobody gives a key more than they have, and a key loses what its maker loses', async () => {
  const { cookie, userId } = await signUp();
  const { id, secret } = await makeKey(cookie, { scopes: ['auth.api-key.use', 'auth.api-key.manage'] });
  expect((await server.ask('GET /api-keys?of=everybody', { bearer: secret })).status).toBe(200);
  await server.asAuth(`update auth.members set role = 'member' where user_id = $1`, [userId]);
  const lost = () => server.ask('GET /api-keys?of=everybody', { bearer: secret }).then((answer) => answer.status);
  await expect.poll(lost, { timeout: 4_000, interval: 20 }).toBe(403);
  expect((await ask(secret)).json.permissions).toEqual(['auth.api-key.use']);
  const list = await server.ask('GET /api-keys', { cookie });
  expect(list.json.items[0]).toMatchObject({ id, lostScopes: ['auth.api-key.manage'] });
  const more = await server.ask('POST /api-keys', {
    cookie,
    body: { name: 'More', scopes: ['auth.api-key.use', 'auth.api-key.manage', 'no.such.permission'] },
  });
  expect(more.json.errors.map((issue: { pointer: string }) => issue.pointer)).toEqual([
    '/body/scopes/1',
    '/body/scopes/2',
  ]);
});

test('[K2.7] who leaves the organisation takes their keys along, for good', async () => {
  const { cookie, userId, tenantId } = await signUp();
  const { secret } = await makeKey(cookie);
  expect((await ask(secret)).status).toBe(200);
  await server.asAuth('delete from auth.members where user_id = $1', [userId]);
  await expect.poll(async () => (await ask(secret)).status, { timeout: 4_000, interval: 20 }).toBe(401);
  await server.asAuth(`insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'owner')`, [
    tenantId,
    userId,
  ]);
  expect(await codeOf(secret)).toEqual([401, 'UNAUTHENTICATED']);
});

test('[K2.7] a revoked key is refused at once on every process, and its user is told why', async () => {
  const { cookie, email } = await signUp();
  const { id, secret } = await makeKey(cookie);
  const { db, config } = server.test;
  const elsewhere = await createIdentity({ db, config, log: server.services.log });
  try {
    const credentials = { authorization: `Bearer ${secret}`, address: '203.0.113.1' };
    expect(await elsewhere.resolve(credentials)).toMatchObject({ via: { kind: 'key', keyId: id } });
    expect((await ask(secret)).status).toBe(200);
    expect((await server.ask(`DELETE /api-keys/${id}`, { cookie })).status).toBe(204);
    const answer = await ask(secret);
    expect([answer.status, answer.json.code]).toEqual([401, 'API_KEY_REVOKED']);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    await expect
      .poll(() => elsewhere.resolve(credentials).catch((error: { code: string }) => error.code), {
        interval: 2,
        timeout: 4_000,
      })
      .toBe('API_KEY_REVOKED');
  } finally {
    await elsewhere.close();
  }
  expect((await server.ask(`DELETE /api-keys/${id}`, { cookie })).status).toBe(204);
  expect((await server.auditActions(email)).filter((action) => action === 'auth.api-key.revoke')).toHaveLength(1);
  expect((await server.ask('GET /api-keys', { cookie })).json.items[0]).toMatchObject({ state: 'revoked' });
});

test('[K2.7] a key ends when it was told to, even while it is remembered; an end in the past is refused', async () => {
  const { cookie } = await signUp();
  try {
    const { secret } = await makeKey(cookie, { expiresAt: new Date(now() + day).toISOString() });
    skew = day - 2_000;
    expect((await ask(secret)).status).toBe(200);
    skew = day + 10;
    expect(await codeOf(secret)).toEqual([401, 'API_KEY_EXPIRED']);
  } finally {
    skew = 0;
  }
  const past = await server.ask('POST /api-keys', {
    cookie,
    body: { name: 'Late', scopes: ['auth.api-key.use'], expiresAt: '2020-01-01T00:00:00Z' },
  });
  expect(past.json.errors).toEqual([{ pointer: '/body/expiresAt', detail: expect.any(String) }]);
});

test('[K2.7] a key counts only from its networks, whatever was remembered from a better place', async () => {
  const { cookie } = await signUp();
  const { secret } = await makeKey(cookie, { addressAllowList: ['203.0.113.0/24', '2001:db8::/32'] });
  expect((await ask(secret, '203.0.113.9')).status).toBe(200);
  expect(await codeOf(secret, '198.51.100.9')).toEqual([401, 'API_KEY_ADDRESS_REFUSED']);
  expect((await ask(secret, '2001:db8::7')).status).toBe(200);
  const bad = await server.ask('POST /api-keys', {
    cookie,
    body: { name: 'Bad', scopes: ['auth.api-key.use'], addressAllowList: ['10.0.0.0/8', 'home'] },
  });
  expect(bad.json.errors.map((issue: { pointer: string }) => issue.pointer)).toEqual(['/body/addressAllowList/1']);
});

test('[K2.7] a wrong secret is told nothing, not even that the key was revoked, and guessing is limited by address', async () => {
  const { cookie } = await signUp();
  const { id, secret } = await makeKey(cookie);
  const other = await makeKey(cookie);
  const { formatToken, newSecret } = await import('../bearer-token.ts');
  const guess = () => formatToken('bhk', id, newSecret());
  await server.ask(`DELETE /api-keys/${id}`, { cookie });
  expect(await codeOf(guess())).toEqual([401, 'UNAUTHENTICATED']);
  expect(await codeOf(`${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`)).toEqual([401, 'UNAUTHENTICATED']);
  const address = server.newAddress();
  await server.limits.take({ name: 'kernel.refused', max: 300, windowSeconds: 60 }, `address:${address}`, 299);
  expect((await ask(guess(), address)).status).toBe(401);
  expect((await ask(guess(), address)).status).toBe(429);
  expect((await ask(other.secret, address)).status).toBe(200);
});

test('[K2.7] the last use is recorded with its address, at most once a minute', async () => {
  const { cookie } = await signUp();
  const { id, secret } = await makeKey(cookie);
  try {
    await ask(secret, '203.0.113.20');
    await expect.poll(() => readKey(id), { timeout: 20_000 }).toMatchObject({ address: '203.0.113.20' });
    const first = (await readKey(id))?.at?.getTime() ?? 0;
    skew = 50_000;
    await ask(secret, '203.0.113.21');
    skew = 70_000;
    await ask(secret, '203.0.113.22');
    await expect.poll(() => readKey(id), { timeout: 20_000 }).toMatchObject({ address: '203.0.113.22' });
    expect((await readKey(id))?.at?.getTime()).toBeGreaterThan(first + minute);
  } finally {
    skew = 0;
  }
});

test('[K2.7] [K4.1] a key has a limit of its own beside the route’s, and both are announced', async () => {
  const { cookie } = await signUp();
  const { secret } = await makeKey(cookie, { requestsPerMinute: 3 });
  const first = await ask(secret);
  expect(first.headers.get('ratelimit-policy')).toBe('"auth.session-read";q=300;w=60, "auth.api-key";q=3;w=60');
  expect(first.headers.get('ratelimit')).toMatch(/^"auth\.session-read";r=299;t=\d+, "auth\.api-key";r=2;t=\d+$/);
  await ask(secret);
  await ask(secret);
  const fourth = await ask(secret);
  expect([fourth.status, fourth.json['violated-policies']]).toEqual([429, ['auth.api-key']]);
  expect((await server.ask('GET /session', { cookie })).status).toBe(200);
  const other = await makeKey(cookie);
  expect((await ask(other.secret)).status).toBe(200);
  for (const requestsPerMinute of [0, 6_001]) {
    const answer = await server.ask('POST /api-keys', {
      cookie,
      body: { name: 'Bound', scopes: ['auth.api-key.use'], requestsPerMinute },
    });
    expect(answer.status).toBe(400);
  }
});

test('[K2.7] owners and admins see and revoke the keys of all; members their own, and the others’ are not found', async () => {
  const boss = await signUp();
  const worker = await signUp();
  await server.asAuth(`insert into auth.members (tenant_id, user_id, role) values ($1, $2, 'member')`, [
    boss.tenantId,
    worker.userId,
  ]);
  await server.asAuth('update auth.sessions set tenant_id = $1 where user_id = $2', [boss.tenantId, worker.userId]);
  await server.asAuth(`select pg_notify('bulkhead_sessions', 'user:' || $1::text)`, [worker.userId]);
  const isMoved = async () => (await server.ask('GET /session', { cookie: worker.cookie })).json.organisation.id;
  await expect.poll(isMoved, { timeout: 4_000 }).toBe(boss.tenantId);
  const theirs = await makeKey(worker.cookie);
  const own = await makeKey(boss.cookie);
  expect((await server.ask('GET /api-keys?of=everybody', { cookie: worker.cookie })).status).toBe(403);
  for (const route of [`DELETE /api-keys/${own.id}`, `PATCH /api-keys/${own.id}`]) {
    const answer = await server.ask(route, {
      cookie: worker.cookie,
      body: route.startsWith('PATCH') ? { name: 'x' } : undefined,
    });
    expect([route, answer.status]).toEqual([route, 404]);
  }
  const all = await server.ask('GET /api-keys?of=everybody', { cookie: boss.cookie });
  expect(all.json.items.map((item: { id: string; isMine: boolean }) => [item.id, item.isMine])).toEqual([
    [own.id, true],
    [theirs.id, false],
  ]);
  expect((await server.ask('GET /api-keys', { cookie: boss.cookie })).json.items).toHaveLength(1);
  expect((await server.ask(`DELETE /api-keys/${theirs.id}`, { cookie: boss.cookie })).status).toBe(204);
  expect(await codeOf(theirs.secret)).toEqual([401, 'API_KEY_REVOKED']);
  const stranger = await signUp();
  expect((await server.ask(`DELETE /api-keys/${own.id}`, { cookie: stranger.cookie })).status).toBe(404);
});

test('[K2.7] of requests at once that would pass the bound of twenty keys, none does', async () => {
  const { cookie } = await signUp();
  for (let count = 0; count < 17; count += 1) await makeKey(cookie);
  const body = { name: 'Race', scopes: ['auth.api-key.use'] };
  const answers = await Promise.all(Array.from({ length: 6 }, () => server.ask('POST /api-keys', { cookie, body })));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
  expect(answers.filter(({ json }) => json.code === 'API_KEY_COUNT_REACHED')).toHaveLength(3);
});

test('[K7.1] no key stands in the log, at its most talkative', () => {
  expect(secrets.length).toBeGreaterThan(10);
  expect(log.length).toBeGreaterThan(10_000);
  for (const secret of secrets) expect(log.includes(secret.slice(-49, -6))).toBe(false);
});
