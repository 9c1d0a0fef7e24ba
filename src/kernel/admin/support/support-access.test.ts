/** Support access is consented, read-only, ends by the clock or at a word, at once and everywhere, and is on record. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { apps } from '../../../apps.ts';
import { kernelModules } from '../../../modules.ts';
import { createAgent, createConversation } from '../../../testing/agents-fixture.ts';
import type { TestClient } from '../../../testing/client.ts';
import { signInElsewhere } from '../../../testing/team-fixture.ts';
import { createSamples, fillPath, type Samples } from '../../../testing/generated/sample-resources.ts';
import { createProbe } from '../../../testing/probe-app.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer } from '../../../testing/server.ts';
import { sweepSupportGrants } from './sweep-grants.ts';

const routes: readonly Route[] = [...kernelModules.routes, ...apps.flatMap((app) => app.routes)];
const writes = routes.filter(
  ({ key, endsVisit, operation }) => !key.startsWith('GET ') && !endsVisit && !operation.form,
);

const { app: probeApp, probe } = createProbe();
let server: TestServer;
let operator: Tenant;
let customer: Tenant;
let theirs: Samples;

beforeAll(async () => {
  const limits = [...new Set(routes.map((route) => `${route.limit.name}=100000/60`))].join(',');
  server = await startTestServer({
    environment: { LIMITS: limits },
    apps: [...apps, probeApp],
    streamLimits: { heartbeatSeconds: 15, maxBufferedBytes: 1_000_000, stallSeconds: 30, recheckSeconds: 0.05 },
  });
  operator = await server.signUpOwner();
  customer = await server.secondTenant();
  theirs = await createSamples(server, customer);
}, 120_000);
afterAll(() => server?.[Symbol.asyncDispose]());

async function ask(hours = 1): Promise<string> {
  const body = { reason: 'You wrote that answers are slow', hours };
  const path = `POST /admin/organisations/${customer.principal.tenantId}/support-access`;
  return (await operator.client.expect(201, path, { body })).json.id;
}

/** letIn asks, consents, and lets a session of its own begin to look. */
async function letIn(): Promise<{ readonly grantId: string; readonly visitor: TestClient }> {
  const grantId = await ask();
  await customer.client.expect(200, `POST /support-access/${grantId}/consent`);
  const visitor = await signInElsewhere(server, 'ada@example.com', strongPassword);
  await visitor.expect(200, `POST /admin/support-access/${grantId}/visit`);
  return { grantId, visitor };
}

const organisationOf = async (client: TestClient) => (await client.expect(200, 'GET /session')).json.organisation.id;

async function trail(action: string): Promise<{ actor: { kind: string }; resource: string }[]> {
  const { json } = await customer.client.expect(200, `GET /audit-records?action=${action}`);
  return json.items;
}

/** shift moves a grant's end into the past, as hours would, and tells nobody. */
function shift(grantId: string): Promise<unknown> {
  return server.services.db.withAuth((tx) =>
    tx.query({
      text: `update auth.support_grants set expires_at = now() - interval '1 second' where id = $1`,
      values: [grantId],
    }),
  );
}

