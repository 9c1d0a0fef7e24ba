/** An answer is written for its caller: it ends when the key or the person behind it may not have it written any more. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAgent, createConversation, parseEvents, startAgents, type AgentsFixture } from '#testing/agents-fixture';
import { asAdmin } from '#testing/as-admin';
import { createClient, type TestClient } from '#testing/client';
import { startModelServer, type ModelServer } from '#testing/model-server';
import type { Tenant } from '#testing/server';
import { addMember, createTeam } from '#testing/team-fixture';

let fixture: AgentsFixture;
let models: ModelServer;
let owner: TestClient;
let connectionId: string;

beforeAll(async () => {
  models = await startModelServer();
  fixture = await startAgents({ environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8' } });
  owner = fixture.client;
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await models.close();
});

const talking = ['agents.conversation.read', 'agents.conversation.write'];

async function makeKey(client: TestClient, scopes: readonly string[]) {
  const { json } = await client.expect(201, 'POST /api-keys', { body: { name: 'Key', scopes } });
  return { id: json.apiKey.id as string, headers: { authorization: `Bearer ${json.secret}` } };
}

/** A member of a team whose agent takes a minute to say what it has to say. */
async function joinTeam(): Promise<{ member: Tenant; conversationId: string }> {
  const team = await createTeam(fixture.owner);
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  connectionId = (await owner.expect(201, 'POST /model-connections', { body })).json.id;
  const agent = await createAgent(owner, { model: { connectionId, model: 'scripted:tokens=3000,gap=20' } });
  const member = await addMember(fixture.server, team, 'member');
  const { id: conversationId } = await createConversation(member.client, agent.id);
  return { member, conversationId };
}

interface Way {
  readonly isByKey: boolean;
  readonly lose: (member: Tenant, keyId: string) => Promise<unknown>;
}

const ways: Readonly<Record<string, Way>> = {
  'the key is revoked': {
    isByKey: true,
    lose: ({ client }, keyId) => client.expect(204, `DELETE /api-keys/${keyId}`),
  },
  'the person is switched off': {
    isByKey: false,
    lose: ({ principal }) =>
      owner.expect(200, `PUT /admin/people/${principal.userId}/state`, { body: { isDisabled: true } }),
  },
  'the person may only read by now': {
    isByKey: false,
    lose: ({ principal }) => owner.expect(200, `PATCH /members/${principal.userId}`, { body: { role: 'viewer' } }),
  },
  'the person is put out of the organisation': {
    isByKey: true,
    lose: ({ principal }) => owner.expect(204, `DELETE /members/${principal.userId}`),
  },
};

test.each(Object.entries(ways))('[K2.7] an answer under way ends when %s', async (_, { isByKey, lose }) => {
  const { member, conversationId } = await joinTeam();
  const key = await makeKey(member.client, talking);
  const caller = isByKey ? createClient(fixture.server.url) : member.client;
  const headers = isByKey ? key.headers : {};
  const ask = { body: { text: 'Tell me everything.' }, headers };
  const turn = await caller.expect(202, `POST /conversations/${conversationId}/messages`, ask);
  const runId: string = turn.json.run.id;
  const stateOf = async () => {
    const sql = `select r.state, r.error_code, m.state as answer, m.text from kernel.runs r
                 join app_agents.messages m on m.run_id = r.id and m.role = 'assistant' where r.id = $1`;
    const rows = await asAdmin(fixture.server.database, (query) => query<Record<string, string>>(sql, [runId]));
    return rows[0];
  };
  await expect.poll(() => models.requests.length).toBeGreaterThan(0);
  expect(await stateOf()).toMatchObject({ state: 'running' });
  await lose(member, key.id);
  await expect.poll(stateOf).toMatchObject({ state: 'failed', error_code: 'RUN_NOT_ALLOWED', answer: 'failed' });
});

test('[K2.7] signing out ends no answer: what a person has begun is finished', async () => {
  const team = await createTeam(fixture.owner);
  const agent = await createAgent(owner, { model: { connectionId: null, model: 'offline' } });
  const { client, principal } = await addMember(fixture.server, team, 'member');
  const { id } = await createConversation(client, agent.id);
  const turn = await client.expect(202, `POST /conversations/${id}/messages`, { body: { text: 'Hello' } });
  await client.expect(204, 'POST /auth/sign-out');
  const scope = { tenantId: principal.tenantId, userId: principal.userId };
  const { runs } = fixture.server.services;
  await expect.poll(async () => (await runs.get(scope, turn.json.run.id))?.state).toBe('succeeded');
});

test('[K2.7] a key follows and stops what it started itself, and of its person’s other runs what its scopes reach', async () => {
  const agent = await createAgent(owner);
  const conversation = await createConversation(owner, agent.id);
  const sent = { body: { text: 'What is the moon made of?' } };
  const own = await owner.expect(202, `POST /conversations/${conversation.id}/messages`, sent);
  const mine = `/runs/${own.json.run.id}`;
  const [blind, writer, reader] = await Promise.all([
    makeKey(owner, ['models.price.read']),
    makeKey(owner, ['agents.conversation.write']),
    makeKey(owner, ['agents.conversation.read']),
  ]);
  const program = createClient(fixture.server.url);
  const stream = { accept: 'text/event-stream' };
  const statuses = async (path: string, { headers }: { headers: Record<string, string> }) => [
    (await program.ask(`GET ${path}`, { headers })).status,
    (await program.ask(`GET ${path}/events`, { headers: { ...headers, ...stream } })).status,
    (await program.ask(`POST ${path}/cancel`, { headers })).status,
  ];
  expect(await statuses(mine, blind)).toEqual([403, 403, 403]);
  expect(await statuses(mine, reader)).toEqual([200, 200, 403]);
  expect(await statuses(mine, writer)).toEqual([403, 403, 200]);
  const refused = await program.expect(403, `GET ${mine}`, { headers: blind.headers });
  expect(refused.json).toMatchObject({ code: 'FORBIDDEN', permission: 'agents.conversation.read' });

  const other = await createConversation(owner, agent.id);
  const theirs = await program.expect(202, `POST /conversations/${other.id}/messages`, {
    ...sent,
    headers: writer.headers,
  });
  const path = `/runs/${theirs.json.run.id}`;
  const events = await program.expect(200, `GET ${path}/events`, { headers: { ...writer.headers, ...stream } });
  expect(parseEvents(events.text).at(-1)?.type).toBe('done');
  expect(await statuses(path, writer)).toEqual([200, 200, 200]);
  expect(await statuses(path, blind)).toEqual([403, 403, 403]);
});
