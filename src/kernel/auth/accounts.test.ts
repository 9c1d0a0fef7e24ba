/** People become known to the server only in the ways it offers, over a real server and database. */
import { scryptSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cookieHeader, owner, startIdentityServer, type IdentityServer } from '../../testing/identity-server.ts';
import { createSetupLink } from './setup-link.ts';

let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer();
  await server.createOwner();
});
afterAll(() => server[Symbol.asyncDispose]());

const statusesOf = (answers: readonly { status: number }[]): number[] =>
  answers.map((answer) => answer.status).toSorted((a, b) => a - b);

describe('sign-up', () => {
  test('[K2.1][K3.1] makes user, personal organisation and ownership, and signs in', async () => {
    const answer = await server.signUp('Grace', { username: 'Grace.H' });
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      user: { name: 'Grace', email: 'grace@example.com', username: 'grace.h' },
      organisation: { name: 'Grace' },
      role: 'owner',
    });
    const session = await server.ask('GET /session', { cookie: cookieHeader(answer.cookies) });
    expect(session.json).toEqual(answer.json);
    expect(await server.auditActions('grace@example.com')).toEqual(['auth.sign-up']);
  });

  test('[K2.1] a taken e-mail address or username is refused, whatever its case, and nothing is left behind', async () => {
    await server.signUp('Hedy', { username: 'hedy' });
    const counts = `select (select count(*) from auth.users)::int as users, (select count(*) from auth.organizations)::int as organizations,
      (select count(*) from auth.sessions)::int as sessions, (select count(*) from auth.accounts)::int as accounts`;
    const before = await server.asAuth(counts);
    expect((await server.signUp('Other', { email: 'HEDY@example.com' })).json).toMatchObject({
      status: 409,
      code: 'EMAIL_TAKEN',
    });
    expect((await server.signUp('Other', { username: 'HEDY' })).json).toMatchObject({
      status: 409,
      code: 'USERNAME_TAKEN',
    });
    expect(await server.asAuth(counts)).toEqual(before);
  });

  test('[K3.1] of ten sign-ups at once with one address one succeeds, and there is one organisation', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => server.signUp('Race')));
    expect(statusesOf(answers)).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
    expect(
      await server.asAuth(
        `select o.id from auth.organizations o join auth.users u on u.id = o.personal_user_id where u.email = 'race@example.com'`,
      ),
    ).toHaveLength(1);
  });

  test('[K4.2] a fourth account from one address on one day is refused; mistakes in the form do not count', async () => {
    const address = server.newAddress();
    const tryOne = (name: string, password = owner.password) =>
      server.ask('POST /auth/sign-up', { body: { name, email: `${name}@limit.example`, password }, address });
    for (let index = 0; index < 4; index++) expect((await tryOne('weak', 'weak')).status).toBe(400);
    for (const name of ['one', 'two', 'three']) expect((await tryOne(name)).status).toBe(201);
    const fourth = await tryOne('four');
    expect(fourth.json).toMatchObject({ status: 429, code: 'RATE_LIMITED', 'violated-policies': ['auth.sign-up'] });
    expect(Number(fourth.headers.get('retry-after'))).toBeGreaterThan(80_000);
  });

  test('[K2.2] a refused password names each broken rule at its place', async () => {
    const { json } = await server.signUp('Weak', { password: 'password' });
    expect(json).toMatchObject({
      status: 400,
      code: 'PASSWORD_REFUSED',
      failedRules: ['too-short', 'needs-upper', 'needs-digit', 'needs-symbol', 'common'],
    });
    expect(json.errors[0]).toEqual({ pointer: '/body/password', detail: 'At least 12 characters' });
  });

  test('[K5.1] unknown fields and bad forms are refused with pointers', async () => {
    const answer = await server.signUp('Form', { email: 'not an address', role: 'owner' });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.json.errors)).toContain('/body/email');
  });

  test('[K2.1] with SIGN_UP closed strangers cannot make accounts', async () => {
    await using closed = await startIdentityServer({ environment: { SIGN_UP: 'closed' } });
    const answer = await closed.ask('POST /auth/sign-up', {
      body: { name: 'A', email: 'a@example.com', password: owner.password },
    });
    expect(answer.json).toMatchObject({ status: 403, code: 'SIGN_UP_CLOSED' });
    expect((await closed.ask('GET /setup')).json).toMatchObject({
      isOpen: true,
      isSignUpOpen: false,
      passkeyHost: 'localhost',
      passwordPolicy: { minLength: 12, maxLength: 1000, needsClasses: true },
    });
  });
});

