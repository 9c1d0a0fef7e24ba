/** What an organisation does not want to keep goes by itself; nothing of anybody else does. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAgent, createConversation } from '../../../testing/agents-fixture.ts';
import { asAdmin } from '../../../testing/as-admin.ts';
import { startTestServer, type Tenant, type TestServer } from '../../../testing/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

test('[K16.2] conversations older than the organisation wants are deleted, younger ones and those of others stay', async () => {
  const [strict, lax] = [await server.secondTenant(), await server.secondTenant()];
  const chats: { tenant: Tenant; id: string }[] = [];
  for (const tenant of [strict, lax]) {
    const agent = await createAgent(tenant.client);
    for (const age of [1, 100]) {
      const conversation = await createConversation(tenant.client, agent.id);
      chats.push({ tenant, id: conversation.id });
      await asAdmin(server.database, (query) =>
        query(`update app_agents.conversations set updated_at = now() - make_interval(days => $2) where id = $1`, [
          conversation.id,
          age,
        ]),
      );
    }
  }
  const set = await strict.client.expect(200, 'PUT /organisation/retention/agents.conversations', {
    body: { keepDays: 30 },
  });
  expect(set.json.rules).toContainEqual(expect.objectContaining({ kind: 'agents.conversations', keepDays: 30 }));
  await server.services.rights.sweep(server.services);
  const statuses = [];
  for (const { tenant, id } of chats) statuses.push((await tenant.client.ask(`GET /conversations/${id}`)).status);
  expect(statuses).toEqual([200, 404, 200, 200]);
  await strict.client.expect(404, 'PUT /organisation/retention/no.such', { body: { keepDays: 30 } });
});
