/** Budgets, plans and usage over the wire: what is set holds for the next call, and what is shown is what was used. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newId } from '#kernel/ids';
import { createAgent, createConversation, say, waitForAnswer } from '../../../testing/agents-fixture.ts';
import { asAdmin } from '../../../testing/as-admin.ts';
import { startModelServer, type ModelServer } from '../../../testing/model-server.ts';
import { addMember, createTeam } from '../../../testing/team-fixture.ts';
import { startTestServer, type Tenant, type TestServer } from '../../../testing/server.ts';

const model = 'scripted:tokens=40';
const price = { input: 2_000_000, cached: 500_000, output: 10_000_000 };
let models: ModelServer;
let server: TestServer;
/** Runs the server, too. */
let owner: Tenant;
let stranger: Tenant;
let connectionId: string;

beforeAll(async () => {
  models = await startModelServer();
  server = await startTestServer({
    environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8', CURRENCY: 'EUR', LIMITS: 'agents.write=1000/60' },
  });
  owner = await server.signUpOwner();
  stranger = await server.secondTenant();
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  connectionId = (await owner.client.expect(201, 'POST /model-connections', { body })).json.id;
  await owner.client.expect(200, 'PUT /model-prices', {
    body: {
      connectionId,
      model,
      inputMicrosPerMillionTokens: price.input,
      cachedInputMicrosPerMillionTokens: price.cached,
      outputMicrosPerMillionTokens: price.output,
    },
  });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await models?.close();
});

async function call(subjectId = 'agent-1') {
  const stream = server.services.llm.stream({
    scope: owner.principal,
    app: 'tests',
    subjectId,
    model: { connectionId, model },
    messages: [{ role: 'user', content: 'one two three' }],
    maxOutputTokens: 50,
  });
  for await (const part of stream) expect(part).toBeDefined();
}

const today = () => new Date().toISOString().slice(0, 10);
const setBudget = (body: Readonly<Record<string, unknown>>) => owner.client.expect(200, 'PUT /budgets', { body });
const removeBudget = (id: string) => owner.client.expect(204, `DELETE /budgets/${id}`);
const spentOf = async (id: string): Promise<number> => {
  const { json } = await owner.client.expect(200, 'GET /budgets');
  return (json.items as { id: string; balance: { spent: number } }[]).find((budget) => budget.id === id)!.balance.spent;
};

test('[K4.5] without a budget calls are not held up; with one they are counted, also those made before in its period', async () => {
  await call();
  await expect
    .poll(async () => (await owner.client.expect(200, 'GET /model-calls')).json.items.length, { timeout: 30_000 })
    .toBe(1);
  const { json: budget } = await setBudget({ scope: 'organisation', unit: 'cost', limit: 2_000 });
  // 3 tokens at 2 and 40 at 10 millionths.
  expect(budget).toMatchObject({ period: 'month', balance: { granted: 2_000, spent: 406, available: 1_594 } });
  await call();
  await vi.waitUntil(async () => (await spentOf(budget.id)) === 812, { timeout: 30_000 });
  await removeBudget(budget.id);
});

test('[K4.5] a used-up budget stops the call before it starts, with 402 and a sentence that says when and who', async () => {
  const { json: budget } = await setBudget({
    scope: 'subject',
    holder: 'agent-2',
    unit: 'tokens',
    period: 'day',
    limit: 20,
  });
  const asked = models.requests.length;
  const error = await call('agent-2').catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'BUDGET_EXHAUSTED', status: 402, isRetryable: false });
  const { detail, extensions } = (error as { options: { detail: string; extensions: unknown } }).options;
  expect(detail).toMatch(
    /^The budget of this agent of 20 tokens a day has .+ left.+ It renews on .+ UTC\. An owner or admin can raise it/,
  );
  expect(extensions).toMatchObject({ budget: { scope: 'subject', unit: 'tokens', limit: 20, currency: 'EUR' } });
  expect(models.requests.length).toBe(asked);
  await call('agent-1');
  await setBudget({ scope: 'subject', holder: 'agent-2', unit: 'tokens', period: 'day', limit: 1_000 });
  await call('agent-2');
  await removeBudget(budget.id);
});

