/** Invitations let in whom they are for, as often as they say, until they end or are revoked; nobody learns from them who has an account. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { createClient } from '../../testing/client.ts';
import { startMailServer, type MailServer } from '../../testing/mail-server.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../../testing/server.ts';
import { addMember, createLink, createTeam, type Team } from '../../testing/team-fixture.ts';
import { sweepInvitations } from './sweep-invitations.ts';

let mailServer: MailServer;
let server: TestServer;
let team: Team;
let admin: Tenant;

beforeAll(async () => {
  mailServer = await startMailServer();
  server = await startTestServer({
    environment: {
      SIGN_UP: 'open',
      MAIL_SMTP_URL: mailServer.url,
      MAIL_SMTP_TLS: 'optional',
      MAIL_FROM: 'Bulkhead <bulkhead@example.com>',
      LIMITS: 'organisation.settings=1000/60,organisation.invitation=1000/60,organisation.invitation-open=1000/60',
    },
  });
  team = await createTeam(await server.signUpOwner(), 'Lighthouse <b>& Co</b>');
  admin = await addMember(server, team, 'admin');
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await mailServer?.[Symbol.asyncDispose]();
});

let people = 0;
const newAddress = (): string => `guest${(people += 1)}@example.net`;

/** mailedToken waits for the newest mail to an address and reads the token in it. */
async function mailedToken(address: string, count = 1): Promise<string> {
  const mails = () =>
    mailServer.received.filter((mail) => mail.to === address && mail.header('subject').includes(' invites '));
  await expect.poll(() => mails().length, { timeout: 15_000 }).toBe(count);
  const text = (mails().at(-1)?.raw ?? '').replaceAll('=\r\n', '').replaceAll('=3D', '=');
  return /\/invitation#token=([\w-]{43})/.exec(text)?.[1] ?? '';
}

const invite = (client: Tenant['client'], email: string, role = 'member') =>
  client.ask('POST /invitations', { body: { email, role } });
const open = (token: string, client = server.anonymous) => client.ask('POST /invitation/open', { body: { token } });
const signUpBy = (token: string, email: string, more: object = {}) => {
  const client = createClient(server.url);
  const body = { name: 'Guest', email, password: strongPassword, invitation: { token, ...more } };
  return { client, answer: client.ask('POST /auth/sign-up', { body }) };
};
const query = <Row>(text: string, values: readonly unknown[]) =>
  server.services.db.withAuth((tx) => tx.query<Row>({ text, values }));
const auditOf = async (action: string) =>
  (
    await query<{ details: object }>(
      'select details from kernel.audit_records where tenant_id = $1 and action = $2 order by sequence',
      [team.id, action],
    )
  ).map((row) => row.details);

