/** Proves the routes of the model gateway on a whole server with a real database and a scripted endpoint. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startModelServer, type ModelServer } from '#testing/model-server';
import { startTestServer, type Tenant, type TestServer } from '#testing/server';

const apiKey = 'sk-live-canary-0123456789abcdef';
let server: TestServer;
let endpoint: ModelServer;
let owner: Tenant;
let stranger: Tenant;

beforeAll(async () => {
  [server, endpoint] = await Promise.all([
    startTestServer({
      environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8', LIMITS: 'models.settings=100000/60,models.test=100000/60' },
    }),
    startModelServer({ apiKey }),
  ]);
  owner = await server.signUpOwner();
  stranger = await server.secondTenant();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await endpoint.close();
});

let connections = 0;
async function connect(more: Record<string, unknown> = {}) {
  connections += 1;
  const body = {
    name: `Endpoint ${connections}`,
    kind: 'openai-compatible',
    baseUrl: `${endpoint.url}/v1`,
    apiKey,
    ...more,
  };
  return (await owner.client.expect(201, 'POST /model-connections', { body })).json;
}

async function audits(): Promise<{ action: string; details: unknown }[]> {
  return server.services.db.withTenant(owner.principal, (tx) =>
    tx.query({
      text: 'select action, details from kernel.audit_records where tenant_id = $1 order by sequence',
      values: [owner.principal.tenantId],
    }),
  );
}

test('[K11.1] [K9.1] a connection keeps its key to itself: last four characters, ciphertext in the database, nothing in the audit', async () => {
  const made = await connect({ baseUrl: `${endpoint.url}/v1/chat/completions/` });
  expect(made).toMatchObject({
    kind: 'openai-compatible',
    baseUrl: `${endpoint.url}/v1`,
    hasKey: true,
    keyLastFour: 'cdef',
    isDefault: false,
  });
  const read = await owner.client.expect(200, `GET /model-connections/${made.id}`);
  const listed = await owner.client.expect(200, 'GET /model-connections');
  expect(read.json).toEqual(made);
  expect(read.text + listed.text + JSON.stringify(made)).not.toContain(apiKey);
  const [row] = await server.services.db.withTenant(owner.principal, (tx) =>
    tx.query<{ text: string }>({
      text: 'select row_to_json(c)::text as text from kernel.model_connections c where id = $1',
      values: [made.id],
    }),
  );
  expect(row?.text).toContain('v1.');
  expect(row?.text).not.toContain(apiKey);
  const records = await audits();
  expect(records.at(-1)).toMatchObject({
    action: 'models.connection.create',
    details: { kind: 'openai-compatible', hasKey: true },
  });
  expect(JSON.stringify(records)).not.toContain(apiKey);
});

test('[K11.2] the offline model is always listed, first', async () => {
  const mine = await owner.client.expect(200, 'GET /model-connections');
  const theirs = await stranger.client.expect(200, 'GET /model-connections');
  expect(mine.json.items[0]).toMatchObject({ id: null, kind: 'offline', defaultModel: 'offline' });
  expect(theirs.json.items).toEqual([mine.json.items[0]]);
});

test('[K10.4] the list is paged: every connection once, the offline model on the first page alone', async () => {
  for (let n = 0; n < 4; n += 1) await connect();
  const seen: unknown[] = [];
  let cursor: string | null = null;
  do {
    const path: string = `GET /model-connections?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`;
    const page = (await owner.client.expect(200, path)).json as {
      items: { id: string | null }[];
      nextCursor: string | null;
    };
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.filter((id) => id === null)).toHaveLength(1);
  await owner.client.expect(400, 'GET /model-connections?cursor=nonsense');
});

test('[K11.1] names are unique, and an OpenAI-compatible connection needs an address', async () => {
  const { name } = await connect();
  const body = { name, kind: 'openai-compatible', baseUrl: `${endpoint.url}/v1` };
  expect((await owner.client.expect(409, 'POST /model-connections', { body })).json.code).toBe(
    'MODEL_CONNECTION_NAME_TAKEN',
  );
  const nowhere = await owner.client.expect(400, 'POST /model-connections', {
    body: { name: 'Nowhere', kind: 'openai-compatible' },
  });
  expect(nowhere.json.code).toBe('MODEL_BASE_URL_REQUIRED');
  const mistral = await owner.client.expect(201, 'POST /model-connections', {
    body: { name: 'Mistral', kind: 'mistral', apiKey: 'some-mistral-key' },
  });
  expect(mistral.json.baseUrl).toBe('https://api.mistral.ai/v1');
});

test.each(['ftp://x/v1', 'not a url', 'http://user:pass@x/v1', 'http://x/v1?key=1'])(
  '[K5.1] the address %s is refused',
  async (baseUrl) => {
    await owner.client.expect(400, 'POST /model-connections', {
      body: { name: 'Bad', kind: 'openai-compatible', baseUrl },
    });
  },
);

test('[K11.1] a change keeps what it does not name; null removes the key; the change is audited', async () => {
  const { id } = await connect({ defaultModel: 'echo' });
  const renamed = await owner.client.expect(200, `PATCH /model-connections/${id}`, {
    body: { name: 'Renamed', contextWindowTokens: 4_096 },
  });
  expect(renamed.json).toMatchObject({
    name: 'Renamed',
    defaultModel: 'echo',
    contextWindowTokens: 4_096,
    hasKey: true,
    keyLastFour: 'cdef',
  });
  const bare = await owner.client.expect(200, `PATCH /model-connections/${id}`, { body: { apiKey: null } });
  expect(bare.json).toMatchObject({ hasKey: false, keyLastFour: null });
  expect((await audits()).at(-1)).toMatchObject({ action: 'models.connection.update', details: { changed: 'apiKey' } });
});

test('[K9.1] a saved key is not led to another host, neither by a change nor by a test', async () => {
  const { id } = await connect();
  const elsewhere = 'http://127.0.0.2:9/v1';
  const patched = await owner.client.expect(400, `PATCH /model-connections/${id}`, { body: { baseUrl: elsewhere } });
  expect(patched.json.code).toBe('MODEL_KEY_REQUIRED');
  const draft = { kind: 'openai-compatible', baseUrl: elsewhere, connectionId: id };
  expect((await owner.client.expect(400, 'POST /model-connections/test', { body: draft })).json.code).toBe(
    'MODEL_KEY_REQUIRED',
  );
  await owner.client.expect(200, `PATCH /model-connections/${id}`, {
    body: { baseUrl: elsewhere, apiKey: 'another-key-for-there' },
  });
});

test('[K11.1] one connection is the default; a new default takes over', async () => {
  const first = await connect({ isDefault: true });
  const second = await connect({ isDefault: true });
  expect((await owner.client.expect(200, `GET /model-connections/${first.id}`)).json.isDefault).toBe(false);
  await owner.client.expect(200, `PATCH /model-connections/${first.id}`, { body: { isDefault: true } });
  expect((await owner.client.expect(200, `GET /model-connections/${second.id}`)).json.isDefault).toBe(false);
});

test('[K11.1] a connection says which models it offers, and a changed key counts at once', async () => {
  const { id } = await connect();
  expect((await owner.client.expect(200, `GET /model-connections/${id}/models`)).json.models).toContain('echo');
  await owner.client.expect(200, `PATCH /model-connections/${id}`, { body: { apiKey: 'a-wrong-key-altogether' } });
  expect((await owner.client.expect(502, `GET /model-connections/${id}/models`)).json.code).toBe('MODEL_BAD_KEY');
});

test('[K11.1] the test button makes a real call, and a failure is an answer that says what to mend', async () => {
  const { id } = await connect({ defaultModel: 'echo' });
  const before = endpoint.requests.length;
  const good = (await owner.client.expect(200, `POST /model-connections/${id}/test`, { body: {} })).json;
  expect(good).toMatchObject({ isOk: true, model: 'echo', problem: null });
  expect(good.modelCount).toBeGreaterThan(10);
  expect(endpoint.requests).toHaveLength(before + 1);
  const bad = (await owner.client.expect(200, `POST /model-connections/${id}/test`, { body: { model: 'status-404' } }))
    .json;
  expect(bad).toMatchObject({ isOk: false, problem: { code: 'MODEL_NOT_FOUND', isRetryable: false } });
});

test('[K11.1] unsaved values can be tested, with the saved key on the same host', async () => {
  const values = { kind: 'openai-compatible', baseUrl: `${endpoint.url}/v1`, model: 'echo' };
  expect(
    (await owner.client.expect(200, 'POST /model-connections/test', { body: { ...values, apiKey } })).json.isOk,
  ).toBe(true);
  const wrong = (
    await owner.client.expect(200, 'POST /model-connections/test', { body: { ...values, apiKey: 'wrong-key-00000' } })
  ).json;
  expect(wrong).toMatchObject({ isOk: false, problem: { code: 'MODEL_BAD_KEY' } });
  const { id } = await connect();
  expect(
    (await owner.client.expect(200, 'POST /model-connections/test', { body: { ...values, connectionId: id } })).json
      .isOk,
  ).toBe(true);
  const closed = { ...values, baseUrl: 'http://127.0.0.1:9/v1', apiKey };
  expect((await owner.client.expect(200, 'POST /model-connections/test', { body: closed })).json.problem.code).toBe(
    'MODEL_UNREACHABLE',
  );
  const hidden = { ...values, baseUrl: 'http://169.254.169.254/v1', apiKey };
  expect((await owner.client.expect(200, 'POST /model-connections/test', { body: hidden })).json.problem.code).toBe(
    'MODEL_ADDRESS_FORBIDDEN',
  );
});

test('[K3.4] another organisation finds nothing of a connection, and cannot use it', async () => {
  const { id } = await connect();
  await stranger.client.expect(404, `GET /model-connections/${id}`);
  await stranger.client.expect(404, `PATCH /model-connections/${id}`, { body: { name: 'mine' } });
  await stranger.client.expect(404, `POST /model-connections/${id}/test`, { body: {} });
  await stranger.client.expect(404, `GET /model-connections/${id}/models`);
  await stranger.client.expect(404, `DELETE /model-connections/${id}`);
  const price = {
    connectionId: id,
    model: 'm',
    inputMicrosPerMillionTokens: 1,
    cachedInputMicrosPerMillionTokens: 1,
    outputMicrosPerMillionTokens: 1,
  };
  await stranger.client.expect(404, 'PUT /model-prices', { body: price });
  const borrowed = { kind: 'openai-compatible', baseUrl: `${endpoint.url}/v1`, connectionId: id };
  await stranger.client.expect(404, 'POST /model-connections/test', { body: borrowed });
  const stream = server.services.llm.stream({
    scope: stranger.principal,
    app: 'tests',
    model: { connectionId: id, model: 'echo' },
    messages: [{ role: 'user', content: 'hi' }],
  });
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'MODEL_CONNECTION_NOT_FOUND' });
});

test.each([
  'GET /model-connections',
  'POST /model-connections',
  'GET /model-discovery',
  'GET /model-prices',
  'PUT /model-prices',
  'GET /model-calls',
])('[K2.8] %s asks for a session', async (route) => {
  await server.anonymous.expect(401, route, route.startsWith('GET') ? {} : { body: {} });
});

test('[K11.4] stated prices become the cost of calls, calls are listed, and others do not see them', async () => {
  const { id } = await connect();
  const price = {
    connectionId: id,
    model: 'scripted:tokens=4,cached=1',
    inputMicrosPerMillionTokens: 3_000_000,
    cachedInputMicrosPerMillionTokens: 300_000,
    cacheWriteInputMicrosPerMillionTokens: null,
    outputMicrosPerMillionTokens: 15_000_000,
  };
  expect(
    (await owner.client.expect(200, 'PUT /model-prices', { body: { ...price, outputMicrosPerMillionTokens: 1 } })).json
      .model,
  ).toBe(price.model);
  await owner.client.expect(200, 'PUT /model-prices', { body: price });
  expect((await owner.client.expect(200, 'GET /model-prices')).json.items).toEqual([price]);
  expect((await audits()).at(-1)?.action).toBe('models.price.update');
  const messages = [{ role: 'user' as const, content: 'one two three' }];
  const stream = server.services.llm.stream({
    scope: owner.principal,
    app: 'tests',
    model: { connectionId: id, model: price.model },
    messages,
  });
  for await (const part of stream) expect(part).toBeDefined();
  await expect
    .poll(async () => (await owner.client.expect(200, 'GET /model-calls')).json.items[0], { timeout: 20_000 })
    .toMatchObject({
      connectionId: id,
      inputTokens: 3,
      cachedInputTokens: 1,
      outputTokens: 4,
      costMicros: 66,
      outcome: 'ok',
      userId: owner.principal.userId,
    });
  const theirs = (await stranger.client.expect(200, 'GET /model-calls')).json.items as { userId: string }[];
  expect(theirs.filter(({ userId }) => userId !== stranger.principal.userId)).toEqual([]);
  expect((await stranger.client.expect(200, 'GET /model-prices')).json.items).toEqual([]);
});

test('[K11.2] [K11.4] the offline model answers through the gateway, and its call is recorded at no cost', async () => {
  const passages = [{ number: 1, title: 'Shipping', text: 'Shipping takes three days.' }];
  const stream = server.services.llm.stream({
    scope: owner.principal,
    app: 'offline-test',
    model: { connectionId: null, model: 'offline' },
    passages,
    messages: [{ role: 'user', content: 'shipping?' }],
  });
  let text = '';
  let deltas = 0;
  for await (const part of stream) {
    if (part.type !== 'text-delta') continue;
    text += part.text;
    deltas += 1;
  }
  expect(text).toContain('> Shipping takes three days. [1]');
  expect(deltas).toBeGreaterThan(5);
  await expect
    .poll(async () => (await owner.client.expect(200, 'GET /model-calls?limit=1')).json.items[0], { timeout: 20_000 })
    .toMatchObject({ app: 'offline-test', connectionId: null, model: 'offline', costMicros: 0, isEstimated: false });
});

test('[K11.1] a deleted connection is gone with its key and prices, and the deletion is audited', async () => {
  const { id } = await connect();
  const price = {
    connectionId: id,
    model: 'gone',
    inputMicrosPerMillionTokens: 1,
    cachedInputMicrosPerMillionTokens: 1,
    outputMicrosPerMillionTokens: 1,
  };
  await owner.client.expect(200, 'PUT /model-prices', { body: price });
  await owner.client.expect(204, `DELETE /model-connections/${id}`);
  await owner.client.expect(404, `GET /model-connections/${id}`);
  await owner.client.expect(404, `DELETE /model-connections/${id}`);
  const prices = (await owner.client.expect(200, 'GET /model-prices')).json.items as { connectionId: string }[];
  expect(prices.filter(({ connectionId }) => connectionId === id)).toEqual([]);
  expect((await audits()).at(-1)?.action).toBe('models.connection.delete');
});