test('[K4.5] [A6] a chat under an exhausted budget says so in the answer, and goes on once it is raised', async () => {
  const { json: budget } = await setBudget({ scope: 'user', holder: '*', unit: 'tokens', limit: 0 });
  const agent = await createAgent(owner.client, { model: { connectionId, model } });
  const conversation = await createConversation(owner.client, agent.id);
  const refused = await waitForAnswer(owner.client, await say(owner.client, conversation.id, 'Hello?'));
  expect(refused).toMatchObject({ state: 'failed', error: { code: 'BUDGET_EXHAUSTED', isRetryable: false } });
  expect(refused.error?.detail).toContain('The budget each person has of 0 tokens a month is used up.');
  await setBudget({ scope: 'user', holder: '*', unit: 'tokens', limit: 100_000 });
  const answered = await waitForAnswer(owner.client, await say(owner.client, conversation.id, 'And now?'));
  expect(answered.state).toBe('complete');
  await removeBudget(budget.id);
});

test('[K4.5] a stopped call costs what it used, one that was turned away nothing, and neither stays held', async () => {
  const { json: budget } = await setBudget({ scope: 'subject', holder: 'agent-4', unit: 'tokens', limit: 100_000 });
  const balance = async (): Promise<{ spent: number; reserved: number }> => {
    const { json } = await owner.client.expect(200, 'GET /budgets');
    return (json.items as { id: string; balance: never }[]).find(({ id }) => id === budget.id)!.balance;
  };
  const open = (name: string, signal?: AbortSignal) =>
    server.services.llm.stream({
      scope: owner.principal,
      app: 'tests',
      subjectId: 'agent-4',
      model: { connectionId, model: name },
      messages: [{ role: 'user', content: 'one two three' }],
      ...(signal ? { signal } : {}),
    });
  const refused = async () => {
    for await (const part of open('status-401')) expect(part.type).toBe('usage');
  };
  await expect(refused()).rejects.toMatchObject({ code: 'MODEL_BAD_KEY' });
  await vi.waitUntil(async () => (await balance()).reserved === 0, { timeout: 30_000 });
  expect((await balance()).spent).toBe(0);

  const stop = new AbortController();
  const stopped = async () => {
    for await (const part of open('scripted:tokens=400,gap=20', stop.signal)) {
      if (part.type === 'text-delta') stop.abort();
    }
  };
  await expect(stopped()).rejects.toMatchObject({ code: 'MODEL_ABORTED' });
  await vi.waitUntil(async () => (await balance()).reserved === 0, { timeout: 30_000 });
  const afterStop = (await balance()).spent;
  expect(afterStop).toBeGreaterThan(0);

  // A reader that just leaves is as good as a stop.
  for await (const part of open('scripted:tokens=400,gap=20')) if (part.type === 'text-delta') break;
  await vi.waitUntil(async () => (await balance()).reserved === 0 && (await balance()).spent > afterStop, {
    timeout: 30_000,
  });
  await removeBudget(budget.id);
});

test('[K4.5] [K2.7] a key’s budget stops what comes by that key, and a holder’s own goes before the one for each', async () => {
  const { json: apiKey } = await owner.client.expect(201, 'POST /api-keys', {
    body: { name: 'Robot', scopes: ['agents.conversation.write', 'agents.conversation.read'] },
  });
  const agent = await createAgent(owner.client, { model: { connectionId, model } });
  const conversation = await createConversation(owner.client, agent.id);
  const { json: each } = await setBudget({ scope: 'key', holder: '*', unit: 'tokens', limit: 0 });
  const headers = { authorization: `Bearer ${apiKey.secret}` };
  const ask = async () => {
    const body = { text: 'Hello?' };
    const answer = await server.anonymous.ask(`POST /conversations/${conversation.id}/messages`, { body, headers });
    expect(answer.status, answer.text).toBe(202);
    return waitForAnswer(owner.client, answer.json);
  };
  expect((await ask()).error?.code).toBe('BUDGET_EXHAUSTED');
  expect((await waitForAnswer(owner.client, await say(owner.client, conversation.id, 'By hand'))).state).toBe(
    'complete',
  );
  const { json: own } = await setBudget({ scope: 'key', holder: apiKey.apiKey.id, unit: 'tokens', limit: 100_000 });
  expect((await ask()).state).toBe('complete');
  await removeBudget(each.id);
  await removeBudget(own.id);
});

