/** Everything a person has can be taken along and brought back, and every table says whose it is. */
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apps } from '../../apps.ts';
import {
  createAgent,
  createConversation,
  say,
  uploadAndRead,
  waitFor,
  waitForAnswer,
} from '../../testing/agents-fixture.ts';
import { asAdmin } from '../../testing/as-admin.ts';
import { createSamples } from '../../testing/generated/sample-resources.ts';
import { readZip, type ReadArchive } from '../../testing/read-zip.ts';
import { createTeam, addMember } from '../../testing/team-fixture.ts';
import type { TestClient } from '../../testing/client.ts';
import { startTestServer, type Tenant, type TestServer } from '../../testing/server.ts';
import { createRights } from './create-rights.ts';
import { openArchive } from './export/write-archive.ts';
import type { PortableSet } from './types.ts';

let server: TestServer;
beforeAll(async () => {
  const rights = ['privacy.export', 'privacy.import', 'privacy.read', 'agents.chat', 'agents.write'];
  server = await startTestServer({
    environment: { LIMITS: rights.map((name) => `${name}=100000/60`).join(',') },
  });
  await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

async function makeExport(client: TestClient): Promise<{ id: string; bytes: Buffer }> {
  const { json } = await client.expect(202, 'POST /exports');
  const done = await waitFor('the copy', async () => {
    const answer = await client.expect(200, `GET /exports/${json.id}`);
    return ['ready', 'failed'].includes(answer.json.state) ? answer.json : null;
  });
  expect(done).toMatchObject({ state: 'ready', progressPercent: 100 });
  const response = await client.open(`GET /exports/${json.id}/archive`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/zip']);
  return { id: json.id, bytes: Buffer.from(await response.arrayBuffer()) };
}

async function importArchive(client: TestClient, bytes: Uint8Array) {
  const { json, status, text } = await client.upload('POST /imports', {
    name: 'mine.zip',
    type: 'application/zip',
    bytes,
  });
  expect([status, text]).toEqual([202, expect.any(String)]);
  return waitFor('the import', async () => {
    const answer = await client.expect(200, `GET /imports/${json.id}`);
    return ['done', 'failed'].includes(answer.json.state) ? answer.json : null;
  });
}

describe('the data map', () => {
  test('[K16.1] [K16.2] notes every table, with columns that exist; whatever names a person is noted as a person’s', async () => {
    const { map } = createRights(apps);
    const columns = await asAdmin(server.database, (query) =>
      query<{ table: string; columns: string[] }>(`
        select n.nspname || '.' || c.relname as table, array_agg(a.attname::text) as columns
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind in ('r', 'p') and not c.relispartition
          and (n.nspname in ('kernel', 'auth') or n.nspname like 'app\\_%') group by 1 order by 1`),
    );
    expect(columns.map((row) => row.table)).toEqual(Object.keys(map).sort());
    for (const { table, columns: names } of columns) {
      const note = map[table];
      // What ends with an organisation is counted on certificates, and must have a name there.
      if (names.includes('tenant_id')) expect([table, note?.title]).toEqual([table, expect.any(String)]);
      if (!note || note.holds === 'machinery') {
        expect([table, note?.because.length ?? 0]).toEqual([table, expect.any(Number)]);
        continue;
      }
      const needed = {
        organisation: ['tenant_id'],
        person: ['owner_id'],
        account: [note.holds === 'account' ? note.by : ''],
      };
      const omitted = note.omit ?? [];
      for (const name of [...needed[note.holds], ...omitted])
        expect([table, names]).toEqual([table, expect.arrayContaining([name])]);
      if (note.holds !== 'organisation') continue;
      const naming = names.filter((name) => /^(user_id|owner_id|\w+_by)$/.test(name));
      expect([table, naming]).toEqual([table, [...(note.anonymise ?? [])]]);
      const secret = names.filter((name) => /ciphertext|secret|_hash$|password/.test(name));
      expect([table, secret.filter((name) => !omitted.includes(name))]).toEqual([table, []]);
    }
  });
});

describe('a copy of my data', () => {
  let person: Tenant;
  let archive: ReadArchive;
  let bytes: Buffer;
  beforeAll(async () => {
    person = await server.secondTenant();
    await createSamples(server, person);
    const agent = await createAgent(person.client, { name: '=cmd|calc', instructions: 'Speak of the moon.' });
    await uploadAndRead(person.client, agent.id, 'moon.md', '# The moon\n\nThe moon is made of kanarienvogelfelsen.');
    const conversation = await createConversation(person.client, agent.id);
    await waitForAnswer(person.client, await say(person.client, conversation.id, 'What is the moon made of?'));
    ({ bytes } = await makeExport(person.client));
    archive = await readZip(bytes);
  }, 120_000);

  test('[K16.1] has the account, every table as JSON and CSV, and the files', async () => {
    expect(archive.names).toEqual(expect.arrayContaining(['README.txt', 'manifest.json', 'account/auth.users.json']));
    expect(JSON.parse(archive.text('account/auth.users.json'))).toMatchObject([{ id: person.principal.userId }]);
    const messages = JSON.parse(archive.text('personal/app_agents.messages.json')) as { text: string }[];
    expect(messages.some(({ text }) => text.includes('What is the moon made of?'))).toBe(true);
    expect(archive.text('personal/app_agents.messages.csv').split('\r\n').length).toBe(messages.length + 2);
    const files = JSON.parse(archive.text('files.json')) as { path: string; filename: string }[];
    const moon = files.find(({ filename }) => filename === 'moon.md');
    expect(files.map(({ path }) => archive.text(path)).join('')).toContain('kanarienvogelfelsen');
    expect(moon?.path).toMatch(/^files\/[0-9a-f-]{36}-moon\.md$/);
  });

  const laterTables = new Set(['kernel.audit_records', 'kernel.notifications', 'kernel.objects', 'kernel.model_calls']);

  test('[K16.1] has every row of every table that the data map calls a person’s or an organisation’s', async () => {
    const { map } = createRights(apps);
    const { tenantId, userId } = person.principal;
    const wrong: string[] = [];
    let filled = 0;
    for (const [table, note] of Object.entries(map)) {
      if (note.holds === 'machinery') continue;
      const isAccount = note.holds === 'account';
      const where = isAccount ? `${note.by} = '${userId}'` : `tenant_id = '${tenantId}'`;
      const hasTenant = table !== 'kernel.push_subscriptions';
      const [row] = await asAdmin(server.database, (query) =>
        query<{ count: number }>(
          `select count(*)::int as count from ${table} where ${hasTenant ? where : `owner_id = '${userId}'`}`,
        ),
      );
      const path = `${isAccount ? 'account' : 'personal'}/${table}`;
      const rows = JSON.parse(archive.text(`${path}.json`)) as unknown[];
      if (rows.length > 0) filled += 1;
      // What happened since the copy was asked for: the copy itself, its notice, and records of looking at it; and a
      // model's call, which is recorded shortly after its answer.
      const since = laterTables.has(table) ? 4 : 0;
      if (rows.length > (row?.count ?? 0) || rows.length < (row?.count ?? 0) - since)
        wrong.push(`${table}: ${rows.length} of ${row?.count}`);
      if (!archive.names.includes(`${path}.csv`)) wrong.push(`${path}.csv`);
    }
    expect(wrong).toEqual([]);
    expect(filled).toBeGreaterThan(25);
  });

  test('[K16.1] begins with a page that leads to all of it and runs nothing', () => {
    const page = archive.text('index.html');
    expect(archive.names[0]).toBe('index.html');
    expect(page).toContain(`content="default-src 'none'; style-src 'sha256-`);
    for (const [, href] of page.matchAll(/href="([^"]+)"/g))
      expect(archive.names).toContain(decodeURIComponent(href ?? ''));
    expect(page).toContain('>moon.md</a>');
    expect(page).toMatch(/<td>Messages<\/td><td class="number">\d+<\/td>/);
  });

  test('[K16.1] is one instant: what is made meanwhile is not inside, and a file that is deleted ends nothing', async () => {
    const author = await server.secondTenant();
    const agent = await createAgent(author.client, { name: 'Early' });
    const document = await uploadAndRead(author.client, agent.id, 'gone.md', 'It will be gone.');
    const meddler = {
      name: 'meddler',
      async *read() {
        await createAgent(author.client, { name: 'Late' });
        await author.client.expect(204, `DELETE /documents/${document.id}`);
        await server.services.storage.sweep();
        yield* [];
      },
    } as unknown as PortableSet;
    const { map, portable } = server.services.rights;
    const shares: number[] = [];
    const stream = await openArchive({
      services: server.services,
      map,
      portable: [meddler, ...portable],
      userId: author.principal.userId,
      onProgress: (share) => shares.push(share),
    });
    const copy = await readZip(await buffer(stream));
    expect(copy.text('portable/agents.jsonl')).toContain('Early');
    expect(copy.text('portable/agents.jsonl')).not.toContain('Late');
    expect(copy.text('portable/documents.jsonl')).toContain('gone.md');
    expect(copy.names.filter((name) => name.startsWith('files/'))).toEqual([]);
    expect([shares.toSorted((a, b) => a - b), shares.at(-1)]).toEqual([shares, 1]);
  });

  test('[K16.1] holds no secret, and nothing a spreadsheet would run', () => {
    const everything = archive.names
      .filter((name) => !name.startsWith('files/'))
      .map((name) => archive.text(name))
      .join('\n');
    for (const secret of [
      'argon2',
      '"password"',
      'token_hash',
      'secret_hash',
      'api_key_ciphertext',
      'a-key-nobody-else-sees',
    ])
      expect([secret, everything.includes(secret)]).toEqual([secret, false]);
    expect(archive.text('personal/app_agents.agents.csv')).toContain("'=cmd|calc");
  });

  test('[K16.1] of others nothing: only what is mine in an organisation that I share', async () => {
    const team = await createTeam(await server.secondTenant(), 'Submarine');
    const member = await addMember(server, team, 'member');
    const agent = await createAgent(team.owner, { name: 'Periscope of the owner' });
    const mine = await createConversation(member.client, agent.id);
    await waitForAnswer(member.client, await say(member.client, mine.id, 'My own words, nobody else’s'));
    const theirs = await createConversation(team.owner, agent.id);
    await waitForAnswer(team.owner, await say(team.owner, theirs.id, 'Words of the owner alone'));
    const copy = await readZip((await makeExport(member.client)).bytes);
    const all = copy.names.map((name) => copy.text(name)).join('\n');
    expect(all).toContain('My own words, nobody else’s');
    expect(all).not.toContain('Words of the owner alone');
    expect(all).not.toContain('Periscope of the owner');
  });

  test('[K16.1] has everything in an organisation that nobody else belongs to, as that ends with the account', async () => {
    const team = await createTeam(await server.secondTenant(), 'Hermitage');
    const agent = await createAgent(team.owner, { name: 'Hermit' });
    await uploadAndRead(team.owner, agent.id, 'cell.md', 'The cell has one window.');
    const copy = await readZip((await makeExport(team.owner)).bytes);
    const agents = JSON.parse(copy.text('organisation-1/app_agents.agents.json')) as { name: string }[];
    expect(agents.map(({ name }) => name)).toEqual(['Hermit']);
    expect(copy.text('portable/agents.jsonl')).toContain('Hermit');
    const [file] = JSON.parse(copy.text('files.json')) as { path: string }[];
    expect(copy.text(file?.path ?? '')).toBe('The cell has one window.');
    expect(copy.text('README.txt')).toContain('organisation-1/  everything in Hermitage');
    expect(copy.text('index.html')).toContain('Everything in Hermitage');
    const other = await server.secondTenant();
    const brought = await importArchive(other.client, (await makeExport(team.owner)).bytes);
    expect(brought.results.map((set: { imported: number }) => set.imported)).toEqual(expect.arrayContaining([1, 1]));

    await addMember(server, team, 'member');
    const shared = await readZip((await makeExport(team.owner)).bytes);
    expect(shared.names.map((name) => shared.text(name)).join('\n')).not.toContain('Hermit"');
  });

  test('[K16.1] is brought back with new ids, by whoever has the archive', async () => {
    const other = await server.secondTenant();
    const first = await importArchive(other.client, bytes);
    expect(first).toMatchObject({ state: 'done', progressPercent: 100 });
    const counts = Object.fromEntries(
      first.results.map((set: { title: string; imported: number }) => [set.title, set.imported]),
    );
    expect(counts).toMatchObject({ Agents: 2, Conversations: 2 });
    const agents = await other.client.expect(200, 'GET /agents');
    const names = agents.json.items.map((agent: { name: string }) => agent.name);
    expect(names).toEqual(expect.arrayContaining(['=cmd|calc']));
    const moon = agents.json.items.find((agent: { name: string }) => agent.name === '=cmd|calc');
    await waitFor('the document to be read', async () => {
      const documents = await other.client.expect(200, `GET /agents/${moon.id}/documents`);
      return documents.json.items[0]?.state === 'ready';
    });
    const conversations = await other.client.expect(200, `GET /conversations?agentId=${moon.id}`);
    const messages = await other.client.expect(200, `GET /conversations/${conversations.json.items[0].id}/messages`);
    expect(JSON.stringify(messages.json)).toContain('What is the moon made of?');
  });

  test('[K16.1] into an organisation one brings what one’s role there allows, and is told about the rest', async () => {
    const team = await createTeam(await server.secondTenant(), 'Glass case');
    const viewer = await addMember(server, team, 'viewer');
    const looked = await importArchive(viewer.client, bytes);
    expect(looked).toMatchObject({ state: 'done' });
    for (const set of looked.results) expect([set.title, set.imported]).toEqual([set.title, 0]);
    expect(looked.results.find((set: { title: string }) => set.title === 'Agents')).toMatchObject({
      skipped: 2,
      problems: ['Your role in this organisation does not allow it.'],
    });
    expect((await team.owner.expect(200, 'GET /agents')).json.items).toEqual([]);
  });

  test('[K16.1] an archive that is none, or is cut, or is hostile, is refused and changes nothing', async () => {
    const other = await server.secondTenant();
    const cut = await importArchive(other.client, bytes.subarray(0, bytes.length / 2));
    expect(cut).toMatchObject({ state: 'failed', errorCode: 'ARCHIVE_UNREADABLE' });
    const none = await importArchive(other.client, Buffer.from('PK but no ZIP'));
    expect(none).toMatchObject({ state: 'failed', errorCode: 'ARCHIVE_UNREADABLE' });
    expect((await other.client.expect(200, 'GET /agents')).json.items).toEqual([]);
  });

  test('[K16.1] one at a time; nobody else sees or fetches it; deleted it is gone', async () => {
    const stranger = await server.secondTenant();
    const { id } = await makeExport(person.client);
    for (const route of [`GET /exports/${id}`, `GET /exports/${id}/archive`, `DELETE /exports/${id}`])
      await stranger.client.expect(404, route);
    const both = await Promise.all([person.client.ask('POST /exports'), person.client.ask('POST /exports')]);
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
    await person.client.expect(204, `DELETE /exports/${id}`);
    await person.client.expect(404, `GET /exports/${id}`);
  });
});

test('[K16.1] the workflows keep their names: what waits for them must find them after an upgrade', () => {
  const { exportWorkflow, importWorkflow } = createRights(apps);
  expect([exportWorkflow.name, importWorkflow.name]).toEqual(['privacy.export.v1', 'privacy.import.v1']);
});