describe('without consent', () => {
  test('[K17.4] nothing is to be seen, whatever was asked', async () => {
    const grantId = await ask();
    const refused = await operator.client.expect(409, `POST /admin/support-access/${grantId}/visit`);
    expect(refused.json.code).toBe('SUPPORT_NOT_OPEN');
    expect(await organisationOf(operator.client)).toBe(operator.principal.tenantId);
    await operator.client.expect(404, `GET /agents/${theirs['agentId']}`);
    const again = await operator.client.expect(
      409,
      `POST /admin/organisations/${customer.principal.tenantId}/support-access`,
      { body: { reason: 'Again', hours: 2 } },
    );
    expect(again.json.code).toBe('SUPPORT_ALREADY_ASKED');

    const { json: told } = await customer.client.expect(200, 'GET /notifications');
    expect(told.items[0]).toMatchObject({ kind: 'support.access', link: '/settings/support' });
    await customer.client.expect(200, `POST /support-access/${grantId}/refuse`);
    await operator.client.expect(409, `POST /admin/support-access/${grantId}/visit`);
    await customer.client.expect(409, `POST /support-access/${grantId}/consent`);
    expect(await trail('support.access.refuse')).toHaveLength(1);
  });

  test('[K17.4] only the organisation that was asked consents, by a fresh proof, and only who asked looks', async () => {
    const grantId = await ask();
    await operator.client.expect(404, `POST /support-access/${grantId}/consent`);
    await server.services.db.withAuth(async (tx) => {
      const values = [customer.principal.userId];
      await tx.query({
        text: `update auth.sessions set proved_at = now() - interval '1 day' where user_id = $1`,
        values,
      });
      await server.services.identity.announce(tx, `user:${customer.principal.userId}`);
    });
    server.services.identity.forget(`user:${customer.principal.userId}`);
    const stale = await customer.client.expect(403, `POST /support-access/${grantId}/consent`);
    expect(stale.json.code).toBe('STEP_UP_REQUIRED');
    await customer.client.expect(204, 'POST /auth/step-up', { body: { password: strongPassword } });
    await customer.client.expect(200, `POST /support-access/${grantId}/consent`);
    const other = await server.secondTenant();
    await operator.client.expect(200, `PUT /admin/people/${other.principal.userId}/operator`, {
      body: { isOperator: true },
    });
    await other.client.expect(404, `POST /admin/support-access/${grantId}/visit`);
    await operator.client.expect(200, `POST /admin/support-access/${grantId}/withdraw`);
    await operator.client.expect(409, `POST /admin/support-access/${grantId}/visit`);
  });
});

describe('during a visit', () => {
  let visitor: TestClient;
  let grantId: string;
  beforeAll(async () => {
    ({ visitor, grantId } = await letIn());
  });
  afterAll(() => customer.client.ask(`POST /support-access/${grantId}/revoke`));

  test('[K17.4] the organisation can be read, and the session says what it is', async () => {
    const { json: session } = await visitor.expect(200, 'GET /session');
    expect(session).toMatchObject({
      organisation: { id: customer.principal.tenantId },
      role: 'viewer',
      isOperator: false,
      support: { until: expect.any(String) as string },
    });
    await visitor.expect(200, `GET /agents/${theirs['agentId']}`);
    await visitor.expect(200, 'GET /organisation');
    await visitor.expect(200, 'GET /members');
  });

  test.each(writes.map((route) => [route.key, route] as const))('[K17.4] %s changes nothing', async (_key, route) => {
    const path = fillPath(route, theirs);
    const answer = route.operation.upload
      ? await visitor.upload(path, { name: 'a.txt', type: 'text/plain', bytes: 'hello' })
      : await visitor.ask(path, { body: route.operation.body ? {} : undefined });
    expect([answer.status, answer.json?.code ?? answer.json?.detail]).toEqual([
      403,
      route.operation.protocol ? expect.stringContaining('consent') : 'SUPPORT_READ_ONLY',
    ]);
  });

  test('[K17.4] what people keep for themselves stays theirs', async () => {
    for (const name of ['conversationId', 'runId', 'notificationId'] as const) {
      const route = routes.find(({ key }) => key.startsWith('GET ') && key.endsWith(`{${name}}`));
      if (route) await visitor.expect(404, fillPath(route, theirs));
    }
    expect((await visitor.expect(200, `GET /conversations?agentId=${theirs['agentId']}`)).json.items).toEqual([]);
    const { text } = await visitor.expect(200, 'GET /model-connections');
    expect(text).not.toContain('a-key-nobody-else-sees');
    await visitor.expect(403, 'GET /admin/people');
    await visitor.expect(403, 'GET /audit-records');
  });

  test('[K17.4] [K11.2] beginning, what was read, and the end stand in the organisation’s own trail', async () => {
    await visitor.expect(200, `GET /agents/${theirs['agentId']}`);
    const [begin] = await trail('support.visit.begin');
    expect(begin).toMatchObject({ actor: { kind: 'support' }, resource: `support:${grantId}` });
    const reads = await trail('support.visit.read');
    const agentReads = reads.filter(({ resource }) => resource === `path:/api/v1/agents/${theirs['agentId']}`);
    expect(agentReads).toHaveLength(1);
    expect(new Set(reads.map(({ actor }) => actor.kind))).toEqual(new Set(['support']));
    await visitor.expect(204, 'POST /support-visit/end');
    expect((await trail('support.visit.end'))[0]).toMatchObject({ actor: { kind: 'support' } });
    expect(await organisationOf(visitor)).toBe(operator.principal.tenantId);
    await visitor.expect(404, `GET /agents/${theirs['agentId']}`);
  });
});