test('[K4.5] under a budget the provider is told not to write more than was held', async () => {
  const { json: budget } = await setBudget({ scope: 'organisation', unit: 'tokens', limit: 1_000_000 });
  const stream = server.services.llm.stream({
    scope: owner.principal,
    app: 'tests',
    model: { connectionId, model },
    messages: [{ role: 'user', content: 'one' }],
  });
  for await (const part of stream) expect(part).toBeDefined();
  expect(models.requests.at(-1)?.body).toMatchObject({ max_tokens: 4_096 });
  await removeBudget(budget.id);
});

test('[K4.5] owners and admins are told once when four fifths of a budget are used', async () => {
  const { json: budget } = await setBudget({ scope: 'subject', holder: 'agent-3', unit: 'cost', limit: 1_000 });
  await call('agent-3');
  await vi.waitUntil(async () => (await spentOf(budget.id)) === 406, { timeout: 30_000 });
  await call('agent-3');
  const told = () =>
    asAdmin(server.database, (query) =>
      query<{ owner_id: string }>(`select * from kernel.notifications where kind = 'credits.budget-alert'`),
    );
  await vi.waitUntil(async () => (await told()).length > 0, { timeout: 30_000 });
  await server.services.credits.alert();
  expect((await told()).map((row) => row.owner_id)).toEqual([owner.principal.userId]);
  await removeBudget(budget.id);
});

test('[K4.5] whose budget runs out is told as its holder, those who can raise it by the holder’s name, each once', async () => {
  const team = await createTeam(owner, 'Crew');
  const member = await addMember(server, team, 'member');
  const tenantId = team.id;
  const scope = { tenantId, userId: member.principal.userId };
  const { json: each } = await team.owner.expect(200, 'PUT /budgets', {
    body: { scope: 'user', holder: '*', unit: 'tokens', limit: 100 },
  });
  const { credits, db } = server.services;
  const use = async (tokens: number) => {
    const reservationId = (await credits.reserve({ scope, app: 'tests', costMicros: 0, tokens })) ?? '';
    await db.withSystem('a test', (tx) =>
      credits.settle(tx, [{ callId: newId(), reservationId, costMicros: 0, tokens }]),
    );
    credits.end(reservationId);
  };
  const told = () =>
    asAdmin(server.database, (query) =>
      query<{ owner_id: string; text: string }>(
        `select owner_id, text from kernel.notifications where kind = 'credits.budget-alert' and tenant_id = $1 order by created_at`,
        [tenantId],
      ),
    );
  await use(79);
  await credits.alert();
  expect(await told()).toEqual([]);
  await use(1);
  await Promise.all([credits.alert(), credits.alert(), credits.alert()]);
  await use(10);
  await credits.alert();
  const texts = new Map((await told()).map(({ owner_id: id, text }) => [id, text]));
  expect(await told()).toHaveLength(2);
  expect(texts.get(scope.userId)).toMatch(/^The budget each person has of 100 tokens a month is used by 80 %/);
  expect(texts.get(owner.principal.userId)).toContain('’s budget of 100 tokens a month is used by 80 %: 80 tokens.');
  expect(texts.get(owner.principal.userId)).not.toMatch(/^(Your|A person)/);

  const { json: mine } = await member.client.expect(200, 'GET /usage');
  expect(mine.budgets).toMatchObject([{ scope: 'user', holder: '*', limit: 100, balance: { spent: 90 } }]);
  expect((await team.owner.expect(200, 'GET /usage')).json.budgets).toMatchObject([{ balance: { spent: 0 } }]);

  // A budget that was removed meanwhile alarms nobody.
  const { json: other } = await team.owner.expect(200, 'PUT /budgets', {
    body: { scope: 'organisation', unit: 'tokens', limit: 100 },
  });
  await use(1);
  await team.owner.expect(204, `DELETE /budgets/${other.id}`);
  await team.owner.expect(204, `DELETE /budgets/${each.id}`);
  await credits.alert();
  expect(await told()).toHaveLength(2);
  await owner.client.expect(200, `POST /organisations/${owner.principal.tenantId}/switch`);
});

