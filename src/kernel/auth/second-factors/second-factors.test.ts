/** What second factors promise: asked for at every sign-in, each code good once, and set up by nobody but their owner. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { asAdmin } from '../../../testing/as-admin.ts';
import { owner, startIdentityServer, type Answer, type IdentityServer } from '../../../testing/identity-server.ts';
import { appCode, openBrowser, wrongCode, type Browser } from '../../../testing/second-factors.ts';
import { challengeCookieName } from './sign-in-challenge.ts';
import { sweepSecondSteps } from './sweep-second-steps.ts';

const minute = 60_000;
let skew = 0;
const now = (): number => Date.now() + skew;
let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer({ now });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  skew = 0;
});

let people = 0;

interface Person {
  readonly email: string;
  readonly browser: Browser;
  readonly secret: string;
  readonly recoveryCodes: string[];
}

async function signUp(): Promise<{ email: string; browser: Browser }> {
  people += 1;
  const email = `person${people}@example.com`;
  const browser = openBrowser(server);
  const answer = await browser.ask('POST /auth/sign-up', { body: { ...owner, email } });
  expect(answer.status).toBe(201);
  return { email, browser };
}

/** Somebody with an authenticator app, whose clock has gone on since. */
async function signUpWithApp(): Promise<Person> {
  const { email, browser } = await signUp();
  const begun = await browser.ask('POST /second-factors/totp');
  const { secret } = begun.json;
  const confirmed = await browser.ask('POST /second-factors/totp/confirm', { body: { code: appCode(secret, now()) } });
  expect(confirmed.status).toBe(200);
  skew += minute;
  return { email, browser, secret, recoveryCodes: confirmed.json.recoveryCodes };
}

async function firstStep(email: string, browser: Browser = openBrowser(server)): Promise<Browser> {
  const answer = await browser.ask('POST /auth/sign-in', { body: { identifier: email, password: owner.password } });
  expect(answer.json).toEqual({
    secondFactor: { methods: ['totp', 'recovery-code'], expiresAt: expect.stringMatching(/Z$/) },
  });
  return browser;
}

const secondStep = (browser: Browser, code: string, more: Record<string, unknown> = {}): Promise<Answer> =>
  browser.ask('POST /auth/second-factor', { body: { method: 'totp', code, ...more } });
const statusOf = async (browser: Browser): Promise<number> => (await browser.ask('GET /session')).status;

test('[K2.4] an app counts only once a code confirmed it; from then on the password alone opens nothing', async () => {
  const { email, browser } = await signUp();
  const { json } = await browser.ask('POST /second-factors/totp');
  expect(json.uri).toContain(json.secret);
  const stranger = openBrowser(server);
  const unconfirmed = await stranger.ask('POST /auth/sign-in', {
    body: { identifier: email, password: owner.password },
  });
  expect(unconfirmed.json.user.email).toBe(email);
  const wrong = await browser.ask('POST /second-factors/totp/confirm', {
    body: { code: wrongCode(json.secret, now()) },
  });
  expect([wrong.status, wrong.json.code]).toEqual([403, 'CODE_WRONG']);
  const code = appCode(json.secret, now());
  const right = await browser.ask('POST /second-factors/totp/confirm', {
    body: { code: `${code.slice(0, 3)} ${code.slice(3)}` },
  });
  expect(right.json.recoveryCodes).toHaveLength(10);
  expect((await browser.ask('GET /second-factors')).json).toEqual({
    isTotpActive: true,
    isPasskeyAsked: false,
    passkeys: 0,
    recoveryCodesLeft: 10,
    hasPassword: true,
    passkeyHost: 'localhost',
  });
  const again = await browser.ask('POST /second-factors/totp');
  expect([again.status, again.json.code]).toEqual([409, 'TOTP_ACTIVE']);
  const next = await firstStep(email);
  expect(await statusOf(next)).toBe(401);
  const reused = await secondStep(next, code);
  expect([reused.status, reused.json.code, reused.json.triesLeft]).toEqual([401, 'SECOND_FACTOR_FAILED', 4]);
  expect(await statusOf(next)).toBe(401);
});

