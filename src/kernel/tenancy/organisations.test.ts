/** Organisations are made, switched, renamed and left; a session acts in one at a time, and nobody in one they do not belong to. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAgent } from '../../testing/agents-fixture.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../../testing/server.ts';
import { addMember, createTeam, signInElsewhere } from '../../testing/team-fixture.ts';
import { newId } from '#kernel/ids';

let server: TestServer;
let ada: Tenant;

beforeAll(async () => {
  server = await startTestServer({
    environment: {
      ORGANISATIONS_PER_PERSON: '3',
      LIMITS: 'organisation.settings=1000/60,organisation.switch=1000/60,organisation.read=10000/60',
    },
  });
  ada = await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const auditOf = (tenantId: string) =>
  server.services.db.withAuth((tx) =>
    tx.query<{ action: string }>({
      text: 'select action from kernel.audit_records where tenant_id = $1 order by sequence',
      values: [tenantId],
    }),
  );

test('[K3.1] an organisation is created by whoever wants one, is theirs, and stands in the list beside the personal one', async () => {
  const { client, principal } = await server.secondTenant();
  const created = await client.expect(201, 'POST /organisations', { body: { name: '  Harbour  ' } });
  expect(created.json).toMatchObject({ name: 'Harbour', isPersonal: false, role: 'owner', isCurrent: false });
  const { json } = await client.expect(200, 'GET /organisations');
  expect(json).toMatchObject({
    items: [
      { id: principal.tenantId, isPersonal: true, isCurrent: true, role: 'owner' },
      { id: created.json.id, isPersonal: false, isCurrent: false, role: 'owner' },
    ],
    nextCursor: null,
  });
  expect(await auditOf(created.json.id)).toEqual([{ action: 'organisation.create' }]);
  for (const name of ['', '   ', 'x'.repeat(201), 'a\u0000b', 'two\nlines'])
    await client.expect(400, 'POST /organisations', { body: { name } });
});

test('[K3.1] the list of one’s organisations goes page by page', async () => {
  const { client } = await server.secondTenant();
  for (const name of ['One', 'Two']) await client.expect(201, 'POST /organisations', { body: { name } });
  const first = await client.expect(200, 'GET /organisations?limit=2');
  const second = await client.expect(200, `GET /organisations?limit=2&cursor=${first.json.nextCursor}`);
  expect([...first.json.items, ...second.json.items].map((item) => item.name).slice(1)).toEqual(['One', 'Two']);
  expect(second.json.nextCursor).toBeNull();
  await client.expect(400, 'GET /organisations?cursor=nonsense');
});

test('[K3.1] a person owns so many and no more, even when they are asked for at the same moment', async () => {
  const { client } = await server.secondTenant();
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => client.ask('POST /organisations', { body: { name: `Fleet ${index}` } })),
  );
  expect(answers.map((answer) => answer.status).sort()).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
  const { json } = await client.expect(409, 'POST /organisations', { body: { name: 'One more' } });
  expect(json.code).toBe('ORGANISATION_LIMIT');
});

test('[K3.1] a repeated creation with the same key makes one organisation', async () => {
  const { client } = await server.secondTenant();
  const asking = { body: { name: 'Twice' }, headers: { 'idempotency-key': newId() } };
  const [first, second] = [
    await client.expect(201, 'POST /organisations', asking),
    await client.expect(201, 'POST /organisations', asking),
  ];
  expect(second.json.id).toBe(first.json.id);
  expect((await client.expect(200, 'GET /organisations')).json.items).toHaveLength(2);
});

test('[K3.1] whoever belongs to two reads and writes only where the session works, in the role held there', async () => {
  const team = await createTeam(ada);
  const member = await addMember(server, team, 'viewer');
  const inTeam = await createAgent(team.owner, { name: 'Team agent' });
  const { json: session } = await member.client.expect(200, 'GET /session');
  expect(session).toMatchObject({ role: 'viewer', organisation: { id: team.id, name: 'Crew', isPersonal: false } });
  await member.client.expect(200, `GET /agents/${inTeam.id}`);
  await member.client.expect(403, 'POST /agents', { body: { name: 'Mine' } });

  const home = (await member.client.expect(200, 'GET /organisations')).json.items.find(
    (item: { isPersonal: boolean }) => item.isPersonal,
  );
  const switched = await member.client.expect(200, `POST /organisations/${home.id}/switch`);
  expect(switched.json).toMatchObject({ id: home.id, role: 'owner', isCurrent: true });
  await member.client.expect(404, `GET /agents/${inTeam.id}`);
  const own = await createAgent(member.client, { name: 'Own agent' });
  await member.client.expect(200, `POST /organisations/${team.id}/switch`);
  await member.client.expect(404, `GET /agents/${own.id}`);
});

test('[K3.1] nobody switches to an organisation they do not belong to: it is not found', async () => {
  const stranger = await server.secondTenant();
  const team = await createTeam(await server.secondTenant());
  await stranger.client.expect(404, `POST /organisations/${team.id}/switch`);
  await stranger.client.expect(404, `POST /organisations/${newId()}/switch`);
  expect((await stranger.client.expect(200, 'GET /session')).json.organisation.id).toBe(stranger.principal.tenantId);
});

test('[K3.1] a page that still believes in the organisation before gets 409 instead of acting in the wrong one', async () => {
  const { client, principal } = await server.secondTenant();
  const before = { 'x-organisation': principal.tenantId };
  await client.expect(200, 'GET /agents', { headers: before });
  const team = await createTeam({ client });
  for (const route of ['GET /agents', 'POST /agents', 'GET /members']) {
    const body = route.startsWith('POST') ? { name: 'Lost' } : undefined;
    const answer = await client.expect(409, route, { body, headers: before });
    expect(answer.json.code).toBe('ORGANISATION_CHANGED');
  }
  await client.expect(200, 'GET /agents', { headers: { 'x-organisation': team.id } });
  await server.anonymous.expect(401, 'GET /agents', { headers: before });
});

test('[K3.1] a page of somebody else gets 409 instead of acting for who signed in in the same browser meanwhile', async () => {
  const { client, principal } = await server.secondTenant();
  const other = await server.secondTenant();
  await client.expect(200, 'GET /agents', { headers: { 'x-person': principal.userId } });
  const headers = { 'x-person': other.principal.userId };
  for (const route of ['GET /agents', 'POST /agents', 'POST /organisations', 'POST /sessions/revoke-others']) {
    const body = ['POST /agents', 'POST /organisations'].includes(route) ? { name: 'Lost' } : undefined;
    const { status, json } = await client.ask(route, { body, headers });
    expect([route, status, json.code]).toEqual([route, 409, 'PERSON_CHANGED']);
  }
  expect((await client.expect(200, 'GET /agents')).json.items).toEqual([]);
});

test('[K3.1] another browser of the same person stays where it is; the next sign-in starts where the person last went', async () => {
  const { client, principal } = await server.secondTenant();
  const { email } = (await client.expect(200, 'GET /session')).json.user;
  const other = await signInElsewhere(server, email, strongPassword);
  const team = await createTeam({ client });
  expect((await other.expect(200, 'GET /session')).json.organisation.id).toBe(principal.tenantId);
  const next = await signInElsewhere(server, email, strongPassword);
  expect((await next.expect(200, 'GET /session')).json.organisation.id).toBe(team.id);
});

test('[K3.1] owners and admins rename it, members do not; the act is audited', async () => {
  const team = await createTeam(await server.secondTenant());
  const admin = await addMember(server, team, 'admin');
  const member = await addMember(server, team, 'member');
  await member.client.expect(403, 'PATCH /organisation', { body: { name: 'Mutiny' } });
  const renamed = await admin.client.expect(200, 'PATCH /organisation', { body: { name: 'New name' } });
  expect(renamed.json).toMatchObject({ id: team.id, name: 'New name', role: 'admin', memberCount: 3, ownerCount: 1 });
  expect((await member.client.expect(200, 'GET /organisation')).json).toMatchObject({
    name: 'New name',
    role: 'member',
  });
  expect(await auditOf(team.id)).toContainEqual({ action: 'organisation.update' });
  await admin.client.expect(400, 'PATCH /organisation', { body: { name: '' } });
});

test('[K3.1] who leaves goes on at home at once, in every browser, and is not there any more', async () => {
  const team = await createTeam(await server.secondTenant());
  const leaver = await addMember(server, team, 'member');
  const { email } = (await leaver.client.expect(200, 'GET /session')).json.user;
  const elsewhere = await signInElsewhere(server, email, strongPassword);
  expect((await elsewhere.expect(200, 'GET /session')).json.organisation.id).toBe(team.id);
  const left = await leaver.client.expect(200, 'POST /organisation/leave');
  for (const client of [leaver.client, elsewhere]) {
    const { json } = await client.expect(200, 'GET /session');
    expect(json.organisation).toMatchObject({ id: left.json.organisationId, isPersonal: true });
  }
  await leaver.client.expect(404, `POST /organisations/${team.id}/switch`);
  expect((await team.owner.expect(200, 'GET /members')).json.items).toHaveLength(1);
  expect(await auditOf(team.id)).toContainEqual({ action: 'organisation.leave' });
});

test('[K3.1] a personal organisation cannot be left or shared', async () => {
  const { client, principal } = await server.secondTenant();
  const acts = [
    client.ask('POST /organisation/leave'),
    client.ask('POST /invitations', { body: { email: 'friend@example.com', role: 'member' } }),
    client.ask('POST /invitation-links', { body: { role: 'member' } }),
    client.ask(`DELETE /members/${principal.userId}`),
    client.ask(`PATCH /members/${principal.userId}`, { body: { role: 'viewer' } }),
    client.ask(`POST /members/${principal.userId}/make-owner`, { body: { remainOwner: true } }),
  ];
  for (const answer of await Promise.all(acts))
    expect([answer.status, answer.json.code]).toEqual([409, 'ORGANISATION_PERSONAL']);
});