/** openStream follows something of the visited organisation; resolves when the server has ended it. */
async function openStream(client: TestClient): Promise<{ readonly ended: Promise<unknown> }> {
  probe.onStream = (_writer, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  const response = await client.open('GET /probe/stream', { headers: { accept: 'text/event-stream' } });
  expect(response.status).toBe(200);
  return { ended: response.text() };
}

describe('the end', () => {
  test('[K17.4] an owner ends it at once, open streams too', async () => {
    const { grantId, visitor } = await letIn();
    const stream = await openStream(visitor);
    await customer.client.expect(200, `POST /support-access/${grantId}/revoke`);
    expect(await organisationOf(visitor)).toBe(operator.principal.tenantId);
    await visitor.expect(404, `GET /agents/${theirs['agentId']}`);
    await stream.ended;
    await visitor.expect(409, `POST /admin/support-access/${grantId}/visit`);
  });

  test('[K17.4] the clock ends it, without anybody doing anything', async () => {
    const { grantId, visitor } = await letIn();
    const stream = await openStream(visitor);
    await visitor.expect(200, `GET /agents/${theirs['agentId']}`);
    await shift(grantId);
    server.services.identity.forget(`user:${operator.principal.userId}`); // what a process remembers ends with the grant
    await visitor.expect(404, `GET /agents/${theirs['agentId']}`);
    await stream.ended;
    await visitor.expect(409, `POST /admin/support-access/${grantId}/visit`);
    expect(await sweepSupportGrants(server.services)).toBe(1);
    expect(await trail('support.access.end')).toHaveLength(1);
  });

  test('[K17.4] a page that believes to be in the organisation is told that the visit is over', async () => {
    const { grantId, visitor } = await letIn();
    const headers = { 'x-organisation': customer.principal.tenantId };
    await visitor.expect(200, 'GET /members', { headers });
    await customer.client.expect(200, `POST /support-access/${grantId}/revoke`);
    expect((await visitor.expect(409, 'GET /members', { headers })).json.code).toBe('ORGANISATION_CHANGED');
  });

  test('[K17.4] who runs the server no more looks no more', async () => {
    const second = await server.secondTenant();
    const put = `PUT /admin/people/${second.principal.userId}/operator`;
    await operator.client.expect(200, put, { body: { isOperator: true } });
    const path = `POST /admin/organisations/${customer.principal.tenantId}/support-access`;
    const asked = await second.client.expect(201, path, { body: { reason: 'Help', hours: 1 } });
    await customer.client.expect(200, `POST /support-access/${asked.json.id}/consent`);
    await second.client.expect(200, `POST /admin/support-access/${asked.json.id}/visit`);
    expect(await organisationOf(second.client)).toBe(customer.principal.tenantId);
    await operator.client.expect(200, put, { body: { isOperator: false } });
    expect(await organisationOf(second.client)).toBe(second.principal.tenantId);
    await second.client.expect(404, `GET /agents/${newId()}`);
  });
});

test('[K17.4] a conversation of a member is 404 for the visitor, by its own id', async () => {
  const { grantId, visitor } = await letIn();
  const agent = await createAgent(customer.client);
  const conversation = await createConversation(customer.client, agent.id);
  await visitor.expect(200, `GET /agents/${agent.id}`);
  await visitor.expect(404, `GET /conversations/${conversation.id}`);
  await customer.client.expect(200, `POST /support-access/${grantId}/revoke`);
});

test('[K17.4] [K2.4] who looks in may sign out from there, which ends the session and not only its cookie', async () => {
  const { visitor } = await letIn();
  const { cookie } = visitor;
  await visitor.expect(204, 'POST /auth/sign-out');
  await server.anonymous.expect(401, 'GET /session', { headers: { cookie } });
});
