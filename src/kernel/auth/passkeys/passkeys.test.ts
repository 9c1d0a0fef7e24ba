/** What passkeys promise: theirs alone, for this host, one answer per question; in every place where one is taken. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { owner, startIdentityServer, type Answer, type IdentityServer } from '../../../testing/identity-server.ts';
import { openBrowser, SoftPasskey, type Browser, type Lies } from '../../../testing/second-factors.ts';
import { findPasskeyHost, readRelyingParty } from './relying-party.ts';

const origin = 'https://bulkhead.example.com';
const minute = 60_000;
let skew = 0;
let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer({ now: () => Date.now() + skew, environment: { PUBLIC_URL: origin } });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  skew = 0;
});

let people = 0;
async function signUp(): Promise<{ email: string; browser: Browser }> {
  people += 1;
  const email = `person${people}@example.com`;
  const browser = openBrowser(server);
  expect((await browser.ask('POST /auth/sign-up', { body: { ...owner, email } })).status).toBe(201);
  return { email, browser };
}

async function add(browser: Browser, device: SoftPasskey, name?: string, lies: Lies = {}): Promise<Answer> {
  const { json } = await browser.ask('POST /passkeys/options');
  return browser.ask('POST /passkeys', { body: { credential: device.create(json, lies), ...(name ? { name } : {}) } });
}

async function signUpWithPasskey() {
  const { email, browser } = await signUp();
  const device = new SoftPasskey(origin);
  const added = await add(browser, device);
  expect(added.status).toBe(201);
  return { email, browser, device, id: added.json.id as string };
}

async function signIn(device: SoftPasskey, lies: Lies = {}, browser = openBrowser(server)): Promise<Answer> {
  const { json } = await browser.ask('POST /auth/sign-in/passkey-options');
  return browser.ask('POST /auth/sign-in/passkey', { body: { credential: device.get(json, lies) } });
}

test('[K2.4] a passkey is made for this host and this person, discoverable and with user verification', async () => {
  const { email, browser } = await signUp();
  const device = new SoftPasskey(origin);
  const { json } = await browser.ask('POST /passkeys/options');
  expect(json).toMatchObject({
    rp: { id: 'bulkhead.example.com' },
    user: { name: email },
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    excludeCredentials: [],
  });
  const added = await browser.ask('POST /passkeys', { body: { credential: device.create(json) } });
  expect(added.json).toMatchObject({ name: 'Firefox on Linux', isSynced: false, lastUsedAt: null });
  const next = await browser.ask('POST /passkeys/options');
  expect(next.json.excludeCredentials).toEqual([{ id: device.id, type: 'public-key', transports: ['internal'] }]);
  expect(await server.auditActions(email)).toContain('auth.passkey.add');
});

test('[K2.4] a passkey alone signs in, is both factors at once, and its use shows in the list', async () => {
  const { email, browser, device } = await signUpWithPasskey();
  expect(
    (await browser.ask('PUT /second-factors/passkey', { body: { isAsked: true } })).json.recoveryCodes,
  ).toHaveLength(10);
  const fresh = openBrowser(server);
  const answer = await signIn(device, {}, fresh);
  expect([answer.status, answer.json.user?.email]).toEqual([200, email]);
  expect((await fresh.ask('GET /session')).status).toBe(200);
  expect((await browser.ask('GET /passkeys')).json.items).toMatchObject([{ lastUsedAt: expect.stringMatching(/Z$/) }]);
});

test('[K2.4] an answer counts once, in the browser that asked, within ten minutes', async () => {
  const { device } = await signUpWithPasskey();
  const browser = openBrowser(server);
  const { json } = await browser.ask('POST /auth/sign-in/passkey-options');
  const credential = device.get(json);
  const elsewhere = await openBrowser(server).ask('POST /auth/sign-in/passkey', { body: { credential } });
  expect([elsewhere.status, elsewhere.json.code]).toEqual([403, 'PASSKEY_REFUSED']);
  const together = await Promise.all(
    [1, 2, 3].map(() => browser.ask('POST /auth/sign-in/passkey', { body: { credential } })),
  );
  expect(together.map((answer) => answer.status).sort()).toEqual([200, 403, 403]);
  const slow = openBrowser(server);
  const question = await slow.ask('POST /auth/sign-in/passkey-options');
  skew += 10 * minute;
  expect(
    (await slow.ask('POST /auth/sign-in/passkey', { body: { credential: device.get(question.json) } })).status,
  ).toBe(403);
});

test('[K2.4] two tabs may ask at once, and either may be answered', async () => {
  const { device } = await signUpWithPasskey();
  const browser = openBrowser(server);
  const [first, second] = [
    await browser.ask('POST /auth/sign-in/passkey-options'),
    await browser.ask('POST /auth/sign-in/passkey-options'),
  ];
  expect(first.json.challenge).not.toBe(second.json.challenge);
  expect(
    (await browser.ask('POST /auth/sign-in/passkey', { body: { credential: device.get(first.json) } })).status,
  ).toBe(200);
});

test('[K2.4] another origin, no user verification, another owner, another purpose and a counter seen before are refused alike', async () => {
  const { device } = await signUpWithPasskey();
  const other = await signUpWithPasskey();
  const lies: Lies[] = [
    { origin: 'https://bulkhead.example.com.evil.example' },
    { origin: 'http://bulkhead.example.com' },
    { isVerified: false },
    { counter: 1 },
    { type: 'webauthn.create' },
    { userHandle: Buffer.from('somebody else').toString('base64url') },
  ];
  const answers = [];
  for (const lie of lies) answers.push(await signIn(device, lie));
  answers.push(await signIn(new SoftPasskey(origin)));
  const { json } = await other.browser.ask('POST /auth/step-up/passkey-options');
  const borrowed = openBrowser(server);
  await borrowed.ask('POST /auth/sign-in/passkey-options');
  answers.push(await borrowed.ask('POST /auth/sign-in/passkey', { body: { credential: device.get(json) } }));
  const seen = new Set(answers.map(({ status, json: { code, detail } }) => `${status} ${code} ${detail}`));
  expect([...seen]).toEqual([expect.stringMatching(/^403 PASSKEY_REFUSED/)]);
  expect((await signIn(device)).status).toBe(200);
});

test('[K2.4] what is no answer of a browser is refused, never an error of the server', async () => {
  const { browser } = await signUp();
  await browser.ask('POST /auth/sign-in/passkey-options');
  const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const clientDataJSON of [text(null), text([]), text({ challenge: 7 }), 'AAAA', text({ challenge: 'x' })]) {
    const credential = { id: 'AAAA', clientDataJSON, authenticatorData: 'AAAA', signature: 'AAAA' };
    expect((await browser.ask('POST /auth/sign-in/passkey', { body: { credential } })).status).toBe(403);
  }
  const { json } = await browser.ask('POST /passkeys/options');
  const made = new SoftPasskey(origin).create(json);
  const broken = await browser.ask('POST /passkeys', {
    body: { credential: { ...made, attestationObject: 'o2NmbXRkbm9uZQ' } },
  });
  expect(broken.json.code).toBe('PASSKEY_REFUSED');
});

test('[K2.4] authenticators that keep no counter sign in again and again', async () => {
  const { browser } = await signUp();
  const device = new SoftPasskey(origin, { hasCounter: false });
  await add(browser, device);
  for (let round = 0; round < 3; round++) expect((await signIn(device)).status).toBe(200);
});

test('[K2.4] registering is refused without verification, for another origin, and for a passkey that is known', async () => {
  const { browser, device } = await signUpWithPasskey();
  for (const lie of [{ isVerified: false }, { origin: 'https://evil.example' }, { type: 'webauthn.get' }]) {
    expect((await add(browser, new SoftPasskey(origin), 'Phone', lie)).json.code).toBe('PASSKEY_REFUSED');
  }
  const stranger = await signUp();
  expect((await add(stranger.browser, device)).json.code).toBe('PASSKEY_KNOWN');
  const question = await browser.ask('POST /passkeys/options');
  const credential = new SoftPasskey(origin).create(question.json);
  expect((await stranger.browser.ask('POST /passkeys', { body: { credential } })).json.code).toBe('PASSKEY_REFUSED');
});

test('[K2.4] after the password a passkey is asked for where the person said so; nothing else opens, another’s least', async () => {
  const { email, browser, device } = await signUpWithPasskey();
  const stranger = await signUpWithPasskey();
  const plain = await signUp();
  expect((await plain.browser.ask('PUT /second-factors/passkey', { body: { isAsked: true } })).json.code).toBe(
    'PASSKEY_MISSING',
  );
  await browser.ask('PUT /second-factors/passkey', { body: { isAsked: true } });
  const next = openBrowser(server);
  const first = await next.ask('POST /auth/sign-in', { body: { identifier: email, password: owner.password } });
  expect(first.json.secondFactor.methods).toEqual(['passkey', 'recovery-code']);
  const { json } = await next.ask('POST /auth/second-factor/passkey-options');
  expect(json.allowCredentials.map((credential: { id: string }) => credential.id)).toEqual([device.id]);
  const wrong = await next.ask('POST /auth/second-factor/passkey', { body: { credential: stranger.device.get(json) } });
  expect(wrong.json.code).toBe('PASSKEY_REFUSED');
  const asked = await next.ask('POST /auth/second-factor/passkey-options');
  const answer = await next.ask('POST /auth/second-factor/passkey', {
    body: { credential: device.get(asked.json), trustDevice: true },
  });
  expect([answer.status, answer.json.user?.email]).toEqual([200, email]);
  const trusted = await next.ask('POST /auth/sign-in', { body: { identifier: email, password: owner.password } });
  expect(trusted.json.user.email).toBe(email);
  const nobody = await openBrowser(server).ask('POST /auth/second-factor/passkey-options');
  expect(nobody.json.code).toBe('SECOND_FACTOR_EXPIRED');
});

test('[K2.4] a passkey renews the proof of its session, not of another', async () => {
  const { browser, device, email } = await signUpWithPasskey();
  const other = openBrowser(server);
  await other.ask('POST /auth/sign-in', { body: { identifier: email, password: owner.password } });
  skew += 20 * minute;
  expect((await browser.ask('POST /passkeys/options')).json.code).toBe('STEP_UP_REQUIRED');
  const { json } = await browser.ask('POST /auth/step-up/passkey-options');
  const credential = device.get(json);
  expect((await other.ask('POST /auth/step-up/passkey', { body: { credential } })).json.code).toBe('PASSKEY_REFUSED');
  expect((await browser.ask('POST /auth/step-up/passkey', { body: { credential } })).json?.code).toBeUndefined();
  expect((await browser.ask('POST /passkeys/options')).status).toBe(200);
  expect((await other.ask('POST /passkeys/options')).json.code).toBe('STEP_UP_REQUIRED');
  expect(await server.auditActions(email)).toContain('auth.step-up');
  const plain = await signUp();
  expect((await plain.browser.ask('POST /auth/step-up/passkey-options')).json.code).toBe('PASSKEY_MISSING');
});

test('[K2.4] passkeys are listed page by page, renamed and removed by their owner alone; removed, they open nothing', async () => {
  const { email, browser, device, id } = await signUpWithPasskey();
  await add(browser, new SoftPasskey(origin), 'Security key');
  const first = await browser.ask('GET /passkeys?limit=1');
  expect(first.json.items).toMatchObject([{ name: 'Security key' }]);
  const second = await browser.ask(`GET /passkeys?limit=1&cursor=${first.json.nextCursor}`);
  expect(second.json).toMatchObject({ items: [{ id }], nextCursor: null });
  const stranger = await signUp();
  for (const [route, body] of [
    [`PATCH /passkeys/${id}`, { name: 'Mine' }],
    [`DELETE /passkeys/${id}`, undefined],
  ] as const) {
    expect((await stranger.browser.ask(route, { body })).status).toBe(404);
  }
  expect((await browser.ask(`PATCH /passkeys/${id}`, { body: { name: 'Laptop' } })).json.name).toBe('Laptop');
  expect((await browser.ask(`DELETE /passkeys/${id}`)).status).toBe(204);
  expect((await signIn(device)).json.code).toBe('PASSKEY_REFUSED');
  expect(await server.auditActions(email)).toEqual(
    expect.arrayContaining(['auth.passkey.rename', 'auth.passkey.remove']),
  );
});

test('[K2.4] the last way in stays: neither the only passkey of somebody without a password, nor one that is asked for', async () => {
  const { email, browser, device, id } = await signUpWithPasskey();
  await browser.ask('PUT /second-factors/passkey', { body: { isAsked: true } });
  expect((await browser.ask(`DELETE /passkeys/${id}`)).json.code).toBe('PASSKEY_NEEDED');
  await browser.ask('PUT /second-factors/passkey', { body: { isAsked: false } });
  await server.asAuth(`delete from auth.accounts a using auth.users u where u.id = a.user_id and u.email = $1`, [
    email,
  ]);
  expect((await browser.ask(`DELETE /passkeys/${id}`)).json.code).toBe('LAST_WAY_IN');
  expect((await signIn(device)).status).toBe(200);
  const second = await add(browser, new SoftPasskey(origin));
  const both = await Promise.all([id, second.json.id].map((one) => browser.ask(`DELETE /passkeys/${one}`)));
  expect(both.map((answer) => answer.status).sort()).toEqual([204, 409]);
});

test('[K2.4] a person has twenty passkeys at most, also when they are added at once', async () => {
  const { browser } = await signUp();
  for (let count = 0; count < 19; count++) expect((await add(browser, new SoftPasskey(origin))).status).toBe(201);
  // Both are begun while there is room for one.
  const begun = await Promise.all([1, 2].map(async () => (await browser.ask('POST /passkeys/options')).json));
  const last = await Promise.all(
    begun.map((options) =>
      browser.ask('POST /passkeys', { body: { credential: new SoftPasskey(origin).create(options) } }),
    ),
  );
  expect(last.map((answer) => answer.status).sort()).toEqual([201, 409]);
  expect((await browser.ask('POST /passkeys/options')).json.code).toBe('PASSKEY_COUNT_REACHED');
});

test('[K2.4] passkeys belong to the host in PUBLIC_URL, or to localhost at the port people came by', () => {
  const hostOf = (publicUrl?: string) => findPasskeyHost(publicUrl === undefined ? ({} as never) : { publicUrl });
  expect(hostOf('https://ai.example.com:8443/')).toBe('ai.example.com');
  expect([hostOf('http://localhost:3000'), hostOf()]).toEqual(['localhost', 'localhost']);
  expect([hostOf('http://ai.example.com'), hostOf('https://192.168.1.5'), hostOf('https://[fd00::1]')]).toEqual([
    null,
    null,
    null,
  ]);
  const at = (host: string) => readRelyingParty({ services: { config: {} }, headers: { host } } as never);
  expect(at('localhost:3000')).toEqual({ id: 'localhost', origin: 'http://localhost:3000' });
  for (const host of ['127.0.0.1:3000', 'evil.example', '', 'localhost@evil.example']) {
    expect(() => at(host)).toThrow(expect.objectContaining({ code: 'PASSKEY_HOST_UNFIT' }));
  }
});
