/** The console shows the installation and changes accounts; what is switched off stays off by every way in. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Workflow } from '#kernel/jobs';
import { newId } from '#kernel/ids';
import { apps } from '../../apps.ts';
import { addMember, createTeam, signInElsewhere } from '../../testing/team-fixture.ts';
import { postAsProgram } from '../../testing/post-as-program.ts';
import { createProbe } from '../../testing/probe-app.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../../testing/server.ts';

let mends = 0;
const fragile: Workflow<{ readonly word: string }> = {
  name: 'probe.fragile.v1',
  title: 'Break at the second step',
  execute: async (job) => {
    await job.step('first', async () => (mends += 1));
    await job.step('second', async () => {
      if (mends < 100) throw new Error('the second step does not hold');
    });
  },
};

let server: TestServer;
let operator: Tenant;
let person: Tenant;

beforeAll(async () => {
  const { app } = createProbe();
  const limits = ['admin.write', 'auth.tokens', 'auth.password-reset'].map((name) => `${name}=10000/60`).join(',');
  server = await startTestServer({
    environment: { LIMITS: limits, MODEL_PRIVATE_NETWORKS: '127.0.0.0/8' },
    apps: [...apps, { ...app, workflows: [fragile as unknown as Workflow] }],
  });
  operator = await server.signUpOwner();
  person = await server.secondTenant();
});
afterAll(() => server?.[Symbol.asyncDispose]());

async function recordsOf(tenantId: string, action: string): Promise<number> {
  const rows = await server.services.db.withAuth((tx) =>
    tx.query({
      text: 'select 1 from kernel.audit_records where tenant_id = $1 and action = $2',
      values: [tenantId, action],
    }),
  );
  return rows.length;
}

describe('the overview', () => {
  test('[K17.4] [K15.1] says how the installation is, what to do, and what happened in 30 days', async () => {
    const { json } = await operator.client.expect(200, 'GET /admin/overview');
    const states = Object.fromEntries(
      json.checks.map((check: { name: string; state: string }) => [check.name, check.state]),
    );
    expect(states).toMatchObject({ database: 'ok', storage: 'ok', mail: 'degraded', backup: 'unknown' });
    for (const check of json.checks) expect(check.state === 'ok', check.name).toBe(check.advice === null);
    expect(json.people).toBeGreaterThanOrEqual(2);
    expect(json.activeToday).toBeGreaterThanOrEqual(2);
    expect(json.days).toHaveLength(30);
  });

  test('[K15.1] a model provider that is away is told of, and takes nothing out of service', async () => {
    const readiness = async () => {
      const response = await fetch(`${server.url}/readyz`);
      return { httpStatus: response.status, ...((await response.json()) as { status: string; checks: object }) };
    };
    await expect.poll(readiness, { timeout: 15_000 }).toMatchObject({ status: 'ok', checks: { models: 'ok' } });
    const body = { name: 'Away', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' };
    const connectionId: string = (await person.client.expect(201, 'POST /model-connections', { body })).json.id;
    const ask = async () => {
      const model = { connectionId, model: 'any' };
      const messages = [{ role: 'user', content: 'Hello' }] as const;
      const scope = person.principal;
      for await (const part of server.services.llm.stream({ scope, app: 'tests', model, messages }))
        expect(part).toBeNull();
    };
    for (let count = 0; count < 6; count += 1) await expect(ask()).rejects.toThrow();
    await expect.poll(readiness).toMatchObject({ httpStatus: 200, status: 'ok', checks: { models: 'degraded' } });
  });
});

describe('people', () => {
  test('[K17.4] are found by name and address, page by page, with ways to sign in and never a secret', async () => {
    const found = await operator.client.expect(200, 'GET /admin/people?search=STRANGER1%40');
    expect(found.json.items).toMatchObject([{ id: person.principal.userId, sessions: 1, isOperator: false }]);
    expect((await operator.client.expect(200, 'GET /admin/people?search=100%25')).json.items).toEqual([]);
    const first = await operator.client.expect(200, 'GET /admin/people?limit=1');
    const rest = await operator.client.expect(200, `GET /admin/people?cursor=${first.json.nextCursor}`);
    expect(rest.json.items.map(({ id }: { id: string }) => id)).not.toContain(first.json.items[0].id);
    const { json, text } = await operator.client.expect(200, `GET /admin/people/${person.principal.userId}`);
    expect(json.means).toEqual({ password: true, passkeys: 0, authenticator: false, providers: [], apiKeys: 0 });
    expect(json.organisations).toMatchObject([{ id: person.principal.tenantId, isPersonal: true, role: 'owner' }]);
    expect(text).not.toContain('argon2');
    await operator.client.expect(404, `GET /admin/people/${newId()}`);
  });

  test('[K17.4] [K2.1] a switched-off account is out at once by session, key and token, and its password counts as wrong', async () => {
    const { client, principal } = await server.secondTenant();
    const { json: me } = await client.expect(200, 'GET /session');
    const key = await client.expect(201, 'POST /api-keys', { body: { name: 'Mine', scopes: ['agents.agent.read'] } });
    const authorization = `Bearer ${key.json.secret ?? key.json.key}`;
    const stranger = server.anonymous;
    await stranger.expect(200, 'GET /agents', { headers: { authorization } });
    const body = { identifier: me.user.email, password: strongPassword };
    const device = await postAsProgram(server.url, '/auth/token', { ...body, deviceName: 'Phone' });
    expect(device.status).toBe(201);
    const bearer = { authorization: `Bearer ${device.json.accessToken}` };
    await stranger.expect(200, 'GET /session', { headers: bearer });

    const path = `PUT /admin/people/${principal.userId}/state`;
    const off = await operator.client.expect(200, path, { body: { isDisabled: true } });
    expect(off.json).toMatchObject({ disabledAt: expect.any(String) as string, sessions: 0 });
    await client.expect(401, 'GET /session');
    await stranger.expect(401, 'GET /agents', { headers: { authorization } });
    await stranger.expect(401, 'GET /session', { headers: bearer });
    const refreshed = await postAsProgram(server.url, '/auth/token/refresh', {
      refreshToken: device.json.refreshToken,
    });
    expect(refreshed.status).toBe(401);
    const wrong = await stranger.expect(401, 'POST /auth/sign-in', { body: { ...body, password: 'not it at all 1!' } });
    const right = await stranger.expect(401, 'POST /auth/sign-in', { body });
    expect({ ...right.json, requestId: '' }).toEqual({ ...wrong.json, requestId: '' });
    expect((await postAsProgram(server.url, '/auth/token', { ...body, deviceName: 'Phone' })).status).toBe(401);
    const { json: listed } = await operator.client.expect(200, 'GET /admin/people?only=disabled');
    expect(listed.items.map(({ id }: { id: string }) => id)).toEqual([principal.userId]);

    await operator.client.expect(200, path, { body: { isDisabled: false } });
    await signInElsewhere(server, me.user.email, strongPassword);
    await stranger.expect(200, 'GET /agents', { headers: { authorization } });
    for (const tenantId of [principal.tenantId, operator.principal.tenantId]) {
      expect(await recordsOf(tenantId, 'admin.people.disable')).toBe(1);
      expect(await recordsOf(tenantId, 'admin.people.enable')).toBe(1);
    }
  });

  test('[K17.4] nobody switches themselves off, and one operator always remains', async () => {
    const me = operator.principal.userId;
    const self = await operator.client.expect(409, `PUT /admin/people/${me}/state`, { body: { isDisabled: true } });
    expect(self.json.code).toBe('NOT_YOURSELF');
    const last = await operator.client.expect(409, `PUT /admin/people/${me}/operator`, { body: { isOperator: false } });
    expect(last.json.code).toBe('LAST_OPERATOR');
    const other = await server.secondTenant();
    const otherPath = `/admin/people/${other.principal.userId}`;
    await operator.client.expect(200, `PUT ${otherPath}/operator`, { body: { isOperator: true } });
    await other.client.expect(200, 'GET /admin/people');
    const answers = await Promise.all([
      operator.client.ask(`PUT ${otherPath}/operator`, { body: { isOperator: false } }),
      other.client.ask(`PUT /admin/people/${me}/operator`, { body: { isOperator: false } }),
    ]);
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
    const { json } = await (answers[0].status === 200 ? operator : other).client.expect(
      200,
      'GET /admin/people?only=operators',
    );
    expect(json.items).toHaveLength(1);
    if (answers[0].status === 200) return;
    await other.client.expect(200, `PUT /admin/people/${me}/operator`, { body: { isOperator: true } });
    await other.client.expect(200, `PUT ${otherPath}/operator`, { body: { isOperator: false } });
  });

  test('[K17.4] an operator who has asked to be deleted is none of those who remain', async () => {
    const other = await server.secondTenant();
    const otherPath = `PUT /admin/people/${other.principal.userId}/operator`;
    const ownPath = `PUT /admin/people/${operator.principal.userId}/operator`;
    await operator.client.expect(200, otherPath, { body: { isOperator: true } });
    await other.client.expect(202, 'POST /account/deletion');
    const refused = await operator.client.expect(409, ownPath, { body: { isOperator: false } });
    expect(refused.json.code).toBe('LAST_OPERATOR');
    await operator.client.expect(200, otherPath, { body: { isOperator: false } });
  });

  test('[K17.4] sessions are ended, and a link for a new password is mailed to nobody else', async () => {
    const { client, principal } = await server.secondTenant();
    const path = `/admin/people/${principal.userId}`;
    await operator.client.expect(204, `POST ${path}/password-reset`);
    const { json: mails } = await operator.client.expect(200, 'GET /admin/outbox');
    expect(mails.items[0]).toMatchObject({
      kind: 'auth.password-reset',
      to: expect.stringContaining('stranger') as string,
    });
    expect((await operator.client.expect(200, `POST ${path}/end-sessions`)).json).toEqual({ ended: 1 });
    await client.expect(401, 'GET /session');
    expect(await recordsOf(principal.tenantId, 'admin.people.end-sessions')).toBe(1);
  });
});

describe('organisations and use', () => {
  test('[K17.4] are listed with owners, members, plan and flags', async () => {
    const team = await createTeam(await server.secondTenant(), 'Expedition');
    await addMember(server, team, 'member');
    const { json } = await operator.client.expect(200, 'GET /admin/organisations?search=expedi&kind=shared');
    expect(json.items).toMatchObject([{ id: team.id, members: 2, plan: 'free', costMicrosThisMonth: 0 }]);
    await operator.client.expect(204, `PUT /admin/flags/app.agents/organisations/${team.id}`, {
      body: { isOn: false },
    });
    const detail = await operator.client.expect(200, `GET /admin/organisations/${team.id}`);
    expect(detail.json.flags).toContainEqual({ name: 'app.agents', title: 'Agents', isOn: false, isException: true });
    expect(detail.json.people).toHaveLength(2);
    await operator.client.expect(404, `GET /admin/organisations/${newId()}`);
  });

  test('[K17.4] use is summed by day, organisation and model, and the parts add up', async () => {
    const today = new Date().toISOString().slice(0, 10);
    await server.services.db.withSystem('calls for the test', (tx) =>
      tx.query({
        text: `insert into kernel.model_calls (id, tenant_id, app, model, input_tokens, cached_input_tokens, output_tokens,
                 is_estimated, cost_micros, duration_ms, attempts, outcome)
               select gen_random_uuid(), $1, 'tests', 'model-' || n, n, 0, 0, false, n * 10, 1, 1, 'ok' from generate_series(1, 3) n`,
        values: [person.principal.tenantId],
      }),
    );
    const { json } = await operator.client.expect(200, `GET /admin/usage?from=${today}&to=${today}`);
    const priced = json.items.filter((row: { costMicros: number }) => row.costMicros > 0);
    expect(priced.map((row: { model: string }) => row.model)).toEqual(['model-3', 'model-2', 'model-1']);
    expect(json.items[0]).toMatchObject({ organisationId: person.principal.tenantId, tokens: 3, costMicros: 30 });
    expect(
      (await operator.client.expect(200, `GET /admin/usage?from=${today}&to=${today}&limit=1`)).json.isComplete,
    ).toBe(false);
    await operator.client.expect(400, `GET /admin/usage?from=2020-01-01&to=${today}`);
    const { json: overview } = await operator.client.expect(200, 'GET /admin/overview');
    expect(overview.days.at(-1)).toMatchObject({ day: today, costMicros: 60 });
  });

  test('[K15.1] [K17.4] answers are counted once however many calls they took, and not when none came', async () => {
    const answersToday = async (): Promise<number> =>
      (await operator.client.expect(200, 'GET /admin/overview')).json.days.at(-1).messages;
    const before = await answersToday();
    const [answered, refused] = [newId(), newId()];
    await server.services.db.withSystem('calls for the test', (tx) =>
      tx.query({
        text: `insert into kernel.model_calls (id, tenant_id, app, model, run_id, input_tokens, cached_input_tokens,
                 output_tokens, is_estimated, duration_ms, attempts, outcome)
               select gen_random_uuid(), $1, 'tests', 'm', c.run_id, 1, 0, 1, false, 1, 1, c.outcome
               from (values ($2::uuid, 'MODEL_OVERLOADED'), ($2, 'ok'), ($2, 'ok'), ($3, 'MODEL_OVERLOADED'), (null, 'ok'))
                 as c (run_id, outcome)`,
        values: [person.principal.tenantId, answered, refused],
      }),
    );
    expect((await answersToday()) - before).toBe(1);
  });
});

describe('jobs', () => {
  test('[K15.4] [K17.4] one that failed says why, goes on where it stopped, and says nothing of what it was given', async () => {
    const jobId = `probe-${newId()}`;
    await server.services.jobs.start(fragile, jobId, { word: 'very-private' });
    const read = async () => (await operator.client.expect(200, `GET /admin/jobs?search=${jobId}`)).json.items[0];
    await expect.poll(async () => (await read())?.state, { timeout: 15_000 }).toBe('failed');
    const { text } = await operator.client.expect(200, 'GET /admin/jobs?state=failed');
    expect(text).toContain('the second step does not hold');
    expect(text).not.toContain('very-private');
    expect(mends).toBe(1);
    expect(await read()).toMatchObject({ name: 'probe.fragile.v1', title: 'Break at the second step' });
    const found = await operator.client.expect(200, 'GET /admin/jobs?search=SECOND%20step');
    expect(found.json.items.map(({ id }: { id: string }) => id)).toContain(jobId);
    mends = 100;
    await operator.client.expect(204, `POST /admin/jobs/${jobId}/retry`);
    await expect.poll(async () => (await read())?.state, { timeout: 15_000 }).toBe('done');
    expect(mends).toBe(100); // the first step was not repeated
    expect((await operator.client.expect(409, `POST /admin/jobs/${jobId}/retry`)).json.code).toBe('JOB_NOT_RETRYABLE');
    expect((await operator.client.expect(409, `POST /admin/jobs/${jobId}/cancel`)).json.code).toBe('JOB_NOT_RUNNING');
    await operator.client.expect(404, `POST /admin/jobs/${newId()}/cancel`);
    expect(await recordsOf(operator.principal.tenantId, 'admin.jobs.retry')).toBe(1);
  });
});
