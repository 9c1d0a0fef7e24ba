/** Operators let people in one by one or by a link, also where signing up is closed; what they gave out ends with their office. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { createClient } from '../../testing/client.ts';
import { startMailServer, type MailServer } from '../../testing/mail-server.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../../testing/server.ts';
import { createTeam } from '../../testing/team-fixture.ts';

let mailServer: MailServer;
let server: TestServer;
let operator: Tenant;

beforeAll(async () => {
  mailServer = await startMailServer();
  server = await startTestServer({
    environment: {
      SIGN_UP: 'closed',
      MAIL_SMTP_URL: mailServer.url,
      MAIL_SMTP_TLS: 'optional',
      MAIL_FROM: 'Bulkhead <bulkhead@example.com>',
      LIMITS: 'organisation.invitation-open=1000/60,admin.write=1000/60',
    },
  });
  operator = await server.signUpOwner();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await mailServer?.[Symbol.asyncDispose]();
});

let people = 0;
const newAddress = (): string => `newcomer${(people += 1)}@example.net`;

async function mailedToken(address: string, count = 1): Promise<string> {
  const mails = () => mailServer.received.filter((mail) => mail.to === address);
  await expect.poll(() => mails().length, { timeout: 15_000 }).toBe(count);
  const text = (mails().at(-1)?.raw ?? '').replaceAll('=\r\n', '').replaceAll('=3D', '=');
  return /\/invitation#token=([\w-]{43})/.exec(text)?.[1] ?? '';
}

const open = (token: string, client = server.anonymous) => client.ask('POST /invitation/open', { body: { token } });

async function signUp(token: string, email: string, more: object = {}) {
  const client = createClient(server.url);
  const body = { name: 'Newcomer', email, password: strongPassword, invitation: { token, ...more } };
  return { client, answer: await client.ask('POST /auth/sign-up', { body }) };
}

async function makeLink(client = operator.client, maxUses = 1): Promise<{ id: string; token: string; url: string }> {
  const { json } = await client.expect(200, 'POST /admin/invitation-links', { body: { maxUses } });
  return { id: json.invitation.id, token: json.token, url: json.url };
}

/** arrive makes an account by a link. */
async function arrive(): Promise<Tenant & { email: string }> {
  const email = newAddress();
  const { answer, client } = await signUp((await makeLink()).token, email);
  expect(answer.status).toBe(201);
  const principal = await server.services.identity.resolve({ cookie: client.cookie });
  if (!principal) throw new Error('signing up gave no session');
  return { client, principal, email };
}

const setOperator = (userId: string, isOperator: boolean) =>
  operator.client.expect(200, `PUT /admin/people/${userId}/operator`, { body: { isOperator } });

test('[K17.4] [K2.1] an invitation by mail lets its reader in once although signing up is closed, at home and nowhere else', async () => {
  const email = newAddress();
  const made = await operator.client.expect(201, 'POST /admin/invitations', { body: { email: email.toUpperCase() } });
  expect(made.json).toMatchObject({ email, maxUses: 1, uses: 0, isOpen: true, invitedBy: 'Ada Lovelace' });
  const token = await mailedToken(email);
  expect((await open(token)).json).toEqual({
    organisationName: null,
    role: null,
    email,
    invitedBy: 'Ada Lovelace',
    expiresAt: made.json.expiresAt,
    me: null,
  });
  const refused = await signUp(token, newAddress());
  expect(refused.answer.json).toMatchObject({ code: 'INVITATION_FOR_ANOTHER_ADDRESS', invitedAddress: email });
  const { answer, client } = await signUp(token, email);
  expect(answer.status, answer.text).toBe(201);
  expect(answer.json).toMatchObject({ role: 'owner', user: { email }, isOperator: false });
  expect((await client.expect(200, 'GET /organisations')).json.items).toMatchObject([{ isPersonal: true }]);
  const found = await operator.client.expect(200, `GET /admin/people?search=${email}`);
  expect(found.json.items).toMatchObject([{ isEmailVerified: true }]);
  expect((await signUp(token, newAddress(), { acceptsOtherAddress: true })).answer.json.code).toBe(
    'INVITATION_INVALID',
  );
  const { json: told } = await operator.client.expect(200, 'GET /notifications');
  expect(told.items[0]).toMatchObject({ title: 'Newcomer has an account here now' });
  const again = await operator.client.expect(409, 'POST /admin/invitations', { body: { email } });
  expect(again.json.code).toBe('ACCOUNT_EXISTS');
});