test('[K2.4] password and code make the session; the trail says by what, and the first step is over', async () => {
  const { email, secret } = await signUpWithApp();
  const browser = await firstStep(email);
  expect((await browser.ask('GET /auth/second-factor')).json.secondFactor.methods).toEqual(['totp', 'recovery-code']);
  const answer = await secondStep(browser, appCode(secret, now()));
  expect([answer.status, answer.json.user?.email]).toEqual([200, email]);
  expect(await statusOf(browser)).toBe(200);
  expect((await browser.ask('GET /auth/second-factor')).json).toEqual({ secondFactor: null });
  const actions = await server.auditActions(email);
  expect(actions.slice(-4)).toEqual(['auth.totp.begin', 'auth.totp.enable', 'auth.second-factor.ask', 'auth.sign-in']);
  const [row] = await server.asAuth<{ details: unknown }>(
    `select details from kernel.audit_records where action = 'auth.sign-in' order by sequence desc limit 1`,
  );
  expect(row?.details).toMatchObject({ means: 'password', secondFactor: 'totp' });
});

test('[K2.8] neither step shows a token in a body, and the tables hold hashes and sealed secrets only', async () => {
  const { email, secret, recoveryCodes } = await signUpWithApp();
  const browser = await firstStep(email);
  const challenge = browser.cookie.split('=')[1] ?? '';
  expect(challenge.length).toBeGreaterThan(40);
  const answer = await secondStep(browser, appCode(secret, now()), { trustDevice: true });
  for (const cookie of answer.cookies)
    expect(cookie).toMatch(/^__Host-\w+=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  const tokens = [
    challenge,
    ...browser.cookie.split('; ').map((pair) => decodeURIComponent(pair.split('=')[1] ?? '').split('.')[0] ?? ''),
  ];
  const tables = ['second_factors', 'recovery_codes', 'sign_in_challenges', 'trusted_devices', 'sessions'];
  const rows = await Promise.all(tables.map((table) => server.asAuth(`select * from auth.${table}`)));
  const dump = JSON.stringify(rows);
  for (const token of tokens) {
    expect(answer.text).not.toContain(token);
    expect(dump).not.toContain(token);
  }
  expect(dump).not.toContain(secret);
  for (const code of recoveryCodes) expect(dump.toLowerCase()).not.toContain(code.replaceAll('-', ''));
});

test('[K2.4] a code works once: not again in its 30 seconds, nor in another sign-in, nor an older one after it', async () => {
  const { email, secret } = await signUpWithApp();
  const code = appCode(secret, now());
  const before = appCode(secret, now() - 30_000);
  expect((await secondStep(await firstStep(email), code)).status).toBe(200);
  const second = await firstStep(email);
  for (const used of [code, before]) {
    expect((await secondStep(second, used)).json.code).toBe('SECOND_FACTOR_FAILED');
  }
  expect((await secondStep(second, appCode(secret, now() + 30_000))).status).toBe(200);
});

test('[K2.4] of many requests with one code at once, in one sign-in or in several, one gets in', async () => {
  const { email, secret } = await signUpWithApp();
  const browsers = await Promise.all([1, 2, 3, 4].map(() => firstStep(email)));
  const code = appCode(secret, now());
  const [first] = browsers;
  const answers = await Promise.all(
    [...browsers, ...(first ? [first, first] : [])].map((browser) => secondStep(browser, code)),
  );
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
  expect(answers.filter((answer) => answer.status === 401)).toHaveLength(5);
});

test('[K2.4] a recovery code opens once, whoever races for it; the person is told, and how many are left is shown', async () => {
  const { email, browser, recoveryCodes } = await signUpWithApp();
  const [code = ''] = recoveryCodes;
  const attempts = await Promise.all(
    [1, 2, 3].map(async () =>
      secondStep(await firstStep(email), code.toUpperCase().replaceAll('-', ' '), { method: 'recovery-code' }),
    ),
  );
  expect(attempts.map((answer) => answer.status).sort()).toEqual([200, 401, 401]);
  const late = await secondStep(await firstStep(email), code, { method: 'recovery-code' });
  expect(late.json.code).toBe('SECOND_FACTOR_FAILED');
  expect((await browser.ask('GET /second-factors')).json.recoveryCodesLeft).toBe(9);
  const told = await asAdmin(server.test, (query) =>
    query<{ title: string; text: string }>(
      `select n.title, n.text from kernel.notifications n join auth.users u on u.id = n.owner_id
       where u.email = '${email}' order by n.id`,
    ),
  );
  expect(told.map((notice) => notice.title)).toEqual([
    'An authenticator app was set up for signing in',
    'A recovery code was used to sign in',
  ]);
  expect(told[1]?.text).toMatch(/^9 are left\./);
});

test('[K2.4] new recovery codes end the old ones; without a second factor there are none', async () => {
  const { email, browser, recoveryCodes } = await signUpWithApp();
  const renewed = await browser.ask('POST /second-factors/recovery-codes');
  expect(renewed.json.recoveryCodes).toHaveLength(10);
  const [old = ''] = recoveryCodes;
  const [fresh = ''] = renewed.json.recoveryCodes;
  const next = await firstStep(email);
  expect((await secondStep(next, old, { method: 'recovery-code' })).status).toBe(401);
  expect((await secondStep(next, fresh, { method: 'recovery-code' })).status).toBe(200);
  const plain = await signUp();
  expect((await plain.browser.ask('POST /second-factors/recovery-codes')).json.code).toBe('SECOND_FACTOR_MISSING');
});

test('[K2.4] removing the app ends codes and trusted devices with it, and signing in asks for nothing more', async () => {
  const { email, browser, secret } = await signUpWithApp();
  const other = await firstStep(email);
  await secondStep(other, appCode(secret, now()), { trustDevice: true });
  expect((await browser.ask('DELETE /second-factors/totp')).status).toBe(204);
  expect((await browser.ask('DELETE /second-factors/totp')).json.code).toBe('SECOND_FACTOR_MISSING');
  expect((await browser.ask('GET /trusted-devices')).json.items).toEqual([]);
  expect((await browser.ask('GET /second-factors')).json).toMatchObject({ isTotpActive: false, recoveryCodesLeft: 0 });
  const next = openBrowser(server);
  const answer = await next.ask('POST /auth/sign-in', { body: { identifier: email, password: owner.password } });
  expect(answer.json.user.email).toBe(email);
  expect(await server.auditActions(email)).toContain('auth.totp.disable');
});

test('[K2.4] a trusted device skips the second step for thirty days, for its person alone, until it is revoked', async () => {
  const { email, browser, secret } = await signUpWithApp();
  const device = await firstStep(email);
  await secondStep(device, appCode(secret, now()), { trustDevice: true });
  const signInAgain = () => device.ask('POST /auth/sign-in', { body: { identifier: email, password: owner.password } });
  expect((await signInAgain()).json.user.email).toBe(email);
  const other = await signUpWithApp();
  expect(
    (await device.ask('POST /auth/sign-in', { body: { identifier: other.email, password: owner.password } })).json
      .secondFactor,
  ).toBeDefined();
  const { json } = await browser.ask('GET /trusted-devices');
  expect(json.items).toMatchObject([{ device: 'Firefox on Linux', address: expect.stringMatching(/^198\.18\./) }]);
  const [{ id }] = json.items;
  expect((await other.browser.ask(`DELETE /trusted-devices/${id}`)).status).toBe(404);
  const wrongPassword = await device.ask('POST /auth/sign-in', {
    body: { identifier: email, password: 'not the password' },
  });
  expect(wrongPassword.json.code).toBe('SIGN_IN_FAILED');
  skew += 30 * 24 * 60 * minute - 3 * minute;
  expect((await signInAgain()).json.user?.email).toBe(email);
  skew += 4 * minute;
  expect((await signInAgain()).json.secondFactor).toBeDefined();
});

test('[K2.4] revoking devices, or a change of password, asks for the second step again', async () => {
  const { email, browser, secret } = await signUpWithApp();
  const trust = async () => {
    skew += minute;
    const device = await firstStep(email);
    await secondStep(device, appCode(secret, now()), { trustDevice: true });
    return device;
  };
  const [one, two] = [await trust(), await trust()];
  const { json } = await browser.ask('GET /trusted-devices?limit=1');
  expect(json.items).toHaveLength(1);
  const rest = await browser.ask(`GET /trusted-devices?limit=1&cursor=${json.nextCursor}`);
  expect(rest.json).toMatchObject({ items: [{ device: 'Firefox on Linux' }], nextCursor: null });
  expect((await browser.ask('GET /trusted-devices?cursor=nonsense')).json.code).toBe('INVALID_REQUEST');
  expect((await browser.ask(`DELETE /trusted-devices/${json.items[0].id}`)).status).toBe(204);
  await firstStep(email, two);
  expect((await browser.ask('POST /trusted-devices/revoke-all')).json).toEqual({ revoked: 1 });
  await firstStep(email, one);
  expect(await server.auditActions(email)).toEqual(
    expect.arrayContaining(['auth.trusted-device.revoke', 'auth.trusted-device.revoke-all']),
  );
  await trust();
  const body = { currentPassword: owner.password, newPassword: 'Elf Tage Sonne 7' };
  expect((await browser.ask('POST /profile/password', { body })).status).toBe(204);
  expect((await browser.ask('GET /trusted-devices')).json.items).toEqual([]);
});

test('[K2.4] a sign-in left between its steps ends after ten minutes, and the sweep removes what is over', async () => {
  const { email, secret } = await signUpWithApp();
  const browser = await firstStep(email);
  skew += 10 * minute;
  expect((await browser.ask('GET /auth/second-factor')).json).toEqual({ secondFactor: null });
  const answer = await secondStep(browser, appCode(secret, now()));
  expect([answer.status, answer.json.code]).toEqual([401, 'SECOND_FACTOR_EXPIRED']);
  expect(browser.cookie).not.toContain(challengeCookieName);
  const waiting = await firstStep(email);
  expect(await sweepSecondSteps(server.test.db, new Date(now()))).toBeGreaterThan(0);
  expect((await secondStep(waiting, appCode(secret, now()))).status).toBe(200);
  expect(
    await server.asAuth('select id from auth.sign_in_challenges where expires_at <= $1', [new Date(now())]),
  ).toEqual([]);
});

test('[K2.4] a sign-in can be given up, and its cookie is worth nothing then', async () => {
  const { email, secret } = await signUpWithApp();
  const browser = await firstStep(email);
  const { cookie } = browser;
  expect((await browser.ask('DELETE /auth/second-factor')).status).toBe(204);
  const body = { method: 'totp', code: appCode(secret, now()) };
  const late = await server.ask('POST /auth/second-factor', { cookie, body });
  expect(late.json.code).toBe('SECOND_FACTOR_EXPIRED');
});

test('[K2.4] every change of second factors needs a recent proof and a session', async () => {
  const { browser } = await signUp();
  const changes = [
    'POST /second-factors/totp',
    'POST /second-factors/totp/confirm',
    'DELETE /second-factors/totp',
    'PUT /second-factors/passkey',
    'POST /second-factors/recovery-codes',
  ];
  const bodies: Record<string, unknown> = {
    'POST /second-factors/totp/confirm': { code: '123456' },
    'PUT /second-factors/passkey': { isAsked: true },
  };
  for (const route of changes)
    expect([route, (await server.ask(route, { body: bodies[route] })).status]).toEqual([route, 401]);
  skew += 20 * minute;
  for (const route of changes) {
    const answer = await browser.ask(route, { body: bodies[route] });
    expect([route, answer.status, answer.json.code]).toEqual([route, 403, 'STEP_UP_REQUIRED']);
  }
});
