/** A budget that is set while calls run, or before what they used is written down, counts them in its first period. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { asAdmin } from '../../../testing/as-admin.ts';
import { startModelServer, type ModelServer } from '../../../testing/model-server.ts';
import { startTestServer, type Tenant, type TestServer } from '../../../testing/server.ts';

const model = 'scripted:tokens=40';
/** 3 tokens at 2 and 40 at 10 millionths. */
const costOfCall = 406;
let models: ModelServer;
let server: TestServer;
let owner: Tenant;
let connectionId: string;

beforeAll(async () => {
  models = await startModelServer();
  server = await startTestServer({ environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8' } });
  owner = await server.signUpOwner();
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  connectionId = (await owner.client.expect(201, 'POST /model-connections', { body })).json.id;
  await owner.client.expect(200, 'PUT /model-prices', {
    body: {
      connectionId,
      model,
      inputMicrosPerMillionTokens: 2_000_000,
      cachedInputMicrosPerMillionTokens: 500_000,
      outputMicrosPerMillionTokens: 10_000_000,
    },
  });
}, 60_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await models?.close();
});

async function call(subjectId: string, onFirstWord: () => Promise<unknown> = async () => undefined): Promise<void> {
  const stream = server.services.llm.stream({
    scope: owner.principal,
    app: 'tests',
    subjectId,
    model: { connectionId, model },
    messages: [{ role: 'user', content: 'one two three' }],
    maxOutputTokens: 50,
  });
  let hasBegun = false;
  for await (const part of stream) {
    if (part.type === 'text-delta' && !hasBegun) await onFirstWord();
    hasBegun = true;
  }
}

interface SetBudget {
  readonly id: string;
  readonly balance: { readonly spent: number; readonly reserved: number };
}

async function setBudget(body: Readonly<Record<string, unknown>>): Promise<SetBudget> {
  return (await owner.client.expect(200, 'PUT /budgets', { body: { scope: 'subject', unit: 'cost', ...body } })).json;
}

async function untilSpent(id: string, spent: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const { json } = await owner.client.expect(200, 'GET /budgets');
      expect((json.items as SetBudget[]).find((budget) => budget.id === id)?.balance).toMatchObject({
        spent,
        reserved: 0,
      });
    },
    { timeout: 10_000, interval: 100 },
  );
}

test('[K4.5] a budget set while a call runs counts the call once it has ended', async () => {
  let budget: SetBudget | undefined;
  await call('running', async () => {
    budget = await setBudget({ holder: 'running', limit: 1_000 });
  });
  expect(budget?.balance).toMatchObject({ spent: 0, reserved: 0 });
  await untilSpent(budget?.id ?? '', costOfCall);
  await call('running');
  await untilSpent(budget?.id ?? '', 2 * costOfCall);
  await expect(call('running')).rejects.toMatchObject({ code: 'BUDGET_EXHAUSTED' });
});

test('[K4.5] a budget set right after an answer counts it, also one that takes the place of another', async () => {
  await call('ended');
  const monthly = await setBudget({ holder: 'ended', limit: 10_000 });
  await untilSpent(monthly.id, costOfCall);
  await call('ended');
  const lowered = await setBudget({ holder: 'ended', limit: 1_000 });
  expect(lowered.id).toBe(monthly.id);
  await untilSpent(monthly.id, 2 * costOfCall);
  await expect(call('ended')).rejects.toMatchObject({ code: 'BUDGET_EXHAUSTED' });
  await setBudget({ holder: 'ended', limit: 10_000 });
  await call('ended');
  const daily = await setBudget({ holder: 'ended', limit: 10_000, period: 'day' });
  expect(daily.id).not.toBe(monthly.id);
  await untilSpent(daily.id, 3 * costOfCall);
});

test('[K4.5] a budget for each counts a call of somebody who had no account under it when it ended', async () => {
  let budget: SetBudget | undefined;
  await call('anybody', async () => {
    budget = await setBudget({ holder: '*', limit: 1_000 });
  });
  await expect
    .poll(
      async () =>
        (await owner.client.expect(200, 'GET /model-calls')).json.items.filter(
          ({ subjectId }: { subjectId: string }) => subjectId === 'anybody',
        ).length,
      { timeout: 10_000 },
    )
    .toBe(1);
  await call('anybody');
  await expect(call('anybody')).rejects.toMatchObject({ code: 'BUDGET_EXHAUSTED' });
  await owner.client.expect(204, `DELETE /budgets/${budget?.id}`);
});

test('[K4.5] whose own budget is removed comes under the one for each with what they used before', async () => {
  const each = await setBudget({ holder: '*', limit: 1_000 });
  await asAdmin(server.database, (query) =>
    query(`update kernel.budgets set created_at = created_at - interval '2 months' where id = $1`, [each.id]),
  );
  const own = await setBudget({ holder: 'privileged', limit: 10_000 });
  await call('privileged');
  await call('privileged');
  await untilSpent(own.id, 2 * costOfCall);
  await owner.client.expect(204, `DELETE /budgets/${own.id}`);
  await expect(call('privileged')).rejects.toMatchObject({ code: 'BUDGET_EXHAUSTED' });
  await call('others');
  await owner.client.expect(204, `DELETE /budgets/${each.id}`);
});
