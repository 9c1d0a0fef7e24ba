/** Agents are made, changed and deleted without overwriting each other's work or leaving anything behind. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createAgent,
  createConversation,
  startAgents,
  uploadAndRead,
  waitFor,
  type AgentsFixture,
} from '../../../testing/agents-fixture.ts';
import { asAdmin } from '../../../testing/as-admin.ts';
import { sweepAgents } from '../workflows/sweep.ts';

let fixture: AgentsFixture;
beforeAll(async () => void (fixture = await startAgents()));
afterAll(() => fixture[Symbol.asyncDispose]());

const auditOf = (resource: string) =>
  asAdmin(fixture.server.database, async (query) => {
    const rows = await query<{ action: string; details: Record<string, unknown> }>(
      'select action, details from kernel.audit_records where resource = $1 order by sequence',
      [resource],
    );
    return rows;
  });

test('[A1] an agent is created with defaults, read, listed and changed', async () => {
  const { client } = fixture;
  const agent = await createAgent(client, { name: '  Shop  ' });
  expect(agent).toMatchObject({
    name: 'Shop',
    description: '',
    model: { connectionId: null, model: 'offline' },
    temperature: null,
    suggestedQuestions: [],
    tone: null,
    revision: 1,
    documentCount: 0,
    conversationCount: 0,
  });
  await createConversation(client, agent.id);
  const change = {
    revision: 1,
    instructions: 'Be kind.',
    suggestedQuestions: ['One?', 'Two?'],
    temperature: 0.5,
    tone: 'friendly',
  };
  const { json: changed } = await client.expect(200, `PATCH /agents/${agent.id}`, { body: change });
  expect(changed).toMatchObject({ ...change, name: 'Shop', revision: 2, conversationCount: 1 });
  expect((await client.expect(200, `GET /agents/${agent.id}`)).json).toEqual(changed);
  const { json: list } = await client.expect(200, 'GET /agents');
  expect(list.items[0]).toMatchObject({ id: agent.id, name: 'Shop', conversationCount: 1 });
  expect(list.items[0]).not.toHaveProperty('instructions');
  expect(await auditOf(`agent:${agent.id}`)).toEqual([
    { action: 'agents.agent.create', details: {} },
    {
      action: 'agents.agent.update',
      details: { fields: 'instructions,temperature,suggested_questions,tone', revision: 2 },
    },
  ]);
});

test('[A1] a change based on an old revision is refused and changes nothing', async () => {
  const { client } = fixture;
  const agent = await createAgent(client);
  await client.expect(200, `PATCH /agents/${agent.id}`, { body: { revision: 1, name: 'First' } });
  const refused = await client.ask(`PATCH /agents/${agent.id}`, { body: { revision: 1, name: 'Second' } });
  expect(refused.json).toMatchObject({ status: 409, code: 'AGENT_CHANGED', revision: 2 });
  expect((await client.expect(200, `GET /agents/${agent.id}`)).json.name).toBe('First');
  expect(await auditOf(`agent:${agent.id}`)).toHaveLength(2);
});

test('[A1] of two changes at once one wins and the other hears of it', async () => {
  const { client } = fixture;
  const agent = await createAgent(client);
  const answers = await Promise.all(
    ['One', 'Two', 'Three'].map((name) => client.ask(`PATCH /agents/${agent.id}`, { body: { revision: 1, name } })),
  );
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 409, 409]);
});

test.each([
  ['an empty name', { name: ' ' }, '/body/name'],
  ['a name of 81 characters', { name: 'x'.repeat(81) }, '/body/name'],
  ['instructions beyond 20,000 characters', { name: 'x', instructions: 'x'.repeat(20_001) }, '/body/instructions'],
  ['seven suggested questions', { name: 'x', suggestedQuestions: Array(7).fill('?') }, '/body/suggestedQuestions'],
  ['a temperature of 3', { name: 'x', temperature: 3 }, '/body/temperature'],
  ['a NUL character', { name: 'x', greeting: 'a\u0000b' }, '/body/greeting'],
])('[K5.1] %s is refused at its place', async (_what, body, pointer) => {
  const { json } = await fixture.client.expect(400, 'POST /agents', { body });
  expect(json.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
});

test('[K5.4] the same Idempotency-Key creates one agent', async () => {
  const { client } = fixture;
  const headers = { 'idempotency-key': '"create-once"' };
  const [first, second] = [
    await client.expect(201, 'POST /agents', { body: { name: 'Once' }, headers }),
    await client.expect(201, 'POST /agents', { body: { name: 'Once' }, headers }),
  ];
  expect(second.json.id).toBe(first.json.id);
  await client.expect(422, 'POST /agents', { body: { name: 'Other' }, headers });
});

test('[K10.4] pages follow each other without gap or repetition, and a foreign cursor is refused', async () => {
  const { client } = await fixture.server.secondTenant();
  const made: string[] = [];
  for (let number = 0; number < 7; number += 1) made.unshift((await createAgent(client)).id);
  const seen: string[] = [];
  let cursor = '';
  for (;;) {
    const { json } = await client.expect(200, `GET /agents?limit=3${cursor}`);
    seen.push(...json.items.map((item: { id: string }) => item.id));
    if (json.nextCursor === null) break;
    cursor = `&cursor=${json.nextCursor}`;
  }
  expect(seen).toEqual(made);
  const { json } = await client.expect(400, 'GET /agents?cursor=nonsense');
  expect(json.errors[0].pointer).toBe('/query/cursor');
});

test('[A1] [K10.4] agents are found by a part of their name or description, in any case, literally and page by page', async () => {
  const { client } = await fixture.server.secondTenant();
  for (const [name, description] of [
    ['Returns', 'Answers about PARCELS that come back'],
    ['Parcel tracker', ''],
    ['100 % cotton', 'Knows all about shirts'],
    ['Under_score', ''],
  ])
    await createAgent(client, { name, description });
  const deleted = await createAgent(client, { name: 'Parcel of old' });
  await client.expect(204, `DELETE /agents/${deleted.id}`);
  await createAgent(fixture.client, { name: 'Parcel of others' });
  const find = async (search: string, more = '') =>
    (await client.expect(200, `GET /agents?search=${encodeURIComponent(search)}${more}`)).json;
  const namesOf = ({ items }: { items: { name: string }[] }) => items.map(({ name }) => name);
  expect(namesOf(await find('pArCeL'))).toEqual(['Parcel tracker', 'Returns']);
  expect(namesOf(await find('%'))).toEqual(['100 % cotton']);
  expect(namesOf(await find('_'))).toEqual(['Under_score']);
  expect(namesOf(await find('\\'))).toEqual([]);
  const first = await find('parcel', '&limit=1');
  expect(namesOf(first)).toEqual(['Parcel tracker']);
  const second = await find('parcel', `&limit=1&cursor=${first.nextCursor}`);
  expect([namesOf(second), second.nextCursor]).toEqual([['Returns'], null]);
  const { json } = await client.expect(400, `GET /agents?search=${'x'.repeat(201)}`);
  expect(json.errors[0].pointer).toBe('/query/search');
});

test('[K13.1] deleting an agent deletes its documents, files, passages and conversations', async () => {
  const { client, server, owner } = fixture;
  const agent = await createAgent(client);
  const document = await uploadAndRead(client, agent.id, 'a.txt', 'Some words.');
  const conversation = await createConversation(client, agent.id);
  const objects = () =>
    readdir(join(server.services.config.dataDir, 'objects'), { recursive: true, withFileTypes: true });
  const filesBefore = (await objects()).filter((entry) => entry.isFile()).length;
  await client.expect(204, `DELETE /agents/${agent.id}`);
  await client.expect(404, `GET /agents/${agent.id}`);
  await client.expect(404, `GET /documents/${document.id}`);
  await client.expect(404, `GET /conversations/${conversation.id}`);
  await client.expect(404, `DELETE /agents/${agent.id}`);
  await waitFor('everything of the agent to be gone', async () => {
    const left = await asAdmin(server.database, (query) =>
      query(
        `select id from app_agents.agents where id = $1 union all select id from app_agents.documents where agent_id = $1
         union all select id from app_agents.passages where agent_id = $1
         union all select id from app_agents.conversations where agent_id = $1`,
        [agent.id],
      ),
    );
    return left.length === 0;
  });
  await waitFor(
    'the file to be gone',
    async () => (await objects()).filter((entry) => entry.isFile()).length < filesBefore,
  );
  expect((await auditOf(`agent:${agent.id}`)).at(-1)).toMatchObject({ action: 'agents.agent.delete' });
  expect(await server.services.audit.verify({ tenantId: owner.principal.tenantId })).toMatchObject({ brokenAt: null });
});

test('[K12.3] an agent whose purge was lost in a crash is found by the sweep', async () => {
  const { client, server } = fixture;
  const agent = await createAgent(client);
  await asAdmin(server.database, (query) =>
    query(`update app_agents.agents set deleted_at = now() - interval '1 minute' where id = $1`, [agent.id]),
  );
  await sweepAgents(server.services);
  await waitFor('the agent to be gone', async () => {
    const left = await asAdmin(server.database, (query) =>
      query('select from app_agents.agents where id = $1', [agent.id]),
    );
    return left.length === 0;
  });
});

test("[K3.4] an agent cannot be given another organisation's model connection, at its making or later", async () => {
  const { client, server } = fixture;
  const stranger = (await server.secondTenant()).client;
  const connection = { name: 'Theirs', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' };
  const { json: theirs } = await stranger.expect(201, 'POST /model-connections', { body: connection });
  const model = { connectionId: theirs.id, model: 'm' };
  const created = await client.expect(404, 'POST /agents', { body: { name: 'Thief', model } });
  expect(created.json.code).toBe('MODEL_CONNECTION_NOT_FOUND');
  const agent = await createAgent(client);
  const changed = await client.expect(404, `PATCH /agents/${agent.id}`, { body: { revision: 1, model } });
  expect(changed.json.code).toBe('MODEL_CONNECTION_NOT_FOUND');
});