test('[K3.1] an invitation by mail tells who invites where, lets its reader in once, and proves their address', async () => {
  const email = newAddress();
  const made = await invite(admin.client, email.toUpperCase());
  expect(made.status).toBe(201);
  expect(made.json).toMatchObject({ email, role: 'member', maxUses: 1, uses: 0, isOpen: true });
  const days = (Date.parse(made.json.expiresAt) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(6.9);
  expect(days).toBeLessThan(7.1);
  const token = await mailedToken(email);
  expect(made.text).not.toContain(token);
  const mail = mailServer.received.find(
    (received) => received.to === email && received.header('subject').includes(' invites '),
  );
  expect(mail?.header('subject')).toContain('invites you to Lighthouse');
  expect(mail?.raw.split('text/html')[1]).not.toContain('<b>');

  const offer = await open(token);
  expect(offer.json).toMatchObject({ organisationName: 'Lighthouse <b>& Co</b>', role: 'member', email, me: null });
  const guest = signUpBy(token, email);
  expect((await guest.answer).json).toMatchObject({ organisation: { id: team.id }, role: 'member' });
  expect((await guest.client.expect(200, 'GET /session')).json.organisation.id).toBe(team.id);
  expect((await guest.client.expect(200, 'GET /organisations')).json.items).toHaveLength(2);
  expect(await query('select email_verified from auth.users where email = $1', [email])).toEqual([
    { email_verified: true },
  ]);
  expect((await open(token)).json.code).toBe('INVITATION_INVALID');
  expect(await auditOf('organisation.invitation.create')).toContainEqual({ role: 'member', means: 'mail' });
  expect(await auditOf('organisation.invitation.accept')).toContainEqual({ role: 'member', isNew: true });
});

test('[K3.1] somebody with an account accepts signed in; their other organisation stays theirs', async () => {
  const guest = await server.secondTenant();
  const { email } = (await guest.client.expect(200, 'GET /session')).json.user;
  expect((await invite(admin.client, email, 'viewer')).status).toBe(201);
  const token = await mailedToken(email);
  expect((await open(token, guest.client)).json.me).toEqual({ email, isMember: false, isInvitedAddress: true });
  const accepted = await guest.client.expect(200, 'POST /invitation/accept', { body: { token } });
  expect(accepted.json).toMatchObject({ id: team.id, role: 'viewer', isCurrent: true });
  expect((await guest.client.expect(200, 'GET /session')).json.role).toBe('viewer');
  expect((await invite(admin.client, email)).json.code).toBe('ALREADY_MEMBER');
  const told = await admin.client.expect(200, 'GET /notifications');
  expect(told.json.items.map((item: { title: string }) => item.title)).toContainEqual(
    expect.stringMatching(/^Stranger \d+ joined Lighthouse/),
  );
});

test('[K3.1] accepting with another address than the invited one asks first, and proves nothing about it', async () => {
  const invited = newAddress();
  await invite(admin.client, invited);
  const token = await mailedToken(invited);
  const guest = await server.secondTenant();
  expect((await open(token, guest.client)).json.me.isInvitedAddress).toBe(false);
  const refused = await guest.client.expect(409, 'POST /invitation/accept', { body: { token } });
  expect(refused.json).toMatchObject({ code: 'INVITATION_FOR_ANOTHER_ADDRESS', invitedAddress: invited });
  const other = newAddress();
  const signUp = signUpBy(token, other);
  expect((await signUp.answer).json.code).toBe('INVITATION_FOR_ANOTHER_ADDRESS');
  expect(await query('select id from auth.users where email = $1', [other])).toEqual([]);
  await guest.client.expect(200, 'POST /invitation/accept', { body: { token, acceptsOtherAddress: true } });
  expect(await query('select email_verified from auth.users where id = $1', [guest.principal.userId])).toEqual([
    { email_verified: false },
  ]);
});

test('[K3.1] a link lets in as many as it says and not one more, however many press at the same moment', async () => {
  const token = await createLink(team, 'viewer', { maxUses: 2 });
  const guests = await Promise.all(Array.from({ length: 6 }, () => server.secondTenant()));
  const answers = await Promise.all(
    guests.map(({ client }) => client.ask('POST /invitation/accept', { body: { token } })),
  );
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(2);
  expect(answers.filter((answer) => answer.json.code === 'INVITATION_INVALID')).toHaveLength(4);
});

test('[K3.1] who belongs already loses nothing by a link and uses none of it up', async () => {
  const token = await createLink(team, 'viewer', { maxUses: 1 });
  const { json } = await admin.client.expect(200, 'POST /invitation/accept', { body: { token } });
  expect(json).toMatchObject({ role: 'admin', id: team.id });
  expect((await open(token)).status).toBe(200);
});

test('[K3.1] a revoked, an expired and an invented invitation are refused alike', async () => {
  const token = await createLink(team, 'member');
  const { json } = await admin.client.expect(200, 'GET /invitations?limit=1');
  expect(json.items[0]).toMatchObject({ email: null, maxUses: 10, invitedBy: 'Ada Lovelace', isOpen: true });
  await admin.client.expect(204, `DELETE /invitations/${json.items[0].id}`);
  await admin.client.expect(404, `DELETE /invitations/${json.items[0].id}`);
  const expired = await createLink(team, 'member');
  await query(`update auth.invitations set expires_at = now() - interval '1 second' where max_uses = 10`, []);
  const answers = await Promise.all([open(token), open(expired), open('x'.repeat(43))]);
  expect(new Set(answers.map((answer) => `${answer.status} ${answer.json.code}`))).toEqual(
    new Set(['404 INVITATION_INVALID']),
  );
  const guest = await server.secondTenant();
  await guest.client.expect(404, 'POST /invitation/accept', { body: { token: expired } });
  expect((await signUpBy(expired, newAddress()).answer).status).toBe(404);
  expect(await auditOf('organisation.invitation.revoke')).toHaveLength(1);
});

test('[K3.1] sending again makes a new link and ends the old one; a link cannot be sent', async () => {
  const email = newAddress();
  const { json } = await invite(admin.client, email);
  const first = await mailedToken(email);
  expect((await invite(admin.client, email)).json.code).toBe('INVITATION_EXISTS');
  await query(`update auth.invitations set expires_at = now() - interval '1 day' where id = $1`, [json.id]);
  const sent = await admin.client.expect(200, `POST /invitations/${json.id}/resend`);
  expect(sent.json.isOpen).toBe(true);
  const second = await mailedToken(email, 2);
  expect([(await open(first)).status, (await open(second)).status]).toEqual([404, 200]);
  await createLink(team, 'viewer');
  const newest = (await admin.client.expect(200, 'GET /invitations?limit=1')).json.items[0];
  const refused = await admin.client.expect(409, `POST /invitations/${newest.id}/resend`);
  expect(refused.json.code).toBe('INVITATION_IS_A_LINK');
  await admin.client.expect(404, `POST /invitations/${newId()}/resend`);
});

test('[K3.1] inviting tells nobody whether an address has an account', async () => {
  const { client } = await server.secondTenant();
  const known = (await client.expect(200, 'GET /session')).json.user.email;
  const [forKnown, forUnknown] = [await invite(admin.client, known), await invite(admin.client, newAddress())];
  const shape = ({ status, json }: typeof forKnown) => [status, Object.keys(json), json.isOpen, json.uses];
  expect(shape(forKnown)).toEqual(shape(forUnknown));
});

test('[K4.1] one address is mailed five times a day at most, by whichever organisations', async () => {
  const email = newAddress();
  const first = await invite(admin.client, email);
  for (let count = 2; count <= 4; count++) await admin.client.expect(200, `POST /invitations/${first.json.id}/resend`);
  const rival = await createTeam(await server.secondTenant());
  expect((await invite(rival.owner, email)).status).toBe(201);
  const refused = await invite(rival.owner, email);
  expect([refused.status, refused.json.code]).toEqual([429, 'RATE_LIMITED']);
  await admin.client.expect(429, `POST /invitations/${first.json.id}/resend`);
});

test('[K3.5] members and viewers see no invitations and invite nobody; admins invite no admins', async () => {
  const member = await addMember(server, team, 'member');
  for (const route of [
    'GET /invitations',
    'POST /invitations',
    'POST /invitation-links',
    `DELETE /invitations/${newId()}`,
  ]) {
    const body = route.startsWith('POST') ? { role: 'viewer', email: 'nobody@example.net' } : undefined;
    await member.client.expect(403, route, { body });
    await server.anonymous.expect(401, route, { body });
  }
  expect((await invite(admin.client, newAddress(), 'admin')).json.code).toBe('OWNERS_ONLY');
  expect((await invite(team.owner, newAddress(), 'admin')).status).toBe(201);
  expect((await invite(team.owner, newAddress(), 'owner')).status).toBe(400);
  const link = await admin.client.ask('POST /invitation-links', { body: { role: 'admin' } });
  expect(link.json.code).toBe('OWNERS_ONLY');
  for (const email of ['no address', 'a@b', `${'x'.repeat(260)}@example.com`])
    expect((await invite(admin.client, email)).status).toBe(400);
});

test('[K3.1] tokens are stored hashed and are in no list', async () => {
  const token = await createLink(team, 'viewer');
  const rows = await query<{ text: string }>('select i::text as text from auth.invitations i', []);
  expect(rows.some(({ text }) => text.includes(token))).toBe(false);
  expect((await admin.client.expect(200, 'GET /invitations')).text).not.toContain(token);
});

test('[K2.1] where strangers may not sign up, an invitation opens the door for one', async () => {
  await using closed = await startTestServer({ environment: { SIGN_UP: 'closed' } });
  const crew = await createTeam(await closed.signUpOwner());
  const person = { name: 'Eve', email: 'eve@example.net', password: strongPassword };
  const asking = (invitation?: object) => ({ body: { ...person, ...(invitation ? { invitation } : {}) } });
  expect((await closed.anonymous.expect(403, 'POST /auth/sign-up', asking())).json.code).toBe('SIGN_UP_CLOSED');
  const made = asking({ token: 'y'.repeat(43) });
  expect((await closed.anonymous.expect(404, 'POST /auth/sign-up', made)).json.code).toBe('INVITATION_INVALID');
  const token = await createLink(crew, 'viewer', { maxUses: 1 });
  const eve = createClient(closed.url);
  const { json } = await eve.expect(201, 'POST /auth/sign-up', asking({ token }));
  expect(json).toMatchObject({ role: 'viewer', organisation: { id: crew.id } });
  const second = { ...asking({ token }).body, email: 'mallory@example.net' };
  await closed.anonymous.expect(404, 'POST /auth/sign-up', { body: second });
});

test('[K3.1] what is over is forgotten after a month, what is open stays', async () => {
  await createLink(team, 'viewer');
  await query(
    `update auth.invitations set expires_at = now() - interval '31 days' where id = (select max(id::text)::uuid from auth.invitations)`,
    [],
  );
  const [before] = await query<{ count: number }>('select count(*)::int as count from auth.invitations', []);
  expect(await sweepInvitations(server.services.db, new Date())).toBeGreaterThan(0);
  const [after] = await query<{ count: number }>('select count(*)::int as count from auth.invitations', []);
  expect(after?.count).toBeLessThan(before?.count ?? 0);
  expect(await sweepInvitations(server.services.db, new Date())).toBe(0);
});
