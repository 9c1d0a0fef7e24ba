/** What every route of agents guarantees, checked for each of them: who may call, what is refused, how often. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import {
  createAgent,
  createConversation,
  signUpViewer,
  startAgents,
  uploadAndRead,
  type AgentsFixture,
} from '../../../testing/agents-fixture.ts';
import { asAdmin } from '../../../testing/as-admin.ts';
import type { Answer, TestClient } from '../../../testing/client.ts';
import { agents } from '../app.ts';

/** Bodies that pass validation, so that what is tested is the guard and not the form. */
const bodies: Readonly<Record<string, unknown>> = {
  'POST /agents': { name: 'Somebody' },
  'PATCH /agents/{agentId}': { revision: 1, name: 'Renamed' },
  'POST /conversations': { agentId: newId() },
  'PATCH /conversations/{conversationId}': { title: 'Renamed' },
  'POST /conversations/{conversationId}/messages': { text: 'Hello?' },
};
type Ids = Readonly<Record<string, string>>;
const nobodysIds: Ids = { agentId: newId(), documentId: newId(), passageId: newId(), conversationId: newId() };

function call(client: TestClient, route: Route, ids: Ids = nobodysIds, body = bodies[route.key]): Promise<Answer> {
  const path = route.key.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? newId());
  if (route.operation.upload) return client.upload(path, { name: 'a.txt', type: 'text/plain', bytes: 'some text' });
  return client.ask(path, body === undefined ? {} : { body });
}

const routes = agents.routes;
const withIds = routes.filter((route) => route.key.includes('{'));
const writing = routes.filter((route) => (route.access as { permission: string }).permission.endsWith('.write'));
const withBodies = routes.filter((route) => bodies[route.key] !== undefined);

test.each(routes)('[K2.8] $key: nobody signed in gets 401', async (route) => {
  expect((await call(fixture.server.anonymous, route)).json).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
});

test.each(routes)('[K4.1] $key: every answer says which limit it counts against', async (route) => {
  const answer = await call(fixture.client, route);
  expect(answer.headers.get('ratelimit-policy')).toContain(`"${route.limit.name}"`);
});

test.each(writing)('[K3.5] $key: a viewer may not write and gets 403', async (route) => {
  expect((await call(viewer, route)).json).toMatchObject({ status: 403, code: 'FORBIDDEN' });
});

test.each(withIds)('[K3.4] $key: what is another organisation’s is 404, as if it did not exist', async (route) => {
  const answer = await call(stranger, route, ownersIds);
  expect(answer.status).toBe(404);
  const unknown = await call(stranger, route);
  expect({ ...answer.json, requestId: '' }).toEqual({ ...unknown.json, requestId: '' });
});

test.each(withIds)('[K5.1] $key: an id that is none is 400 with a pointer', async (route) => {
  const answer = await call(fixture.client, route, {
    agentId: 'x',
    documentId: 'x',
    passageId: 'x',
    conversationId: 'x',
  });
  expect(answer.json).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
  expect(answer.json.errors[0].pointer).toMatch(/\/(agentId|documentId|passageId|conversationId)$/);
});

test.each(withBodies)('[K5.1] $key: an unknown field is 400', async (route) => {
  const body = { ...(bodies[route.key] as object), surprise: true };
  expect((await call(fixture.client, route, ownersIds, body)).json).toMatchObject({
    status: 400,
    code: 'INVALID_REQUEST',
  });
});

test('[K3.2] nothing of the strangers’ attempts has changed or shown anything', async () => {
  for (const list of ['GET /agents', 'GET /conversations']) {
    for (const item of (await stranger.expect(200, list)).json.items)
      expect(Object.values(ownersIds)).not.toContain(item.id);
  }
  await fixture.client.expect(200, `GET /agents/${ownersIds['agentId']}`);
  await fixture.client.expect(200, `GET /documents/${ownersIds['documentId']}`);
  await fixture.client.expect(200, `GET /conversations/${ownersIds['conversationId']}`);
});

test('[K3.3] a colleague in the same organisation does not see one’s conversations', async () => {
  const colleague = await fixture.server.secondTenant();
  const conversationId = ownersIds['conversationId']!;
  const seen = await fixture.server.services.db.withTenant(
    { tenantId: fixture.owner.principal.tenantId, userId: colleague.principal.userId },
    async (tx) => ({
      conversations: await tx.query({
        text: 'select id from app_agents.conversations where id = $1',
        values: [conversationId],
      }),
      messages: await tx.query({ text: 'select id from app_agents.messages' }),
    }),
  );
  expect(seen).toEqual({ conversations: [], messages: [] });
});

test('[K7.2] every change leaves a record with ids and no words of people', async () => {
  const records = await asAdmin(fixture.server.database, (query) =>
    query<{ action: string; resource: string; details: unknown }>(
      'select action, resource, details from kernel.audit_records where tenant_id = $1',
      [fixture.owner.principal.tenantId],
    ),
  );
  const actions = new Set(records.map((record) => record.action));
  expect(actions).toEqual(
    new Set([...actions, 'agents.agent.create', 'agents.document.create', 'agents.conversation.create']),
  );
  expect(JSON.stringify(records)).not.toContain('canary');
});

let fixture: AgentsFixture;
let viewer: TestClient;
let stranger: TestClient;
let ownersIds: Ids;

beforeAll(async () => {
  fixture = await startAgents();
  viewer = await signUpViewer(fixture.server);
  stranger = (await fixture.server.secondTenant()).client;
  const { client } = fixture;
  const agent = await createAgent(client, { name: 'canary name', instructions: 'canary instructions' });
  const document = await uploadAndRead(client, agent.id, 'canary.txt', 'canary text');
  const passages = (await client.expect(200, `GET /documents/${document.id}/passages`)).json.items;
  const conversation = await createConversation(client, agent.id);
  ownersIds = {
    agentId: agent.id,
    documentId: document.id,
    passageId: passages[0].id,
    conversationId: conversation.id,
  };
});

afterAll(() => fixture[Symbol.asyncDispose]());
