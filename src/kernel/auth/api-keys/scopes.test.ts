/** In a whole server a key gets through exactly the doors of its scopes, and the document says so. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route } from '#kernel/http';
import { createAgent, createConversation } from '#testing/agents-fixture';
import { createClient } from '#testing/client';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';
import { newId } from '#kernel/ids';
import { fillPath, parametersOf } from '../../../testing/generated/sample-resources.ts';

let server: TestServer;
let owner: Tenant;

beforeAll(async () => {
  server = await startTestServer();
  owner = await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

async function makeKey(scopes: readonly string[]): Promise<{ id: string; headers: Record<string, string> }> {
  const answer = await owner.client.expect(201, 'POST /api-keys', {
    body: { name: 'Key', scopes, requestsPerMinute: 6_000 },
  });
  return { id: answer.json.apiKey.id, headers: { authorization: `Bearer ${answer.json.secret}` } };
}

test('[K2.7] a key that may read agents reads agents, and makes none', async () => {
  const agent = await createAgent(owner.client);
  const { headers } = await makeKey(['agents.agent.read']);
  const program = createClient(server.url);
  const list = await program.expect(200, 'GET /agents', { headers });
  expect(list.json.items.map((item: { id: string }) => item.id)).toEqual([agent.id]);
  const refused = await program.expect(403, 'POST /agents', { headers, body: { name: 'Mine' } });
  expect(refused.json).toMatchObject({ code: 'FORBIDDEN', permission: 'agents.agent.write' });
  await program.expect(403, `DELETE /agents/${agent.id}`, { headers });
});

test('[K2.7] a key talks to an agent and follows the run of its answer to the end', async () => {
  const agent = await createAgent(owner.client);
  const { id } = await createConversation(owner.client, agent.id);
  const { headers } = await makeKey(['agents.conversation.read', 'agents.conversation.write']);
  const program = createClient(server.url);
  const body = { text: 'What is the moon made of?' };
  const turn = await program.expect(202, `POST /conversations/${id}/messages`, { headers, body });
  const events = await program.open(`GET /runs/${turn.json.run.id}/events`, {
    headers: { ...headers, accept: 'text/event-stream' },
  });
  expect(events.status).toBe(200);
  expect(await events.text()).toContain('event: done');
});

test('[K2.7] of all routes a key with one scope reaches those of its scope and those that say so, and no other', async () => {
  const { headers } = await makeKey(['models.price.read']);
  const program = createClient(server.url);
  const expected = ({ access, openToKeys, stepUp }: Route): boolean =>
    !stepUp &&
    (access === 'signed-in'
      ? openToKeys === true
      : typeof access === 'object' && access.permission === 'models.price.read');
  const guarded = server.bulkhead.server.routes.filter((route) => route.access !== 'public');
  expect(guarded.length).toBeGreaterThan(60);
  for (const route of guarded) {
    const path = fillPath(route, Object.fromEntries(parametersOf(route).map((name) => [name, newId()])));
    const answer = await program.ask(path, { headers, body: route.operation.body ? {} : undefined });
    expect([route.key, answer.status !== 403]).toEqual([route.key, expected(route)]);
  }
});

test('[K17.1] the OpenAPI document says which operations take a bearer token', async () => {
  const { json } = await server.anonymous.expect(200, 'GET /openapi.json');
  expect(json.components.securitySchemes).toMatchObject({
    session: { in: 'cookie' },
    bearer: { type: 'http', scheme: 'bearer' },
  });
  expect(json.paths['/agents'].get.security).toEqual([{ session: [] }, { bearer: [] }]);
  expect(json.paths['/api-keys'].post.security).toEqual([{ session: [] }]);
  expect(json.paths['/auth/sign-in'].post.security).toEqual([]);
  expect(json.paths['/scim/v2/Users'].get.security).toEqual([{ directory: [] }]);
});