test('[K17.4] a link lets in as many as it says, however many press at once, and proves nobody’s address', async () => {
  const { token, url } = await makeLink(operator.client, 2);
  expect(url).toMatch(/\/invitation#token=[\w-]{43}$/);
  const addresses = [newAddress(), newAddress(), newAddress(), newAddress()];
  const answers = await Promise.all(addresses.map((email) => signUp(token, email)));
  expect(answers.map(({ answer }) => answer.status).toSorted()).toEqual([201, 201, 404, 404]);
  const { json } = await operator.client.expect(200, 'GET /admin/invitations?limit=1');
  expect(json.items).toMatchObject([{ email: null, maxUses: 2, uses: 2, isOpen: false }]);
  const who = addresses.find((_, index) => answers[index]?.answer.status === 201) ?? '';
  const found = await operator.client.expect(200, `GET /admin/people?search=${who}`);
  expect(found.json.items).toMatchObject([{ isEmailVerified: false }]);
  // So it is asked whose it is.
  await expect.poll(() => mailServer.received.filter((mail) => mail.to === who).length, { timeout: 15_000 }).toBe(1);
});

test('[K17.4] who has an account is told so, and uses nothing up', async () => {
  const { id, token } = await makeLink();
  const { client } = await arrive();
  expect((await open(token, client)).json.me).toMatchObject({ isMember: true });
  const { json } = await client.expect(409, 'POST /invitation/accept', { body: { token } });
  expect(json.code).toBe('INVITATION_FOR_NEWCOMERS');
  const { json: list } = await operator.client.expect(200, 'GET /admin/invitations');
  expect(list.items.find((one: { id: string }) => one.id === id)).toMatchObject({ uses: 0, isOpen: true });
});

test('[K17.4] sent again it has a new link; revoked it has none; a link is not sent', async () => {
  const email = newAddress();
  const { json } = await operator.client.expect(201, 'POST /admin/invitations', { body: { email } });
  const before = await mailedToken(email);
  const twice = await operator.client.expect(409, 'POST /admin/invitations', { body: { email } });
  expect(twice.json.code).toBe('INVITATION_EXISTS');
  await operator.client.expect(200, `POST /admin/invitations/${json.id}/resend`);
  const after = await mailedToken(email, 2);
  expect((await open(before)).status).toBe(404);
  expect((await open(after)).status).toBe(200);
  await operator.client.expect(204, `DELETE /admin/invitations/${json.id}`);
  await operator.client.expect(404, `DELETE /admin/invitations/${json.id}`);
  expect((await open(after)).status).toBe(404);
  const link = await makeLink();
  const sent = await operator.client.expect(409, `POST /admin/invitations/${link.id}/resend`);
  expect(sent.json.code).toBe('INVITATION_IS_A_LINK');
  await operator.client.expect(404, `POST /admin/invitations/${newId()}/resend`);
  const trail = await operator.client.expect(200, 'GET /audit-records?action=admin.invitations.revoke');
  expect(trail.json.items).toHaveLength(1);
});

test('[K17.4] only operators invite to the server; theirs and an organisation’s are two lists', async () => {
  const { client } = await arrive();
  for (const route of ['GET /admin/invitations', `DELETE /admin/invitations/${newId()}`])
    await client.expect(403, route);
  await client.expect(403, 'POST /admin/invitations', { body: { email: newAddress() } });
  await client.expect(403, 'POST /admin/invitation-links', { body: {} });
  const team = await createTeam({ client });
  const mine = await client.expect(200, 'POST /invitation-links', { body: { role: 'viewer' } });
  await operator.client.expect(404, `DELETE /admin/invitations/${mine.json.invitation.id}`);
  const { id } = await makeLink();
  await client.expect(404, `DELETE /invitations/${id}`);
  await client.expect(404, `POST /invitations/${id}/resend`);
  const { json } = await client.expect(200, 'GET /invitations');
  expect(json.items.map((one: { id: string }) => one.id)).toEqual([mine.json.invitation.id]);
  expect(team.id).toBeTruthy();
});

test('[K17.4] a link ends with the office, the account or the switching-off of who made it', async () => {
  const second = await arrive();
  const { userId } = second.principal;
  await setOperator(userId, true);
  const { id, token } = await makeLink(second.client);
  expect((await open(token)).status).toBe(200);
  await setOperator(userId, false);
  expect((await open(token)).status).toBe(404);
  const { json } = await operator.client.expect(200, 'GET /admin/invitations');
  expect(json.items.find((one: { id: string }) => one.id === id)).toMatchObject({ isOpen: false });
  await setOperator(userId, true);
  expect((await open(token)).status).toBe(200);
  const state = `PUT /admin/people/${userId}/state`;
  await operator.client.expect(200, state, { body: { isDisabled: true } });
  expect((await open(token)).status).toBe(404);
  expect((await signUp(token, newAddress())).answer.status).toBe(404);
});