test('[K4.5] days and months are those of UTC, whatever time zone the database is set to', async () => {
  const { name } = server.database;
  await asAdmin(server.database, async (query) => {
    await query(`alter database ${name} set timezone = 'Pacific/Kiritimati'`);
    await query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'bulkhead%' and pid <> pg_backend_pid()`);
  });
  const { principal } = stranger;
  const insert = async () => {
    const shown = await server.services.db.withSystem('calls for the test', (tx) =>
      tx.query<{ zone: string }>({ text: `select current_setting('timezone') as zone` }),
    );
    expect(shown).toEqual([{ zone: 'Pacific/Kiritimati' }]);
    await server.services.db.withSystem('calls for the test', (tx) =>
      tx.query({
        text: `insert into kernel.model_calls (id, tenant_id, app, model, input_tokens, cached_input_tokens, output_tokens,
                 is_estimated, cost_micros, duration_ms, attempts, outcome, created_at)
               select gen_random_uuid(), $1, 'tests', 'zoned', 1, 0, 0, false, 1, 1, 1, 'ok', at
               from unnest($2::timestamptz[]) as at`,
        values: [
          principal.tenantId,
          ['2024-02-28T23:59:59Z', '2024-02-29T00:00:00Z', '2024-02-29T23:59:59Z', '2024-03-01T00:00:00Z'],
        ],
      }),
    );
  };
  await expect.poll(insert, { timeout: 30_000 }).toBeUndefined();
  const day = 'from=2024-02-29&to=2024-02-29';
  const { json } = await stranger.client.expect(200, `GET /usage/days?${day}`);
  expect(json.items).toMatchObject([{ day: '2024-02-29', calls: 2 }]);
  const { json: all } = await owner.client.expect(200, `GET /admin/usage?${day}`);
  expect(all.items).toMatchObject([{ day: '2024-02-29', calls: 2, model: 'zoned' }]);
  const [starts] = await server.services.db.withSystem('periods', (tx) =>
    tx.query<{ day: Date; month: Date }>({
      text: `select kernel.budget_period_start('day', at) as day, kernel.budget_period_start('month', at) as month
             from (values (timestamptz '2024-02-29T23:59:59Z')) v(at)`,
    }),
  );
  expect(starts).toEqual({ day: new Date('2024-02-29T00:00:00Z'), month: new Date('2024-02-01T00:00:00Z') });
});

test('[K4.5] [A11] use is summed by day, model, agent and person, and by nobody else', async () => {
  const range = `from=${today()}&to=${today()}`;
  const { json: days } = await owner.client.expect(200, `GET /usage/days?${range}`);
  expect(days).toMatchObject({ currency: 'EUR', items: [{ day: today() }] });
  const { json: byModel } = await owner.client.expect(200, `GET /usage/groups?${range}&by=model`);
  expect(byModel.items[0]).toMatchObject({ key: model, costMicros: days.items[0].costMicros });
  const calls = (byModel.items as { calls: number }[]).reduce((sum, group) => sum + group.calls, 0);
  expect(calls).toBe(days.items[0].calls);
  const { json: byUser } = await owner.client.expect(200, `GET /usage/groups?${range}&by=user&limit=1`);
  expect(byUser).toMatchObject({ isComplete: true, items: [{ key: owner.principal.userId, name: 'Ada Lovelace' }] });
  const { json: bySubject } = await owner.client.expect(200, `GET /usage/mine/groups?${range}&by=subject`);
  expect((bySubject.items as { key: string }[]).map(({ key }) => key)).toContain('agent-3');
  expect((await stranger.client.expect(200, `GET /usage/days?${range}`)).json.items).toEqual([]);
  expect((await stranger.client.expect(200, `GET /usage/mine/days?${range}`)).json.items).toEqual([]);
  await owner.client.expect(400, 'GET /usage/days?from=2026-01-01&to=2028-01-01');
  await owner.client.expect(400, 'GET /usage/days?from=2026-01-02&to=2026-01-01');
});

test('[K4.5] the ledger can be read page by page, and every entry says from where to where', async () => {
  const { json: first } = await owner.client.expect(200, 'GET /credit-ledger?limit=2');
  expect(first.items).toHaveLength(2);
  const { json: second } = await owner.client.expect(200, `GET /credit-ledger?limit=2&cursor=${first.nextCursor}`);
  expect(Number(second.items[0].id)).toBeLessThan(Number(first.items[1].id));
  expect(first.items[0]).toMatchObject({ kind: expect.stringMatching(/^(settle|release|reserve|grant)$/) as string });
  expect((await stranger.client.expect(200, 'GET /credit-ledger')).json.items).toEqual([]);
});

test('[K4.5] a budget for nobody, and one without its holder, are refused with the field', async () => {
  const { json } = await owner.client.expect(404, 'PUT /budgets', {
    body: { scope: 'user', holder: stranger.principal.userId, unit: 'cost', limit: 1 },
  });
  expect(json).toMatchObject({ code: 'BUDGET_HOLDER_UNKNOWN', errors: [{ pointer: '/body/holder' }] });
  await owner.client.expect(400, 'PUT /budgets', { body: { scope: 'user', unit: 'cost', limit: 1 } });
  await owner.client.expect(400, 'PUT /budgets', { body: { scope: 'organisation', unit: 'cost', limit: 1.5 } });
  await owner.client.expect(400, 'PUT /budgets', { body: { scope: 'plan', unit: 'cost', limit: 1 } });
});

test('[A11] [K4.2] the operator sets a plan; its limits are told beside the route’s and hold for the organisation', async () => {
  const path = `/admin/organisations/${stranger.principal.tenantId}/plan`;
  await stranger.client.expect(403, `PUT ${path}`, { body: { plan: 'enterprise' } });
  expect((await owner.client.expect(200, `GET ${path}`)).json).toEqual({ plan: 'free' });
  await owner.client.expect(200, `PUT ${path}`, { body: { plan: 'pro' } });
  expect((await stranger.client.expect(200, 'GET /usage')).json).toMatchObject({ plan: 'pro', monthlyCredits: null });
  await owner.client.expect(404, `GET /admin/organisations/${owner.principal.userId}/plan`);
  const agent = await createAgent(stranger.client);
  const conversation = await createConversation(stranger.client, agent.id);
  const { headers } = await stranger.client.ask(`POST /conversations/${conversation.id}/messages`, {
    body: { text: 'Hi' },
  });
  expect(headers.get('ratelimit-policy')).toBe('"agents.chat";q=30;w=60, "agents.chat.pro";q=100;w=60');
  expect(headers.get('ratelimit')).toMatch(/^"agents\.chat";r=29;t=\d+, "agents\.chat\.pro";r=99;t=\d+$/);
  const [record] = await asAdmin(server.database, (query) =>
    query<{ tenant_id: string }>(`select tenant_id from kernel.audit_records where action = 'credits.plan.update'`),
  );
  expect(record?.tenant_id).toBe(stranger.principal.tenantId);
});

test('[K4.5] a price that changes while a call runs is for the calls after it', async () => {
  const slow = 'scripted:tokens=30,gap=10';
  const setPrice = (micros: number) =>
    owner.client.expect(200, 'PUT /model-prices', {
      body: {
        connectionId,
        model: slow,
        inputMicrosPerMillionTokens: micros,
        cachedInputMicrosPerMillionTokens: micros,
        outputMicrosPerMillionTokens: micros,
      },
    });
  const { json: budget } = await setBudget({ scope: 'subject', holder: 'agent-5', unit: 'cost', limit: 1_000_000 });
  const ask = async (atStart: () => Promise<unknown> = async () => undefined) => {
    const stream = server.services.llm.stream({
      scope: owner.principal,
      app: 'tests',
      subjectId: 'agent-5',
      model: { connectionId, model: slow },
      messages: [{ role: 'user', content: 'one two three' }],
    });
    let hasBegun = false;
    for await (const part of stream) {
      if (part.type === 'text-delta' && !hasBegun) await atStart();
      hasBegun = true;
    }
  };
  await setPrice(1_000_000);
  await ask(() => setPrice(100_000_000));
  await vi.waitUntil(async () => (await spentOf(budget.id)) === 33, { timeout: 30_000 });
  await ask();
  await vi.waitUntil(async () => (await spentOf(budget.id)) === 3_333, { timeout: 30_000 });
  await removeBudget(budget.id);
});
