/** When somebody or an organisation is deleted, nothing of them is left anywhere, and what others keep is whole. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAgent, createConversation, say, waitFor, waitForAnswer } from '../../../testing/agents-fixture.ts';
import { asAdmin } from '../../../testing/as-admin.ts';
import { createSamples } from '../../../testing/generated/sample-resources.ts';
import { createTeam, addMember } from '../../../testing/team-fixture.ts';
import { createClient, type TestClient } from '../../../testing/client.ts';
import { startTestServer, strongPassword, type TestServer } from '../../../testing/server.ts';

let server: TestServer;
beforeAll(async () => {
  const limits = ['privacy.export', 'privacy.deletion', 'privacy.read', 'agents.chat', 'agents.write'];
  server = await startTestServer({
    environment: { DELETION_GRACE_DAYS: '7', LIMITS: limits.map((name) => `${name}=100000/60`).join(',') },
  });
  await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

async function makeExport(client: TestClient): Promise<void> {
  const { json } = await client.expect(202, 'POST /exports');
  await waitFor('the copy', async () => (await client.expect(200, `GET /exports/${json.id}`)).json.state === 'ready');
}

/** everythingIn is all rows of all tables as text, and the names and contents of all files. */
async function everythingIn(): Promise<{ where: string; text: string }[]> {
  const tables = await asAdmin(server.database, async (query) => {
    const names = await query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`,
    );
    const found = [];
    for (const { name } of names) {
      const [row] = await query<{ text: string | null }>(`select string_agg(t::text, E'\\n') as text from ${name} t`);
      found.push({ where: name, text: row?.text ?? '' });
    }
    return found;
  });
  const folder = join(server.services.config.dataDir, 'objects');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({
      where: join(entry.parentPath, entry.name),
      text: `${entry.parentPath}/${entry.name} ${readFileSync(join(entry.parentPath, entry.name), 'latin1')}`,
    }));
  return [...tables, ...files];
}

const makeDue = () =>
  server.services.db.withSystem('make erasures due in a test', (tx) =>
    tx.query({ text: `update kernel.erasures set due_at = now() - interval '1 second'` }),
  );

/** expectAnonymised looks at a trail as an owner does: somebody acted and was acted on, nobody knows who, nothing broke. */
async function expectAnonymised(owner: TestClient): Promise<void> {
  const verdict = await owner.expect(200, 'GET /audit-records/verification');
  expect(verdict.json).toMatchObject({ brokenAt: null, anonymised: expect.any(Number) });
  expect(verdict.json.anonymised).toBeGreaterThan(1);
  const items = (await owner.expect(200, 'GET /audit-records?limit=100')).json.items as {
    action: string;
    resource: string;
    anonymised: { fields: string[] } | null;
    actor: { kind: string; userId: string | null; via: string };
    address: string | null;
  }[];
  const acted = items.filter(({ anonymised }) => anonymised?.fields.includes('actorUserId'));
  expect(acted.length).toBeGreaterThan(0);
  for (const { actor, address } of acted) expect([actor.userId, actor.via, address]).toEqual([null, '', null]);
  expect(items.filter(({ resource }) => resource === 'user:').length).toBeGreaterThan(0);
  expect(items.filter(({ action }) => action === 'audit.record.anonymise').length).toBeGreaterThan(0);
  const exported = await owner.open('GET /audit-records/export?format=ndjson');
  expect((await exported.text()).split('\n').filter((line) => line.includes('"seals":{"')).length).toBe(
    verdict.json.anonymised,
  );
}

describe('the end of an account', () => {
  test('[K16.2] somebody with rows in every table is deleted, and no table, file or index holds anything of them', async () => {
    const team = await createTeam(await server.secondTenant(), 'Those who stay');
    const person = await addMember(server, team, 'admin');
    const { userId } = person.principal;
    const session = await person.client.expect(200, 'GET /session');
    const { email } = session.json.user as { email: string };
    const marker = 'Xylophonkreisel';
    await person.client.expect(200, 'PATCH /profile', { body: { name: marker, username: 'xylophonkreisel' } });
    const shared = await createAgent(person.client, { name: 'Shared agent' });
    const words = await createConversation(person.client, shared.id);
    await waitForAnswer(person.client, await say(person.client, words.id, `Nobody may read ${marker}`));
    await team.owner.expect(200, `PATCH /members/${userId}`, { body: { role: 'member' } });
    await team.owner.expect(200, 'PUT /budgets', {
      body: { scope: 'user', holder: userId, unit: 'tokens', limit: 1_000_000, period: 'month' },
    });
    // Where somebody once belonged they are in the trail as well.
    const former = await createTeam(await server.secondTenant(), 'Those who were left');
    const link = await former.owner.expect(200, 'POST /invitation-links', { body: { role: 'member' } });
    await person.client.expect(200, 'POST /invitation/accept', { body: { token: link.json.token } });
    await former.owner.expect(204, `DELETE /members/${userId}`);
    const organisations = await person.client.expect(200, 'GET /organisations');
    const home = organisations.json.items.find((one: { isPersonal: boolean }) => one.isPersonal);
    await person.client.expect(200, `POST /organisations/${home.id}/switch`);
    const principal = await server.services.identity.resolve({ cookie: person.client.cookie });
    if (!principal) throw new Error('no session');
    await createSamples(server, { client: person.client, principal });
    await person.client.expect(200, `POST /organisations/${home.id}/switch`);
    await makeExport(person.client);
    const filled = (await everythingIn()).filter(({ text }) => text.includes(userId) || text.includes(home.id));
    expect(filled.length).toBeGreaterThan(30);

    const asked = await person.client.expect(202, 'POST /account/deletion');
    const { certificateId } = asked.json.deletion;
    await server.anonymous.expect(404, `GET /deletion-certificates/${certificateId}`);
    expect(await server.services.rights.erase(server.services)).toBe(0); // there is time
    await person.client.expect(200, 'GET /session');
    await makeDue();
    expect(await server.services.rights.erase(server.services)).toBe(1);

    await waitFor('the session to end', async () => (await person.client.ask('GET /session')).status === 401);
    const left = (await everythingIn()).flatMap(({ where, text }) =>
      [userId, home.id, email, marker, marker.toLowerCase(), 'else-sees']
        .filter((trace) => text.includes(trace))
        .map((trace) => `${where}: ${trace}`),
    );
    expect(left).toEqual([]);
    const certificate = await server.anonymous.expect(200, `GET /deletion-certificates/${certificateId}`);
    expect(certificate.json).toMatchObject({ kind: 'person', backupsKeptDays: expect.any(Number) });
    expect(Object.keys(certificate.json.rows).length).toBeGreaterThan(20);
    // Counted are also rows that would have gone with others.
    expect(Object.keys(certificate.json.rows)).toEqual(
      expect.arrayContaining([
        'app_agents.messages',
        'kernel.run_events',
        'auth.sessions',
        'auth.api_keys',
        'auth.members',
      ]),
    );
    expect(certificate.json.rows['auth.users']).toBe(1);
    expect(Object.keys(certificate.json.titles)).toEqual(Object.keys(certificate.json.rows));
    expect(certificate.json.titles).toMatchObject({ 'app_agents.messages': 'Messages', 'auth.users': 'Account' });
    expect(JSON.stringify(certificate.json)).not.toContain(userId);
    expect(certificate.json.remains).toContainEqual(expect.stringMatching(/^In the audit trails .*: \d+ records of/));
    expect(certificate.json.remains).toHaveLength(2);
    // What belongs to the team stays, and its trail is whole, with the erasure in it.
    await team.owner.expect(200, `GET /agents/${shared.id}`);
    for (const { owner } of [team, former]) await expectAnonymised(owner);
    const again = createClient(server.url);
    await again.expect(401, 'POST /auth/sign-in', { body: { identifier: email, password: strongPassword } });
  }, 120_000);

  test('[K16.2] mail goes also from the addresses that the person had before, or was only going to have', async () => {
    const { client } = await server.secondTenant();
    const { email } = (await client.expect(200, 'GET /session')).json.user as { email: string };
    const [next, other] = ['moved@somewhere.example', 'moving@elsewhere.example'];
    await client.expect(204, 'POST /profile/email', { body: { email: next } });
    const [mail] = await asAdmin(server.database, (query) =>
      query<{ body_text: string }>(`select body_text from kernel.mail_messages where recipient = $1`, [next]),
    );
    const token = /#token=([\w-]{20,})/.exec(mail?.body_text ?? '')?.[1];
    await client.expect(200, 'POST /auth/email-verification/finish', { body: { token } });
    await client.expect(204, 'POST /profile/email', { body: { email: other } });
    const naming = async () =>
      (await everythingIn()).filter(({ text }) => [email, next, other].some((address) => text.includes(address)));
    expect((await naming()).map(({ where }) => where)).toContain('kernel.mail_messages');
    await client.expect(202, 'POST /account/deletion');
    await makeDue();
    expect(await server.services.rights.erase(server.services)).toBe(1);
    expect((await naming()).map(({ where }) => where)).toEqual([]);
  });

  test('[K16.2] it can be taken back while there is time, and asking twice is asking once', async () => {
    const { client } = await server.secondTenant();
    const first = await client.expect(202, 'POST /account/deletion');
    const second = await client.expect(202, 'POST /account/deletion');
    expect(second.json).toEqual(first.json);
    expect((await client.expect(200, 'DELETE /account/deletion')).json).toMatchObject({ deletion: null });
    await makeDue();
    await server.services.rights.erase(server.services);
    await client.expect(200, 'GET /session');
  });

  test('[K16.2] the only owner of an organisation with others in it first makes somebody else owner', async () => {
    const person = await server.secondTenant();
    const team = await createTeam(person, 'Rudderless');
    await addMember(server, team, 'member');
    const refused = await person.client.expect(409, 'POST /account/deletion');
    expect(refused.json).toMatchObject({ code: 'SOLE_OWNER', organisations: ['Rudderless'] });
  });

  test('[K16.2] who alone runs the server lets somebody else run it first', async () => {
    const client = createClient(server.url);
    await client.expect(200, 'POST /auth/sign-in', {
      body: { identifier: 'ada@example.com', password: strongPassword },
    });
    expect((await client.expect(409, 'POST /account/deletion')).json.code).toBe('SOLE_OPERATOR');
    // Nor does one whose account is switched off.
    const { principal } = await server.secondTenant();
    await server.services.db.withAuth((tx) =>
      tx.query({
        text: 'update auth.users set is_operator = true, disabled_at = now() where id = $1',
        values: [principal.userId],
      }),
    );
    expect((await client.expect(409, 'POST /account/deletion')).json.code).toBe('SOLE_OPERATOR');
  });

  test('[K16.2] the database erases nothing that is not due, whoever asks', async () => {
    const { principal } = await server.secondTenant();
    const attempt = (text: string, id: string) =>
      server.services.db.withSystem('try to erase in a test', (tx) => tx.query({ text, values: [id] }));
    await expect(attempt('select kernel.erase_tenant($1)', principal.tenantId)).rejects.toThrow('not due');
    await expect(attempt('select kernel.erase_account($1)', principal.userId)).rejects.toThrow('not due');
  });
});

describe('the end of an organisation', () => {
  test('[K16.2] its name is typed, its people are told, it goes whole, and its people stay', async () => {
    const person = await server.secondTenant();
    const team = await createTeam(person, 'Titanic');
    const member = await addMember(server, team, 'admin');
    const principal = await server.services.identity.resolve({ cookie: person.client.cookie });
    if (!principal) throw new Error('no session');
    await createSamples(server, { client: person.client, principal });
    await person.client.ask(`POST /organisations/${team.id}/switch`);
    await member.client.expect(403, 'POST /organisation/deletion', { body: { name: 'Titanic' } });
    const wrong = await person.client.expect(400, 'POST /organisation/deletion', { body: { name: 'titanic' } });
    expect(wrong.json.code).toBe('NAME_DOES_NOT_MATCH');
    await person.client.expect(202, 'POST /organisation/deletion', { body: { name: 'Titanic' } });
    const told = await member.client.expect(200, 'GET /notifications');
    expect(JSON.stringify(told.json)).toContain('Titanic will be deleted');
    await makeDue();
    expect(await server.services.rights.erase(server.services)).toBe(1);
    await waitFor('its sessions to end', async () => (await member.client.ask('GET /session')).status === 401);
    const left = (await everythingIn()).filter(({ text }) => text.includes(team.id)).map(({ where }) => where);
    expect(left).toEqual([]);
    const again = createClient(server.url);
    const { email } = (
      await server.services.db.withAuth((tx) =>
        tx.query<{ email: string }>({
          text: 'select email from auth.users where id = $1',
          values: [member.principal.userId],
        }),
      )
    )[0] ?? { email: '' };
    await again.expect(200, 'POST /auth/sign-in', { body: { identifier: email, password: strongPassword } });
  }, 120_000);

  test('[K16.2] a personal organisation ends with its account only', async () => {
    const { client } = await server.secondTenant();
    const name = (await client.expect(200, 'GET /session')).json.organisation.name;
    const refused = await client.expect(409, 'POST /organisation/deletion', { body: { name } });
    expect(refused.json.code).toBe('PERSONAL_ORGANISATION');
  });
});
