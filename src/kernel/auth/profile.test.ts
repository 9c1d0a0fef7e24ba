/** People change their own account, and only with the proof that it asks for. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cookieHeader, owner, startIdentityServer, type IdentityServer } from '../../testing/identity-server.ts';

let server: IdentityServer;
let ownerCookie: string;
beforeAll(async () => {
  server = await startIdentityServer({
    listApps: () => [
      {
        id: 'desk',
        title: 'Help desk',
        tagline: 'Answers tickets',
        permissions: { 'desk.ticket.read': 'See tickets' },
        policy: { owner: ['desk.ticket.read'], admin: [], member: [], viewer: [] },
      },
    ],
  });
  ownerCookie = await server.createOwner();
});
afterAll(() => server[Symbol.asyncDispose]());

test('[K3.5] the session says who, where, in which role, with which permissions and apps', async () => {
  const { json } = await server.ask('GET /session', { cookie: ownerCookie });
  expect(json).toMatchObject({
    user: { name: owner.name, email: owner.email, username: null },
    organisation: { name: owner.name },
    role: 'owner',
    permissions: ['desk.ticket.read'],
    apps: [{ id: 'desk', title: 'Help desk', tagline: 'Answers tickets' }],
  });
});

test('[K2.1] name and username can be changed; a taken username is refused; the change is audited', async () => {
  const cookie = cookieHeader((await server.signUp('Nora')).cookies);
  await server.signUp('Pola', { username: 'pola' });
  const changed = await server.ask('PATCH /profile', { cookie, body: { name: 'Nora B.', username: 'Nora' } });
  expect(changed.json).toMatchObject({ user: { name: 'Nora B.', username: 'nora' } });
  expect((await server.ask('PATCH /profile', { cookie, body: { username: 'pola' } })).json).toMatchObject({
    status: 409,
    code: 'USERNAME_TAKEN',
  });
  expect((await server.ask('PATCH /profile', { cookie, body: { username: null } })).json).toMatchObject({
    user: { name: 'Nora B.', username: null },
  });
  expect(await server.auditActions('nora@example.com')).toEqual([
    'auth.sign-up',
    'auth.profile.update',
    'auth.profile.update',
  ]);
});

test('[K2.4] changing the password asks for the current one and ends the other sessions', async () => {
  const here = cookieHeader((await server.signUp('Rosa')).cookies);
  const there = cookieHeader(
    (
      await server.ask('POST /auth/sign-in', {
        body: { identifier: 'rosa@example.com', password: owner.password },
        address: server.newAddress(),
      })
    ).cookies,
  );
  const change = (currentPassword: string, newPassword: string) =>
    server.ask('POST /profile/password', { cookie: here, body: { currentPassword, newPassword } });
  expect((await change('wrong', 'Elf Tage Sonne 7')).json).toMatchObject({
    status: 403,
    code: 'CURRENT_PASSWORD_WRONG',
  });
  expect((await change(owner.password, 'rosa')).json).toMatchObject({ status: 400, code: 'PASSWORD_REFUSED' });
  expect((await server.ask('GET /session', { cookie: there })).status).toBe(200);
  expect((await change(owner.password, 'Elf Tage Sonne 7')).status).toBe(204);
  expect((await server.ask('GET /session', { cookie: there })).status).toBe(401);
  expect((await server.ask('GET /session', { cookie: here })).status).toBe(200);
  const old = await server.ask('POST /auth/sign-in', {
    body: { identifier: 'rosa@example.com', password: owner.password },
    address: server.newAddress(),
  });
  expect(old.status).toBe(401);
  expect(await server.auditActions('rosa@example.com')).toContain('auth.password.change');
});

test('[K2.4] of two changes of the password at once one wins', async () => {
  const cookie = cookieHeader((await server.signUp('Sofa')).cookies);
  const change = (newPassword: string) =>
    server.ask('POST /profile/password', { cookie, body: { currentPassword: owner.password, newPassword } });
  const answers = await Promise.all([change('Elf Tage Sonne 7'), change('Zehn Tage Wind 8')]);
  expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([204, 403]);
});

test('[K2.4] a stolen session is no place to guess the password: the sixth try is refused', async () => {
  const cookie = cookieHeader((await server.signUp('Tove')).cookies);
  const guess = () =>
    server.ask('POST /profile/password', {
      cookie,
      body: { currentPassword: 'wrong', newPassword: 'Elf Tage Sonne 7' },
    });
  for (let index = 0; index < 5; index++) expect((await guess()).status).toBe(403);
  expect((await guess()).status).toBe(429);
});

test('[K2.1] without a session the private routes answer 401', async () => {
  for (const route of ['GET /session', 'GET /sessions', 'POST /auth/sign-out', 'POST /sessions/revoke-others']) {
    expect((await server.ask(route)).json).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  }
});
