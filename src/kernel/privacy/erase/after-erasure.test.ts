/** Who was erased stays erased: not a late writer, not a restored backup and not a half-sent archive brings anything back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { createAgent } from '../../../testing/agents-fixture.ts';
import { asAdmin } from '../../../testing/as-admin.ts';
import { createTeam, addMember, signInElsewhere } from '../../../testing/team-fixture.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../../../testing/server.ts';
import { partBytes } from '../import/received-archive.ts';

let server: TestServer;
let operator: Tenant;
beforeAll(async () => {
  server = await startTestServer({ environment: { LIMITS: 'privacy.deletion=1000/60' } });
  operator = await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const asSystem = (text: string, values: readonly unknown[] = []) =>
  server.services.db.withSystem('a test', (tx) => tx.query({ text, values }));
const admin = <Row>(text: string, values: readonly unknown[] = []) =>
  asAdmin(server.database, (query) => query<Row>(text, values));

async function emailOf({ principal }: Tenant): Promise<string> {
  const [row] = await admin<{ email: string }>('select email from auth.users where id = $1', [principal.userId]);
  return row?.email ?? '';
}

async function eraseNow({ client }: Tenant): Promise<string> {
  const asked = await client.expect(202, 'POST /account/deletion');
  await asSystem(`update kernel.erasures set due_at = now() - interval '1 second'`);
  expect(await server.services.rights.erase(server.services)).toBe(1);
  return asked.json.deletion.certificateId as string;
}

const countOf = async (table: string, where: string, values: readonly unknown[]): Promise<number> =>
  (await admin<{ count: number }>(`select count(*)::int as count from ${table} where ${where}`, values))[0]?.count ??
  -1;

test('[K16.2] a restored backup brings nobody back: who was erased is erased again at the next start, under the same certificate', async () => {
  const person = await server.secondTenant();
  const { userId, tenantId } = person.principal;
  await createAgent(person.client, { name: 'Phoenix' });
  const kept = await Promise.all(
    ['auth.users where id', 'auth.organizations where personal_user_id', 'auth.members where user_id'].map((from) =>
      admin<{ row: unknown }>(`select to_jsonb(t) as row from ${from.replace(' where', ' t where')} = $1`, [userId]),
    ),
  );
  const certificateId = await eraseNow(person);
  expect(await server.services.rights.reapplyErasures(server.services)).toBe(0);
  const tables = ['auth.users', 'auth.organizations', 'auth.members'];
  for (const [index, table] of tables.entries())
    for (const { row } of kept[index] ?? [])
      await admin(`insert into ${table} select * from jsonb_populate_record(null::${table}, $1)`, [
        JSON.stringify(row),
      ]);
  await admin(
    `insert into kernel.notifications (id, tenant_id, owner_id, kind, title, text) values ($1, $2, $3, 'x', 'x', '')`,
    [newId(), tenantId, userId],
  );
  expect(await server.services.rights.reapplyErasures(server.services)).toBe(1);
  expect(await server.services.rights.erase(server.services)).toBe(1);
  expect(await countOf('auth.users', 'id = $1', [userId])).toBe(0);
  expect(await countOf('kernel.notifications', 'tenant_id = $1', [tenantId])).toBe(0);
  await server.anonymous.expect(200, `GET /deletion-certificates/${certificateId}`);
  await operator.client.expect(200, 'GET /session');
});

test('[K16.2] what something under way writes after the end is deleted, and nothing of anybody else', async () => {
  const [person, other] = [await server.secondTenant(), await server.secondTenant()];
  await createAgent(other.client, { name: 'Stays' });
  const { userId, tenantId } = person.principal;
  await eraseNow(person);
  await server.services.storage.put(person.principal, {
    filename: 'late.zip',
    contentType: 'application/zip',
    body: Buffer.from('late'),
    maxBytes: 100,
  });
  const scope = { tenantId: other.principal.tenantId, userId };
  await server.services.db.withTenant(scope, (tx) =>
    server.services.notifications.notify(tx, { ...scope, kind: 'account.security', title: 'Late' }),
  );
  await asSystem(
    `insert into app_agents.agents (id, tenant_id, name, model, created_by) values ($1, $2, 'Late', 'offline', $3)`,
    [newId(), tenantId, userId],
  );
  await server.services.db.withTenant(scope, (tx) =>
    server.services.audit.record(tx, { ...scope, action: 'late.a.b', resource: 'x:1', actor: person.principal }),
  );
  const before = await countOf('kernel.audit_records', 'tenant_id = $1', [other.principal.tenantId]);
  await server.services.rights.erase(server.services);
  expect(await countOf('app_agents.agents', 'tenant_id = $1', [tenantId])).toBe(1); // it is not time yet
  await admin('update kernel.late_sweeps set due_at = now()');
  await server.services.rights.erase(server.services);
  for (const [table, where, value] of [
    ['app_agents.agents', 'tenant_id = $1', tenantId],
    ['kernel.objects', 'tenant_id = $1', tenantId],
    ['kernel.notifications', 'owner_id = $1', userId],
    ['kernel.audit_records', 'actor_user_id = $1', userId],
  ] as const)
    expect([table, await countOf(table, where, [value])]).toEqual([table, 0]);
  expect((await other.client.expect(200, 'GET /agents')).json.items).toHaveLength(1);
  expect(await countOf('kernel.audit_records', 'tenant_id = $1', [other.principal.tenantId])).toBe(before + 1);
  expect(await server.services.audit.verify(scope)).toMatchObject({ brokenAt: null, anonymised: 1 });
  await operator.client.expect(200, 'GET /session');
});

test('[K16.2] an archive half sent to an organisation that stays, and what others offered to the address, go with the person', async () => {
  const [boss, stranger] = [await server.secondTenant(), await server.secondTenant()];
  const team = await createTeam(boss, 'Ferry');
  const member = await addMember(server, team, 'member');
  const email = await emailOf(member);
  await createTeam(stranger, 'Lighthouse');
  await stranger.client.expect(201, 'POST /invitations', { body: { email, role: 'member' } });
  const body = { filename: 'all.zip', sizeBytes: partBytes + 1 };
  const { json } = await member.client.expect(202, 'POST /import-uploads', { body });
  const bytes = Buffer.alloc(partBytes, 'x');
  const file = { name: 'all.zip', type: 'application/zip', bytes };
  expect((await member.client.upload(`PUT /imports/${json.id}/archive`, file)).status).toBe(200);
  expect(await countOf('kernel.objects', 'tenant_id = $1', [team.id])).toBe(1);
  await eraseNow(member);
  expect(await countOf('kernel.objects', 'tenant_id = $1', [team.id])).toBe(0);
  expect(await countOf('auth.invitations', 'email = $1', [email])).toBe(0);
  expect((await team.owner.expect(200, 'GET /members')).json.items).toHaveLength(1);
});

test('[K16.2] two who run the server, or own an organisation, cannot both leave counting on each other', async () => {
  const second = await server.secondTenant();
  await admin('update auth.users set is_operator = true where id = $1', [second.principal.userId]);
  const team = await createTeam(second, 'Pair');
  const third = await addMember(server, team, 'owner');
  await addMember(server, team, 'member');
  const both = await Promise.all([operator, second].map(({ client }) => client.ask('POST /account/deletion')));
  expect(both.map(({ status }) => status).toSorted()).toEqual([202, 409]);
  expect(both.find(({ status }) => status === 409)?.json.code).toBe('SOLE_OPERATOR');
  for (const { client } of [operator, second]) await client.expect(200, 'DELETE /account/deletion');
  await third.client.expect(202, 'POST /account/deletion');
  expect((await second.client.expect(409, 'POST /account/deletion')).json.code).toBe('SOLE_OWNER');
  await third.client.expect(200, 'DELETE /account/deletion');
  await second.client.expect(202, 'POST /account/deletion');
  // From another browser, freshly signed in, it is taken back.
  const elsewhere = await signInElsewhere(server, await emailOf(second), strongPassword);
  expect((await elsewhere.expect(200, 'DELETE /account/deletion')).json.deletion).toBeNull();
});

test('[K16.2] an organisation founded while its only member is being erased is not left to nobody', async () => {
  const person = await server.secondTenant();
  await createTeam(person, 'Last minute');
  await person.client.expect(202, 'POST /account/deletion');
  await asSystem(`update kernel.erasures set due_at = now() - interval '1 second'`);
  const direct = asSystem('select kernel.erase_account($1)', [person.principal.userId]);
  await expect(direct).rejects.toThrow('left to nobody');
  expect(await server.services.rights.erase(server.services)).toBe(1);
  expect(await countOf('auth.organizations', `name = $1`, ['Last minute'])).toBe(0);
});
