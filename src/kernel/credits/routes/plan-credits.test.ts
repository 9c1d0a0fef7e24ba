/** Monthly credits of plans: what the operator states holds for every organisation, and another plan gives more at once. */
import { expect, test } from 'vitest';
import { startModelServer } from '../../../testing/model-server.ts';
import { startTestServer } from '../../../testing/server.ts';

test('[A11] [K4.5] a plan’s credits are a hard stop that no owner can lift, and another plan lifts it', async () => {
  await using models = await startModelServer();
  await using server = await startTestServer({
    environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8', PLAN_CREDITS_FREE: '1000', PLAN_CREDITS_PRO: '50000000' },
  });
  const { client, principal } = await server.signUpOwner();
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  const connectionId: string = (await client.expect(201, 'POST /model-connections', { body })).json.id;
  const model = 'scripted:tokens=20';
  const micros = 10_000_000;
  await client.expect(200, 'PUT /model-prices', {
    body: {
      connectionId,
      model,
      inputMicrosPerMillionTokens: micros,
      cachedInputMicrosPerMillionTokens: micros,
      outputMicrosPerMillionTokens: micros,
    },
  });
  const call = async () => {
    const stream = server.services.llm.stream({
      scope: principal,
      app: 'tests',
      model: { connectionId, model },
      messages: [{ role: 'user', content: 'one two three' }],
      maxOutputTokens: 60,
    });
    for await (const part of stream) expect(part).toBeDefined();
  };
  const balance = async () => (await client.expect(200, 'GET /usage')).json.budgets[0].balance;

  expect((await client.expect(200, 'GET /usage')).json).toMatchObject({
    plan: 'free',
    monthlyCredits: 1_000,
    limits: [{ name: 'agents.chat.free', max: 30, windowSeconds: 60 }],
    budgets: [{ scope: 'plan', unit: 'cost', period: 'month', limit: 1_000, balance: { spent: 0, available: 1_000 } }],
  });
  await call();
  await expect.poll(async () => (await balance()).spent, { timeout: 10_000 }).toBe(230);
  await call();
  await expect.poll(async () => (await balance()).spent, { timeout: 10_000 }).toBe(460);
  // 60 tokens more might cost more than what is left.
  await expect(call()).rejects.toMatchObject({
    code: 'BUDGET_EXHAUSTED',
    options: {
      detail: expect.stringMatching(
        /^The organisation’s plan of \$0\.001 a month has .+ Who runs this server can change the plan\.$/,
      ) as string,
    },
  });
  const { json: budgets } = await client.expect(200, 'GET /budgets');
  await client.expect(404, `DELETE /budgets/${budgets.items[0].id}`);
  await client.expect(200, `PUT /admin/organisations/${principal.tenantId}/plan`, { body: { plan: 'pro' } });
  await call();
  await expect.poll(balance, { timeout: 10_000 }).toMatchObject({ granted: 50_000_000, spent: 690 });
  await client.expect(200, `PUT /admin/organisations/${principal.tenantId}/plan`, { body: { plan: 'enterprise' } });
  await call();
  expect((await client.expect(200, 'GET /usage')).json).toMatchObject({
    plan: 'enterprise',
    monthlyCredits: null,
    limits: [{ name: 'agents.chat.enterprise', max: 1_000 }],
    budgets: [],
  });
});
