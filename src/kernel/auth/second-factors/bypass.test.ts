/** There is no way around the second step: not without the first, not with another's, not late, not by guessing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { owner, startIdentityServer, type IdentityServer } from '../../../testing/identity-server.ts';
import { appCode, openBrowser, wrongCode, type Browser } from '../../../testing/second-factors.ts';
import { challengeCookieName } from './sign-in-challenge.ts';

let skew = 0;
const now = (): number => Date.now() + skew;
let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer({ now });
});
afterAll(() => server[Symbol.asyncDispose]());

let people = 0;
async function signUpWithApp(): Promise<{ email: string; secret: string; recoveryCode: string }> {
  people += 1;
  const email = `person${people}@example.com`;
  const browser = openBrowser(server);
  await browser.ask('POST /auth/sign-up', { body: { ...owner, email } });
  const { secret } = (await browser.ask('POST /second-factors/totp')).json;
  const confirmed = await browser.ask('POST /second-factors/totp/confirm', { body: { code: appCode(secret, now()) } });
  skew += 60_000;
  return { email, secret, recoveryCode: confirmed.json.recoveryCodes[0] };
}

async function firstStep(email: string, given: Parameters<typeof openBrowser>[1] = {}): Promise<Browser> {
  const browser = openBrowser(server, given);
  const answer = await browser.ask('POST /auth/sign-in', { body: { identifier: email, password: owner.password } });
  expect(answer.json.secondFactor.methods).toContain('totp');
  return browser;
}

const body = (code: string, method = 'totp') => ({ method, code });

test('[K2.4] without a first step no code is looked at, however right', async () => {
  const { secret, recoveryCode } = await signUpWithApp();
  const cookies = [
    undefined,
    `${challengeCookieName}=`,
    `${challengeCookieName}=${'x'.repeat(43)}`,
    `${challengeCookieName}=%00`,
  ];
  for (const cookie of cookies) {
    for (const given of [body(appCode(secret, now())), body(recoveryCode, 'recovery-code')]) {
      const answer = await server.ask('POST /auth/second-factor', { body: given, ...(cookie ? { cookie } : {}) });
      expect([answer.status, answer.json.code]).toEqual([401, 'SECOND_FACTOR_EXPIRED']);
    }
  }
});

test('[K2.4] the code of one person does not finish the sign-in of another', async () => {
  const [ada, bob] = [await signUpWithApp(), await signUpWithApp()];
  const browser = await firstStep(ada.email);
  const asBob = await browser.ask('POST /auth/second-factor', { body: body(appCode(bob.secret, now())) });
  const byBobsPaper = await browser.ask('POST /auth/second-factor', { body: body(bob.recoveryCode, 'recovery-code') });
  expect([asBob.json.code, byBobsPaper.json.code]).toEqual(['SECOND_FACTOR_FAILED', 'SECOND_FACTOR_FAILED']);
  const bobs = await firstStep(bob.email);
  expect((await bobs.ask('POST /auth/second-factor', { body: body(bob.recoveryCode, 'recovery-code') })).status).toBe(
    200,
  );
});

test('[K2.4] a first step carried to another browser elsewhere is worth nothing; a new network alone does no harm', async () => {
  const { email, secret } = await signUpWithApp();
  const browser = await firstStep(email);
  const given = { cookie: browser.cookie, body: body(appCode(secret, now())) };
  const stolen = await server.ask('POST /auth/second-factor', {
    ...given,
    address: server.newAddress(),
    userAgent: 'curl/8.5.0',
  });
  expect([stolen.status, stolen.json.code]).toEqual([401, 'SECOND_FACTOR_EXPIRED']);
  const moved = await server.ask('POST /auth/second-factor', { ...given, address: server.newAddress() });
  expect(moved.status).toBe(200);
});

test('[K2.4] five wrong codes end a sign-in, also when they come at once; the right one comes too late', async () => {
  const { email, secret } = await signUpWithApp();
  const browser = await firstStep(email);
  const wrong = body(wrongCode(secret, now()));
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => browser.ask('POST /auth/second-factor', { body: wrong })),
  );
  const codes = answers.map((answer) => answer.json.code);
  expect(codes.filter((code) => code === 'SECOND_FACTOR_FAILED')).toHaveLength(5);
  expect(codes.filter((code) => code === 'SECOND_FACTOR_EXPIRED')).toHaveLength(3);
  const late = await server.ask('POST /auth/second-factor', {
    cookie: browser.cookie,
    body: body(appCode(secret, now())),
  });
  expect(late.json.code).toBe('SECOND_FACTOR_EXPIRED');
  const failed = (await server.auditActions(email)).filter((action) => action === 'auth.second-factor.failed');
  expect(failed).toHaveLength(5);
});

test('[K4.2] who knows the password cannot go on guessing in new sign-ins: codes are counted by account', async () => {
  const { email, secret } = await signUpWithApp();
  const statuses = [];
  for (let round = 0; round < 4; round++) {
    const browser = await firstStep(email);
    for (let index = 0; index < 5; index++) {
      const answer = await browser.ask('POST /auth/second-factor', { body: body(wrongCode(secret, now())) });
      statuses.push(answer.status);
    }
  }
  expect(statuses).toEqual([...Array<number>(15).fill(401), ...Array<number>(5).fill(429)]);
});

test('[K2.4] changing the factor under a sign-in leaves no way in by the old one', async () => {
  const { email, secret } = await signUpWithApp();
  const inside = await firstStep(email);
  await inside.ask('POST /auth/second-factor', { body: body(appCode(secret, now())) });
  skew += 60_000;
  const waiting = await firstStep(email);
  await inside.ask('DELETE /second-factors/totp');
  const { json } = await inside.ask('POST /second-factors/totp');
  await inside.ask('POST /second-factors/totp/confirm', { body: { code: appCode(json.secret, now()) } });
  const old = await waiting.ask('POST /auth/second-factor', { body: body(appCode(secret, now())) });
  expect(old.json.code).toBe('SECOND_FACTOR_FAILED');
});

test('[K2.3] an unknown name and a wrong password get the same answer and no cookie, with a second factor or without', async () => {
  const { email } = await signUpWithApp();
  const tries = [email, 'nobody@example.com'].map((identifier) =>
    server.ask('POST /auth/sign-in', {
      body: { identifier, password: 'Elf Tage Sonne 7' },
      address: server.newAddress(),
    }),
  );
  const [known, unknown] = await Promise.all(tries);
  expect(known?.cookies).toEqual([]);
  expect(unknown?.cookies).toEqual([]);
  expect({ ...known?.json, requestId: '', instance: '' }).toEqual({ ...unknown?.json, requestId: '', instance: '' });
});

test('[K8.2] the second step cannot be done from another site', async () => {
  const { email, secret } = await signUpWithApp();
  const browser = await firstStep(email);
  const answer = await browser.ask('POST /auth/second-factor', {
    body: body(appCode(secret, now())),
    site: 'cross-site',
  });
  expect(answer.status).toBe(403);
});
