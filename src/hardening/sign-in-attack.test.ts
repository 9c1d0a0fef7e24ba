/** Somebody guesses passwords on a large scale; the limits hold, and the owner of the account still gets in. */
import { expect, test, vi } from 'vitest';
import { newId } from '#kernel/ids';
import { formatToken, newSecret } from '../kernel/auth/bearer-token.ts';
import { owner, startIdentityServer, type Answer, type IdentityServer } from '../testing/identity-server.ts';

const attempts = 1_000;
const concurrency = 20;
// Up to three thousand hashes, on a machine that may have much else to do.
vi.setConfig({ testTimeout: 600_000 });

/** repeat makes a thousand attempts, `concurrency` at a time. */
async function repeat(attempt: (index: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  async function work(): Promise<void> {
    while (next < attempts) answers.push(await attempt(next++));
  }
  await Promise.all(Array.from({ length: concurrency }, work));
  return answers;
}

/** guess sends wrong passwords; `addressOf` and `nameOf` say from where and at whom. */
function guess(
  server: IdentityServer,
  addressOf: (index: number) => string,
  nameOf: (index: number) => string,
): Promise<Answer[]> {
  return repeat((index) => {
    const body = { identifier: nameOf(index), password: `Wrong Guess Number ${index}!` };
    return server.ask('POST /auth/sign-in', { body, address: addressOf(index) });
  });
}

function count(answers: readonly Answer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

test('[K4.2] a thousand tries from one address: five reach the password, the owner gets in from elsewhere', async () => {
  await using server = await startIdentityServer();
  await server.createOwner();
  const answers = await guess(
    server,
    () => '203.0.113.7',
    () => owner.email,
  );
  expect([count(answers, 401), count(answers, 429)]).toEqual([5, attempts - 5]);
  for (const answer of answers.filter(({ status }) => status === 429)) {
    expect(answer.json.code).toBe('RATE_LIMITED');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await server.signIn(owner.email)).status).toBe(200);
});

test('[K4.2] a thousand tries at a thousand names from one address: the address is stopped', async () => {
  await using server = await startIdentityServer();
  await server.createOwner();
  const answers = await guess(
    server,
    () => '203.0.113.7',
    (index) => `person${index}@example.com`,
  );
  expect(count(answers, 401)).toBe(60);
  expect(count(answers, 429)).toBe(attempts - 60);
});

test('[K4.2] a thousand addresses against one account: after fifty tries each address has one, and the owner gets in from a new one', async () => {
  await using server = await startIdentityServer();
  await server.createOwner();
  const addressOf = (index: number) => `10.9.${(index % 1_000) >> 8}.${(index % 1_000) & 255}`;
  const first = await guess(server, addressOf, () => owner.email);
  expect(count(first, 401)).toBe(attempts);
  const second = await guess(server, addressOf, () => owner.email);
  // The fifty addresses that came before the attack was noticed have a try left under the stricter rule.
  expect(count(second, 401)).toBeLessThanOrEqual(50);
  expect(count(second, 401) + count(second, 429)).toBe(attempts);
  expect((await server.signIn(owner.email)).status).toBe(200);
  const unknown = await guess(server, addressOf, () => 'nobody@example.com');
  expect(count(unknown, 401)).toBe(attempts); // and an unknown name is treated just the same
});

test('[K4.2] a thousand tries that take turns at the form and at the door of phones get no more than at one of them', async () => {
  await using server = await startIdentityServer();
  await server.createOwner();
  const answers = await repeat((index) => {
    const body = { identifier: owner.email, password: `Wrong Guess Number ${index}!` };
    const isPhone = index % 2 === 1;
    return server.ask(isPhone ? 'POST /auth/token' : 'POST /auth/sign-in', {
      body: isPhone ? { ...body, deviceName: 'Phone' } : body,
      isProgram: isPhone,
      address: '203.0.113.7',
    });
  });
  expect([count(answers, 401), count(answers, 429)]).toEqual([5, attempts - 5]);
  const phone = { identifier: owner.email, password: owner.password, deviceName: 'Phone' };
  const elsewhere = await server.ask('POST /auth/token', {
    body: phone,
    isProgram: true,
    address: server.newAddress(),
  });
  expect(elsewhere.status).toBe(201);
});

test('[K4.2] a thousand invented links and keys from one address: the address is stopped, and nobody is let in', async () => {
  await using server = await startIdentityServer();
  await server.createOwner();
  const links = await repeat(() =>
    server.ask('POST /auth/password-reset/look', { body: { token: newSecret() }, address: '203.0.113.8' }),
  );
  expect(links.every(({ status }) => status >= 400 && status < 500)).toBe(true);
  expect(attempts - count(links, 429)).toBeLessThanOrEqual(30);
  const keys = await repeat(() =>
    server.ask('GET /session', { bearer: formatToken('bhk', newId(), newSecret()), address: '203.0.113.9' }),
  );
  expect(count(keys, 401) + count(keys, 429)).toBe(attempts);
  expect(count(keys, 429)).toBeGreaterThan(attempts / 2);
});

test('[K4.2] the owner who mistypes in a browser of their own is not locked out, though the account is under attack from there', async () => {
  await using server = await startIdentityServer();
  await server.createOwner();
  const address = '203.0.113.10';
  const tryIt = (password: string, cookie?: string) => {
    const body = { identifier: owner.email, password };
    return server.ask('POST /auth/sign-in', { body, address, ...(cookie ? { cookie } : {}) });
  };
  const first = await tryIt(owner.password);
  const known = first.cookies.map((cookie) => cookie.split(';')[0] ?? '').find((pair) => pair.includes('_known='));
  expect(known).toBeDefined();
  expect(first.cookies.find((cookie) => cookie.includes('_known='))).toMatch(
    /Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
  for (let index = 0; index < 60; index += 1) {
    const from = index < 10 ? address : `10.9.0.${index}`;
    await server.ask('POST /auth/sign-in', { body: { identifier: owner.email, password: 'A guess' }, address: from });
  }
  expect((await tryIt(owner.password)).status).toBe(429); // a stranger's browser beside the guesser
  for (let typo = 0; typo < 4; typo += 1) expect((await tryIt('Ärger mit 8 Zwergen', known)).status).toBe(401);
  expect((await tryIt(owner.password, known)).status).toBe(200);
  // What it is known for is this account, and five tries in a row there.
  const mark = known?.split('=')[1] ?? '';
  for (const forged of [mark.slice(0, -2), `x${mark}`, mark.split('.')[0], `${mark.split('.')[0]}.`])
    expect((await tryIt(owner.password, `__Host-bulkhead_known=${forged}`)).status).toBe(429);
  const statuses = [];
  for (let typo = 0; typo < 7; typo += 1) statuses.push((await tryIt('Ärger mit 8 Zwergen', known)).status);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
});

test('[K4.2] [K2.8] a known browser holds three people at most, tells nobody who they are, and opens nothing', async () => {
  await using server = await startIdentityServer();
  await server.createOwner();
  const names = ['bob', 'carol', 'dave', 'erin'];
  for (const name of names) await server.signUp(name);
  let cookie = '';
  for (const name of names) {
    const body = { identifier: `${name}@example.com`, password: owner.password };
    const answer = await server.ask('POST /auth/sign-in', { body, address: server.newAddress(), cookie });
    cookie = answer.cookies.map((one) => one.split(';')[0] ?? '').find((pair) => pair.includes('_known=')) ?? '';
    expect(cookie).not.toContain(name);
  }
  expect(cookie.split('~')).toHaveLength(3);
  expect((await server.ask('GET /session', { cookie })).status).toBe(401);
  const again = { identifier: 'erin@example.com', password: owner.password };
  const answer = await server.ask('POST /auth/sign-in', { body: again, address: server.newAddress(), cookie });
  const after = answer.cookies.find((one) => one.includes('_known='))?.split(';')[0] ?? '';
  expect(after.split('~').slice(1)).toEqual(cookie.split('~').slice(1)); // renewed in place, nobody else forgotten
});
