/** Sensitive changes need a recent proof, and only a person in a browser can give one. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cookieHeader, owner, startIdentityServer, type IdentityServer } from '../../testing/identity-server.ts';

let server: IdentityServer;

beforeAll(async () => {
  server = await startIdentityServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const provedAt = async (cookie: string): Promise<number> => {
  const principal = await server.identity.resolve({ cookie });
  return principal?.via.kind === 'session' ? principal.via.provedAt : Number.NaN;
};

test('[K2.4] the right password renews the proof of this session alone, and the act is audited', async () => {
  const { cookies } = await server.signUp('Grace');
  const cookie = cookieHeader(cookies);
  const other = cookieHeader((await server.signIn('grace@example.com')).cookies);
  await server.asAuth(`update auth.sessions set proved_at = now() - interval '1 day'`);
  await server.asAuth(`select pg_notify('bulkhead_sessions', 'user:' || id) from auth.users`);
  const wrong = await server.ask('POST /auth/step-up', { cookie, body: { password: 'not the password' } });
  expect([wrong.status, wrong.json.code]).toEqual([403, 'CURRENT_PASSWORD_WRONG']);
  await expect.poll(() => provedAt(cookie)).toBeLessThan(Date.now() - 80_000_000);
  const right = await server.ask('POST /auth/step-up', { cookie, body: { password: owner.password } });
  expect(right.status).toBe(204);
  expect(await provedAt(cookie)).toBeGreaterThan(Date.now() - 60_000);
  expect(await provedAt(other)).toBeLessThan(Date.now() - 80_000_000);
  expect(await server.auditActions('grace@example.com')).toContain('auth.step-up');
});

test('[K2.4] guessing the password in a stolen session is limited like signing in', async () => {
  const { cookies } = await server.signUp('Mary');
  const cookie = cookieHeader(cookies);
  const address = server.newAddress();
  const tries = [];
  for (let index = 0; index < 6; index++)
    tries.push(await server.ask('POST /auth/step-up', { cookie, address, body: { password: `guess ${index}` } }));
  expect(tries.map((answer) => answer.status)).toEqual([403, 403, 403, 403, 403, 429]);
});

test('[K17.4] the first account, and no other, runs the server', async () => {
  await using fresh = await startIdentityServer();
  const cookie = await fresh.createOwner();
  const stranger = await fresh.signUp('Eve');
  expect((await fresh.ask('GET /session', { cookie })).json.isOperator).toBe(true);
  expect(stranger.json.isOperator).toBe(false);
});
