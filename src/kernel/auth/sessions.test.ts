/** Sessions end when they should, everywhere at once. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cookieHeader, owner, startIdentityServer, type IdentityServer } from '../../testing/identity-server.ts';
import { createIdentity } from './create-identity.ts';
import { sessionCookieName } from './session-cookie.ts';
import { sweepSessions } from './session-store.ts';

const hour = 3_600_000;
let skew = 0;
const now = (): number => Date.now() + skew;
let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer({ now, environment: { SESSION_IDLE_HOURS: '10', SESSION_ABSOLUTE_DAYS: '2' } });
});
afterAll(() => server[Symbol.asyncDispose]());

let people = 0;
async function signUp(): Promise<{ cookie: string; email: string; userId: string }> {
  people += 1;
  const email = `person${people}@example.com`;
  const answer = await server.ask('POST /auth/sign-up', { body: { ...owner, email }, address: `198.51.100.${people}` });
  return { cookie: cookieHeader(answer.cookies), email, userId: answer.json.user.id };
}

async function signIn(email: string, userAgent?: string): Promise<string> {
  people += 1;
  const answer = await server.ask('POST /auth/sign-in', {
    body: { identifier: email, password: owner.password },
    address: `198.51.100.${people}`,
    userAgent,
  });
  return cookieHeader(answer.cookies);
}

const statusOf = async (cookie: string): Promise<number> => (await server.ask('GET /session', { cookie })).status;

function asAuth<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
  return server.test.db.withAuth((tx) => tx.query<Row>({ text, values }));
}

const auditOf = (userId: string, action: string) =>
  asAuth<{ resource: string }>('select resource from kernel.audit_records where actor_user_id = $1 and action = $2', [
    userId,
    action,
  ]);

test('[K2.4] sessions are listed newest first, with device and address, page by page, and the current one is marked', async () => {
  const { cookie, email } = await signUp();
  await signIn(
    email,
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1',
  );
  await signIn(email, 'curl/8.5.0');
  const first = await server.ask('GET /sessions?limit=2', { cookie });
  expect(first.json.items.map((item: { device: string }) => item.device)).toEqual(['curl', 'Safari on iPhone']);
  expect(first.json.items[0]).toMatchObject({ isCurrent: false, address: expect.stringMatching(/^198\.51\.100\./) });
  const second = await server.ask(`GET /sessions?limit=2&cursor=${first.json.nextCursor}`, { cookie });
  expect(second.json).toMatchObject({ items: [{ device: 'Firefox on Linux', isCurrent: true }], nextCursor: null });
  const bad = await server.ask('GET /sessions?cursor=nonsense', { cookie });
  expect(bad.json).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
});

test('[K2.4] nobody sees or ends the session of another: it is not found', async () => {
  const ada = await signUp();
  const bob = await signUp();
  const { json } = await server.ask('GET /sessions', { cookie: bob.cookie });
  expect(json.items).toHaveLength(1);
  const answer = await server.ask(`DELETE /sessions/${json.items[0].id}`, { cookie: ada.cookie });
  expect(answer.json).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  expect(await statusOf(bob.cookie)).toBe(200);
});

test('[K2.4] a session that is ended is refused at once; the act is audited', async () => {
  const { cookie, email, userId } = await signUp();
  const other = await signIn(email);
  expect(await statusOf(other)).toBe(200);
  const { json } = await server.ask('GET /sessions', { cookie: other });
  const current = json.items.find((item: { isCurrent: boolean }) => item.isCurrent);
  expect((await server.ask(`DELETE /sessions/${current.id}`, { cookie })).status).toBe(204);
  expect(await statusOf(other)).toBe(401);
  expect(await auditOf(userId, 'auth.session.revoke')).toEqual([{ resource: `session:${current.id}` }]);
});

test('[K2.4] all others can be ended, this one stays', async () => {
  const { cookie, email, userId } = await signUp();
  const others = [await signIn(email), await signIn(email)];
  for (const other of others) expect(await statusOf(other)).toBe(200);
  expect((await server.ask('POST /sessions/revoke-others', { cookie })).json).toEqual({ revoked: 2 });
  for (const other of others) expect(await statusOf(other)).toBe(401);
  expect(await statusOf(cookie)).toBe(200);
  expect(await auditOf(userId, 'auth.session.revoke-others')).toHaveLength(1);
});

test('[K2.4][K2.8] signing out ends the session on the server and clears the cookie', async () => {
  const { cookie, userId } = await signUp();
  expect(await statusOf(cookie)).toBe(200);
  const answer = await server.ask('POST /auth/sign-out', { cookie });
  expect(answer.status).toBe(204);
  expect(answer.cookies).toEqual([`${sessionCookieName}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`]);
  expect(await statusOf(cookie)).toBe(401);
  expect(await auditOf(userId, 'auth.sign-out')).toHaveLength(1);
});

test('[K2.4] another process that remembers a session forgets it when it is ended here, long before its 5 s are over', async () => {
  const { db, config } = server.test;
  const elsewhere = await createIdentity({ db, config, log: server.services.log });
  try {
    const one = await signUp();
    const two = await signUp();
    expect(await elsewhere.resolve({ cookie: one.cookie })).toMatchObject({
      userId: one.userId,
      role: 'owner',
      via: { kind: 'session' },
    });
    expect(await elsewhere.resolve({ cookie: two.cookie })).not.toBeNull();
    const endedAt = performance.now();
    await server.ask('POST /auth/sign-out', { cookie: one.cookie });
    await expect.poll(() => elsewhere.resolve({ cookie: one.cookie }), { interval: 2, timeout: 4_000 }).toBeNull();
    expect(performance.now() - endedAt).toBeLessThan(4_000);
    expect(await elsewhere.resolve({ cookie: two.cookie })).not.toBeNull();
  } finally {
    await elsewhere.close();
  }
});

test('[K2.4] a session ends when idle too long, and lives on while it is used', async () => {
  const { cookie } = await signUp();
  try {
    for (let use = 1; use <= 3; use++) {
      skew = use * 9 * hour;
      expect(await statusOf(cookie)).toBe(200);
      const usedAt = async () =>
        (await asAuth<{ at: Date }>('select max(last_used_at) as at from auth.sessions'))[0]?.at.getTime() ?? 0;
      await expect.poll(usedAt, { timeout: 20_000 }).toBeGreaterThan(Date.now() + skew - hour);
    }
    skew += 10 * hour;
    expect(await statusOf(cookie)).toBe(401);
  } finally {
    skew = 0;
  }
});

test('[K2.4] a session ends after its absolute lifetime, used or not, even while it is remembered', async () => {
  const { cookie, userId } = await signUp();
  try {
    await asAuth(`update auth.sessions set last_used_at = expires_at where user_id = $1`, [userId]);
    skew = 48 * hour - 3_000;
    expect(await statusOf(cookie)).toBe(200);
    skew = 48 * hour + 10;
    expect(await statusOf(cookie)).toBe(401);
  } finally {
    skew = 0;
  }
});

test('[K2.4] the last use is written at most once a minute', async () => {
  const { cookie, userId } = await signUp();
  const read = async () =>
    (
      await asAuth<{ at: Date }>('select last_used_at as at from auth.sessions where user_id = $1', [userId])
    )[0]?.at.getTime();
  const first = await read();
  try {
    skew = 50_000;
    await statusOf(cookie);
    expect(await read()).toBe(first);
    skew = 70_000;
    await statusOf(cookie);
    await expect.poll(read, { timeout: 20_000 }).toBeGreaterThan(first ?? 0);
  } finally {
    skew = 0;
  }
});

test('[K2.4] whose membership ends has no session there any more', async () => {
  const { cookie, userId } = await signUp();
  await asAuth('delete from auth.members where user_id = $1', [userId]);
  expect(await statusOf(cookie)).toBe(401);
});

test('[K2.8] a forged, cut, foreign or empty cookie is nobody, and a forged one never reaches the database', async () => {
  const { cookie } = await signUp();
  const value = cookie.slice(sessionCookieName.length + 1);
  const [token = ''] = decodeURIComponent(value).split('.');
  const sign = (text: string, key: string) =>
    encodeURIComponent(`${text}.${createHmac('sha256', key).update(text).digest('base64')}`);
  const forged = [
    sign(token, 'another secret'),
    token,
    `${token}.`,
    value.slice(0, -5),
    '',
    `${value}x`,
    '%00',
    'null',
  ];
  for (const text of forged)
    expect(await server.identity.resolve({ cookie: `${sessionCookieName}=${text}` })).toBeNull();
  const counting = await createIdentity({
    db: { ...server.test.db, withAuth: () => Promise.reject(new Error('asked the database')) },
    config: server.test.config,
    log: server.services.log,
  });
  try {
    for (const text of forged) expect(await counting.resolve({ cookie: `${sessionCookieName}=${text}` })).toBeNull();
    await expect(counting.resolve({ cookie })).rejects.toThrow('asked the database');
  } finally {
    await counting.close();
  }
});

test('[K2.4] the sweep removes what nobody can use any more and nothing else', async () => {
  const live = await signUp();
  const idle = await signUp();
  const over = await signUp();
  await asAuth(`update auth.sessions set last_used_at = now() - interval '11 hours' where user_id = $1`, [idle.userId]);
  await asAuth(`update auth.sessions set expires_at = now() - interval '1 second' where user_id = $1`, [over.userId]);
  expect(await sweepSessions(server.test.db, new Date(), 10)).toBeGreaterThanOrEqual(2);
  expect(
    await asAuth('select user_id from auth.sessions where user_id = any($1)', [
      [live.userId, idle.userId, over.userId],
    ]),
  ).toEqual([{ user_id: live.userId }]);
});

test('[K15.3] resolving a remembered session costs microseconds', async () => {
  const { cookie } = await signUp();
  await server.identity.resolve({ cookie });
  const rounds = 20_000;
  const started = process.cpuUsage();
  for (let index = 0; index < rounds; index++) await server.identity.resolve({ cookie });
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / rounds).toBeLessThan(50);
});
