/** Roles are changed by those above, at once and everywhere; an organisation never loses its last owner. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { apps } from '../../apps.ts';
import { composeBulkhead } from '../../compose.ts';
import { createAgent, createConversation, say } from '../../testing/agents-fixture.ts';
import { createProbe } from '../../testing/probe-app.ts';
import { startTestServer, type Tenant, type TestServer } from '../../testing/server.ts';
import { addMember, createLink, createTeam, type Team } from '../../testing/team-fixture.ts';
import { silentLog } from '../../testing/test-cluster.ts';
import { newId } from '#kernel/ids';

const { app: probeApp, probe } = createProbe();
let server: TestServer;
let team: Team;
let admin: Tenant;
let member: Tenant;
let viewer: Tenant;

beforeAll(async () => {
  server = await startTestServer({
    environment: { LIMITS: 'organisation.settings=1000/60,organisation.invitation=1000/60,organisation.read=10000/60' },
    apps: [...apps, probeApp],
    streamLimits: { heartbeatSeconds: 15, maxBufferedBytes: 1_000_000, stallSeconds: 30, recheckSeconds: 0.05 },
  });
  await server.signUpOwner();
  team = await createTeam(await server.secondTenant());
  admin = await addMember(server, team, 'admin');
  member = await addMember(server, team, 'member');
  viewer = await addMember(server, team, 'viewer');
}, 60_000);
afterAll(() => server?.[Symbol.asyncDispose]());

const roleOf = async ({ client }: Pick<Tenant, 'client'>) => (await client.expect(200, 'GET /session')).json.role;
const auditOf = (action: string, tenantId = team.id) =>
  server.services.db.withAuth((tx) =>
    tx.query<{ resource: string; details: object }>({
      text: 'select resource, details from kernel.audit_records where tenant_id = $1 and action = $2 order by sequence',
      values: [tenantId, action],
    }),
  );

test('[K3.1] everybody sees who belongs, page by page and by search, in which role', async () => {
  const { json } = await viewer.client.expect(200, 'GET /members?limit=3');
  const rest = await viewer.client.expect(200, `GET /members?limit=3&cursor=${json.nextCursor}`);
  const all = [...json.items, ...rest.json.items];
  expect(all.map((item) => item.role)).toEqual(['owner', 'admin', 'member', 'viewer']);
  expect(all.map((item) => item.isMe)).toEqual([false, false, false, true]);
  const found = await viewer.client.expect(200, `GET /members?search=${encodeURIComponent(all[1].email.slice(0, 12))}`);
  expect(found.json.items).toContainEqual(all[1]);
  expect((await viewer.client.expect(200, 'GET /members?search=%25')).json.items).toEqual([]);
  await viewer.client.expect(400, 'GET /members?cursor=nonsense');
});

test('[K3.5] a changed role holds at once, on every process', async () => {
  const elsewhere = await composeBulkhead({ config: { ...server.services.config, port: 0 }, log: silentLog });
  try {
    const person = await addMember(server, team, 'member');
    const there = () => elsewhere.services.identity.resolve({ cookie: person.client.cookie });
    expect(await there()).toMatchObject({ role: 'member' });
    await createAgent(person.client);
    await admin.client.expect(200, `PATCH /members/${person.principal.userId}`, { body: { role: 'viewer' } });
    await person.client.expect(403, 'POST /agents', { body: { name: 'No more' } });
    await vi.waitUntil(async () => (await there())?.role === 'viewer', { timeout: 4_000 });
    expect(await auditOf('organisation.member.update')).toContainEqual({
      resource: `user:${person.principal.userId}`,
      details: { from: 'member', to: 'viewer', revokedLinks: 0 },
    });
    await admin.client.expect(204, `DELETE /members/${person.principal.userId}`);
    await vi.waitUntil(async () => (await there())?.tenantId !== team.id, { timeout: 4_000 });
  } finally {
    await elsewhere.close();
  }
});

test('[K3.1] whoever is removed goes on at home, and finds nothing of the organisation any more', async () => {
  const agent = await createAgent(team.owner);
  const person = await addMember(server, team, 'member');
  await person.client.expect(200, `GET /agents/${agent.id}`);
  await admin.client.expect(204, `DELETE /members/${person.principal.userId}`);
  await person.client.expect(404, `GET /agents/${agent.id}`);
  const answer = await person.client.expect(409, 'GET /agents', { headers: { 'x-organisation': team.id } });
  expect(answer.json.code).toBe('ORGANISATION_CHANGED');
  expect((await person.client.expect(200, 'GET /session')).json.organisation.isPersonal).toBe(true);
  expect(await auditOf('organisation.member.remove')).toContainEqual({
    resource: `user:${person.principal.userId}`,
    details: { role: 'member' },
  });
  await admin.client.expect(404, `DELETE /members/${person.principal.userId}`);
});

test('[K3.1] an open stream ends when its listener is removed, or goes to another organisation', async () => {
  probe.onStream = (_writer, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  const acts = [
    (person: Tenant) => admin.client.expect(204, `DELETE /members/${person.principal.userId}`),
    (person: Tenant) => person.client.expect(200, 'POST /organisation/leave'),
    async (person: Tenant) => {
      const { json } = await person.client.expect(200, 'GET /organisations');
      const home = json.items.find((item: { isPersonal: boolean }) => item.isPersonal);
      await person.client.expect(200, `POST /organisations/${home.id}/switch`);
    },
  ];
  for (const act of acts) {
    const person = await addMember(server, team, 'member');
    const stream = await person.client.open('GET /probe/stream', { headers: { accept: 'text/event-stream' } });
    expect(stream.status).toBe(200);
    await act(person);
    await stream.text(); // ends though nobody closed it
  }
});

test('[K3.5] members and viewers change nobody; admins change members and viewers, and make no admins or owners', async () => {
  const target = await addMember(server, team, 'member');
  const path = `/members/${target.principal.userId}`;
  for (const who of [member, viewer]) {
    await who.client.expect(403, `PATCH ${path}`, { body: { role: 'viewer' } });
    await who.client.expect(403, `DELETE ${path}`);
    await who.client.expect(403, `POST ${path}/make-owner`, { body: { remainOwner: true } });
  }
  await admin.client.expect(200, `PATCH ${path}`, { body: { role: 'viewer' } });
  const refusal = await admin.client.expect(403, `PATCH ${path}`, { body: { role: 'admin' } });
  expect(refusal.json.code).toBe('OWNERS_ONLY');
  await admin.client.expect(400, `PATCH ${path}`, { body: { role: 'owner' } });
  await admin.client.expect(403, `POST ${path}/make-owner`, { body: { remainOwner: true } });
  await team.owner.expect(200, `PATCH ${path}`, { body: { role: 'admin' } });
  await admin.client.expect(403, `DELETE ${path}`);
  await server.anonymous.expect(401, `DELETE ${path}`);
  await admin.client.expect(404, `PATCH /members/${newId()}`, { body: { role: 'viewer' } });
});

test('[K3.1] the last owner cannot leave, be demoted or be removed, by themselves or an admin', async () => {
  const owner = (await team.owner.expect(200, 'GET /session')).json.user.id;
  const acts = [
    team.owner.ask('POST /organisation/leave'),
    team.owner.ask(`DELETE /members/${owner}`),
    team.owner.ask(`PATCH /members/${owner}`, { body: { role: 'admin' } }),
  ];
  for (const answer of await Promise.all(acts)) expect([answer.status, answer.json.code]).toEqual([409, 'LAST_OWNER']);
  for (const answer of [
    await admin.client.ask(`DELETE /members/${owner}`),
    await admin.client.ask(`PATCH /members/${owner}`, { body: { role: 'viewer' } }),
  ])
    expect([answer.status, answer.json.code]).toEqual([403, 'OWNERS_ONLY']);
  expect(await roleOf({ client: team.owner })).toBe('owner');
});

test('[K3.1] of two owners who leave, or demote each other, at the same moment, one stays', async () => {
  for (let round = 0; round < 4; round++) {
    const first = await server.secondTenant();
    const pair = await createTeam(first, `Pair ${round}`);
    const second = await addMember(server, pair, 'owner');
    const [a, b] = [first.principal.userId, second.principal.userId];
    const answers = await Promise.all(
      round % 2 === 0
        ? [first.client.ask('POST /organisation/leave'), second.client.ask('POST /organisation/leave')]
        : [
            first.client.ask(`PATCH /members/${b}`, { body: { role: 'viewer' } }),
            second.client.ask(`PATCH /members/${a}`, { body: { role: 'viewer' } }),
          ],
    );
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    const [row] = await server.services.db.withAuth((tx) =>
      tx.query<{ owners: number }>({
        text: `select count(*)::int as owners from auth.members where tenant_id = $1 and role = 'owner'`,
        values: [pair.id],
      }),
    );
    expect(row?.owners).toBe(1);
  }
});

test('[K3.1] an owner who has asked to be deleted is nobody to leave an organisation to', async () => {
  const going = await server.secondTenant();
  const crew = await createTeam(going, 'Going');
  const staying = await addMember(server, crew, 'owner');
  const mate = await addMember(server, crew, 'member');
  await going.client.expect(202, 'POST /account/deletion');
  const { userId } = staying.principal;
  const acts = [
    staying.client.ask('POST /organisation/leave'),
    staying.client.ask(`DELETE /members/${userId}`),
    staying.client.ask(`PATCH /members/${userId}`, { body: { role: 'admin' } }),
    staying.client.ask(`POST /members/${going.principal.userId}/make-owner`, { body: { remainOwner: false } }),
  ];
  for (const answer of await Promise.all(acts)) expect([answer.status, answer.json.code]).toEqual([409, 'LAST_OWNER']);
  expect(await roleOf(staying)).toBe('owner');
  await staying.client.expect(200, `POST /members/${mate.principal.userId}/make-owner`, {
    body: { remainOwner: false },
  });
  await going.client.expect(200, 'DELETE /account/deletion');
  await mate.client.expect(200, 'POST /organisation/leave');
});

test('[K3.1] [K16.2] of two owners of whom one leaves while the other asks to be deleted, one stays', async () => {
  for (let round = 0; round < 6; round++) {
    const first = await server.secondTenant();
    const pair = await createTeam(first, `Ends ${round}`);
    const second = await addMember(server, pair, 'owner');
    await addMember(server, pair, 'member');
    const answers = await Promise.all([
      first.client.ask('POST /account/deletion'),
      second.client.ask('POST /organisation/leave'),
    ]);
    expect(answers.map((answer) => answer.json.code ?? 'done').sort()).toEqual([
      expect.stringMatching(/^(?:LAST|SOLE)_OWNER$/),
      'done',
    ]);
  }
});

test('[K3.1] ownership is handed over at once: the other is owner, the former one admin', async () => {
  const captain = await server.secondTenant();
  const ship = await createTeam(captain, 'Ship');
  const mate = await addMember(server, ship, 'viewer');
  const path = `POST /members/${mate.principal.userId}/make-owner`;
  const { json } = await captain.client.expect(200, path, { body: { remainOwner: false } });
  expect(json).toMatchObject({ id: mate.principal.userId, role: 'owner', isMe: false });
  expect([await roleOf(captain), await roleOf(mate)]).toEqual(['admin', 'owner']);
  await captain.client.expect(403, path, { body: { remainOwner: true } });
  await captain.client.expect(200, 'POST /organisation/leave');
  expect(await auditOf('organisation.member.make-owner', ship.id)).toEqual([
    { resource: `user:${mate.principal.userId}`, details: { from: 'viewer', isHandover: true } },
  ]);
  // Handing over to oneself changes nothing.
  const self = `POST /members/${mate.principal.userId}/make-owner`;
  await mate.client.expect(200, self, { body: { remainOwner: false } });
  expect(await roleOf(mate)).toBe('owner');
});

test('[K3.1] links of whoever is removed or may not invite any more stop working', async () => {
  const helper = await addMember(server, team, 'admin');
  const others = await createLink(team, 'member');
  for (const act of ['PATCH', 'DELETE'] as const) {
    await team.owner.expect(200, `PATCH /members/${helper.principal.userId}`, { body: { role: 'admin' } });
    const link = await helper.client.expect(200, 'POST /invitation-links', { body: { role: 'viewer' } });
    const { token } = link.json;
    await server.anonymous.expect(200, 'POST /invitation/open', { body: { token } });
    const body = act === 'PATCH' ? { role: 'member' } : undefined;
    await team.owner.ask(`${act} /members/${helper.principal.userId}`, { body });
    await server.anonymous.expect(404, 'POST /invitation/open', { body: { token } });
  }
  await server.anonymous.expect(200, 'POST /invitation/open', { body: { token: others } });
});

test('[K3.1] a link gives no role that who made it may not give any more, and none while their account is off or gone', async () => {
  const crew = await createTeam(await server.secondTenant());
  const other = await addMember(server, crew, 'owner');
  const makeLinkAs = async ({ client }: Pick<Tenant, 'client'>, role: string): Promise<string> =>
    (await client.expect(200, 'POST /invitation-links', { body: { role } })).json.token;
  const open = async (token: string) =>
    (await server.anonymous.ask('POST /invitation/open', { body: { token } })).status;
  const [forAdmins, forViewers] = [await makeLinkAs(other, 'admin'), await makeLinkAs(other, 'viewer')];
  expect([await open(forAdmins), await open(forViewers)]).toEqual([200, 200]);
  await crew.owner.expect(200, `PATCH /members/${other.principal.userId}`, { body: { role: 'admin' } });
  expect([await open(forAdmins), await open(forViewers)]).toEqual([404, 200]);
  const query = (text: string) =>
    server.services.db.withAuth((tx) => tx.query({ text, values: [other.principal.userId] }));
  await query('update auth.users set disabled_at = now() where id = $1');
  expect(await open(forViewers)).toBe(404);
  await query('update auth.users set disabled_at = null where id = $1');
  await query('update auth.invitations set created_by = null where created_by = $1'); // as when the account is erased
  expect(await open(forViewers)).toBe(404);
});

test('[K3.3] what a member keeps for themselves no owner or admin reads, over any route', async () => {
  const agent = await createAgent(member.client);
  const conversation = await createConversation(member.client, agent.id);
  const turn = await say(member.client, conversation.id, 'My diary says kingfisher');
  const { json: sessions } = await member.client.expect(200, 'GET /sessions');
  for (const client of [team.owner, admin.client]) {
    const asked = [
      `GET /conversations/${conversation.id}`,
      `GET /conversations/${conversation.id}/messages`,
      `GET /runs/${turn.run.id}`,
      `GET /runs/${turn.run.id}/events`,
      `POST /runs/${turn.run.id}/cancel`,
      `DELETE /conversations/${conversation.id}`,
      `DELETE /sessions/${sessions.items[0].id}`,
    ];
    for (const route of asked) expect([route, (await client.ask(route)).status]).toEqual([route, 404]);
    await client.expect(404, `POST /conversations/${conversation.id}/messages`, { body: { text: 'Hello' } });
    for (const list of ['GET /conversations', 'GET /sessions']) {
      const answer = await client.ask(list);
      for (const secret of [conversation.id, turn.run.id, sessions.items[0].id, 'kingfisher'])
        expect([list, answer.text.includes(secret)]).toEqual([list, false]);
    }
  }
  await member.client.expect(200, `GET /conversations/${conversation.id}`);
});

test('[K3.1] people are told of a new role where they have it, and of their removal at home', async () => {
  const person = await addMember(server, team, 'member');
  const titles = async () =>
    (await person.client.expect(200, 'GET /notifications')).json.items.map((item: { title: string }) => item.title);
  await admin.client.expect(200, `PATCH /members/${person.principal.userId}`, { body: { role: 'viewer' } });
  expect(await titles()).toEqual(['Your role in Crew is viewer now']);
  await admin.client.expect(204, `DELETE /members/${person.principal.userId}`);
  expect(await titles()).toContain('You do not belong to Crew any more');
});