describe('sign-in', () => {
  test('[K2.1] by e-mail address or username, whatever their case', async () => {
    await server.signUp('Mary', { username: 'mary' });
    for (const identifier of ['mary@example.com', 'MARY@example.com', ' mary ', 'Mary']) {
      const answer = await server.signIn(identifier, owner.password);
      expect(answer.status).toBe(200);
      expect(answer.json.user.email).toBe('mary@example.com');
    }
    expect(await server.auditActions('mary@example.com')).toEqual([
      'auth.sign-up',
      ...Array.from({ length: 4 }, () => 'auth.sign-in'),
    ]);
  });

  test('[K2.8] the cookie is __Host-, Secure, HttpOnly, SameSite=Lax for the whole host, and lives as long as the session', async () => {
    const { cookies } = await server.signIn(owner.email, owner.password);
    expect(cookies.map((cookie) => cookie.split('=')[0])).toEqual(['__Host-bulkhead_session', '__Host-bulkhead_known']);
    const [value = '', ...attributes] = (cookies[0] ?? '').split('; ');
    expect(value).toMatch(/^__Host-bulkhead_session=[\w-]{32}\.[A-Za-z0-9%]+$/);
    expect(new Set(attributes.map((attribute) => attribute.toLowerCase()))).toEqual(
      new Set(['max-age=2592000', 'path=/', 'httponly', 'secure', 'samesite=lax']),
    );
  });

  test('[K2.3] an unknown name, a wrong password and an account without one get the same answer', async () => {
    await server.asAuth(`with u as (insert into auth.users (id, name, email) values (gen_random_uuid(), 'x', 'nopassword@example.com') returning id)
      insert into auth.organizations (id, name, personal_user_id) select gen_random_uuid(), 'x', id from u`);
    const answers = [];
    for (const [name, password] of [
      ['nobody@example.com', 'x'],
      ['nobody', 'x'],
      [owner.email, 'wrong'],
      ['nopassword@example.com', 'x'],
    ] as const) {
      const { status, json, cookies } = await server.signIn(name, password);
      answers.push({ status, cookies, json: { ...json, requestId: '' } });
    }
    expect(answers[0]).toMatchObject({ status: 401, cookies: [], json: { code: 'SIGN_IN_FAILED' } });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test('[K7.2] a failed sign-in to a known account is in its trail', async () => {
    await server.signUp('Joan');
    await server.signIn('joan@example.com', 'wrong');
    // It is written after the answer.
    await expect
      .poll(() => server.auditActions('joan@example.com'), { timeout: 20_000 })
      .toContain('auth.sign-in-failed');
  });

  test('[K4.2] a sixth wrong try within 15 minutes is refused for this address and account only', async () => {
    await server.signUp('Kate');
    const address = server.newAddress();
    for (let index = 0; index < 5; index++)
      expect((await server.signIn('kate@example.com', 'wrong', address)).status).toBe(401);
    const sixth = await server.signIn('KATE@example.com', owner.password, address);
    expect(sixth.json).toMatchObject({ status: 429, code: 'RATE_LIMITED', 'violated-policies': ['auth.sign-in'] });
    expect(Number(sixth.headers.get('retry-after'))).toBeGreaterThan(800);
    expect((await server.signIn('kate@example.com', owner.password)).status).toBe(200);
    expect((await server.signIn(owner.email, owner.password, address)).status).toBe(200);
  });

  test('[K4.2] a right password gives the tries back', async () => {
    await server.signUp('Lise');
    const address = server.newAddress();
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 4; index++)
        expect((await server.signIn('lise@example.com', 'wrong', address)).status).toBe(401);
      expect((await server.signIn('lise@example.com', owner.password, address)).status).toBe(200);
    }
  });

  test('[K2.2] a password of 1,001 characters is a clear 400 and costs no hashing', async () => {
    // This server may not hash at all: whatever asks for a hash gets 503.
    await using frugal = await startIdentityServer({ hashing: { concurrency: 0, maxWaiting: 0 } });
    const { json } = await frugal.signIn('nobody', 'x'.repeat(1001));
    const errors = [{ pointer: '/body/password', detail: 'A password has at most 1000 characters' }];
    expect(json).toMatchObject({ status: 400, code: 'INVALID_REQUEST', errors });
    expect((await frugal.signUp('Xenia', { password: 'x'.repeat(1001) })).json).toMatchObject({ status: 400, errors });
    expect((await frugal.signIn('nobody', 'x'.repeat(1000))).json).toMatchObject({ status: 503 });
  });

  test('[K2.3] a scrypt hash of an older account works and is upgraded to Argon2id, also when five browsers sign in at once', async () => {
    await server.signUp('Olga');
    const key = scryptSync(owner.password, 'aa', 64, { N: 16_384, r: 16, p: 1, maxmem: 2 ** 26 });
    const readHash = async () =>
      (
        await server.asAuth<{ password: string }>(
          `select a.password from auth.accounts a join auth.users u on u.id = a.user_id where u.email = 'olga@example.com'`,
        )
      )[0]?.password;
    await server.asAuth(
      `update auth.accounts set password = $1 where user_id = (select id from auth.users where email = 'olga@example.com')`,
      [`aa:${key.toString('hex')}`],
    );
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => server.signIn('olga@example.com', owner.password)),
    );
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
    expect(await readHash()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  test('[K7.2] a sign-in is in the trail with the session it made', async () => {
    const { json } = await server.signUp('Uta');
    const cookie = cookieHeader((await server.signIn('uta@example.com')).cookies);
    const sessions = await server.ask('GET /sessions', { cookie });
    const rows = await server.asAuth(
      `select action, resource, actor_kind, actor_user_id, actor_via, address from kernel.audit_records
       where actor_user_id = $1 and action = 'auth.sign-in'`,
      [json.user.id],
    );
    const { id, address } = sessions.json.items[0];
    const actor = { actor_kind: 'session', actor_user_id: json.user.id, actor_via: id, address };
    expect(rows).toEqual([{ action: 'auth.sign-in', resource: `user:${json.user.id}`, ...actor }]);
  });

  test('[K2.4] signing in anew ends the session that the browser held before', async () => {
    const old = cookieHeader((await server.signUp('Vera')).cookies);
    expect((await server.ask('GET /session', { cookie: old })).status).toBe(200);
    const body = { identifier: 'vera@example.com', password: owner.password };
    const again = await server.ask('POST /auth/sign-in', { body, cookie: old, address: server.newAddress() });
    expect(again.status).toBe(200);
    expect((await server.ask('GET /session', { cookie: old })).status).toBe(401);
    expect((await server.ask('GET /session', { cookie: cookieHeader(again.cookies) })).status).toBe(200);
  });

  test('[K2.4] signing up anew ends the session that the browser held before', async () => {
    const cookie = cookieHeader((await server.signUp('Before')).cookies);
    const body = { name: 'After', email: 'after@example.com', password: owner.password };
    const answer = await server.ask('POST /auth/sign-up', { body, cookie, address: server.newAddress() });
    expect(answer.status).toBe(201);
    expect((await server.ask('GET /session', { cookie })).status).toBe(401);
    expect((await server.ask('GET /session', { cookie: cookieHeader(answer.cookies) })).status).toBe(200);
  });

  test('[K5.1] characters that no database stores are refused at the door, in names, identifiers and passwords alike', async () => {
    expect((await server.signIn('a\u0000b')).json).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
    expect((await server.signUp('Wanda', { name: 'Wan\u0000da' })).json).toMatchObject({ status: 400 });
    const refused = await server.signUp('Wanda', { password: 'Zwölf\u0000Tage Regen 5' });
    expect(refused.json).toMatchObject({ status: 400, errors: [{ pointer: '/body/password' }] });
    expect((await server.signUp('Wanda', { password: 'Zwölf\tTage \u{1f327} Regen 5' })).status).toBe(201);
    expect((await server.signIn('wanda@example.com', 'Zwölf\tTage \u{1f327} Regen 6')).status).toBe(401);
    expect((await server.signIn('wanda@example.com', 'Zwölf\tTage \u{1f327} Regen 5')).status).toBe(200);
  });

  test('[K8.2] a sign-in from another site is refused before anything is tried', async () => {
    const url = 'POST /auth/sign-in';
    const answer = await server.ask(url, {
      body: { identifier: owner.email, password: owner.password },
      site: 'cross-site',
      address: server.newAddress(),
    });
    expect(answer.json).toMatchObject({ status: 403, code: 'CROSS_SITE_REFUSED' });
  });
});

describe('setup', () => {
  test('[K2.1] of ten uses of one link at once one creates the owner', async () => {
    await using fresh = await startIdentityServer();
    const link = await createSetupLink({
      db: fresh.test.db,
      config: fresh.test.config,
      publicUrl: 'https://bulkhead.example/',
    });
    expect(link).toMatch(/^https:\/\/bulkhead\.example\/setup#token=[\w-]{43}$/);
    const token = link?.split('=')[1];
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        fresh.ask('POST /setup', { body: { ...owner, email: `owner${index}@example.com`, token } }),
      ),
    );
    expect(statusesOf(answers)).toEqual([201, ...Array.from({ length: 9 }, () => 403)]);
    const users = await fresh.test.db.withAuth((tx) => tx.query({ text: 'select id from auth.users' }));
    expect(users).toHaveLength(1);
    expect((await fresh.ask('GET /setup')).json.isOpen).toBe(false);
  });

  test('[K2.1] each start replaces the link, and after the owner exists there is none', async () => {
    await using fresh = await startIdentityServer();
    const options = { db: fresh.test.db, config: fresh.test.config };
    const old = (await createSetupLink(options))?.split('=')[1];
    const current = (await createSetupLink(options))?.split('=')[1];
    const rows = await fresh.test.db.withAuth((tx) =>
      tx.query<{ token_hash: string }>({ text: 'select token_hash from auth.setup_links' }),
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.token_hash).not.toContain(current);
    const refused = await fresh.ask('POST /setup', { body: { ...owner, token: old } });
    expect(refused.json).toMatchObject({ status: 403, code: 'SETUP_LINK_INVALID' });
    const weak = await fresh.ask('POST /setup', { body: { ...owner, password: 'weak', token: current } });
    expect(weak.json).toMatchObject({ status: 400, code: 'PASSWORD_REFUSED' });
    const created = await fresh.ask('POST /setup', { body: { ...owner, token: current } });
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({ user: { email: owner.email }, role: 'owner' });
    expect((await fresh.ask('GET /session', { cookie: cookieHeader(created.cookies) })).status).toBe(200);
    expect(await createSetupLink(options)).toBeNull();
    const stored = await fresh.test.db.withAuth((tx) => tx.query({ text: 'select * from auth.setup_links' }));
    expect(stored).toEqual([]);
  });

  test('[K2.1] there is no default account: before setup nobody can sign in', async () => {
    await using fresh = await startIdentityServer();
    for (const identifier of ['admin', 'root', 'owner', 'admin@example.com']) {
      for (const password of ['admin', 'password', 'bulkhead']) {
        expect(
          (await fresh.ask('POST /auth/sign-in', { body: { identifier, password }, address: server.newAddress() }))
            .status,
        ).toBe(401);
      }
    }
  });
});
