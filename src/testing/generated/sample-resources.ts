/** The registry of real things by path parameter: a route with a new parameter fails the generated tests until it is here. */
import { randomUUID } from 'node:crypto';
import type { Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import type { Tenant, TestServer } from '../server.ts';
import { createDirectory } from '../directory-fixture.ts';
import { createTeam } from '../team-fixture.ts';
import { createSignOnSamples } from '../sign-on/sign-on-fixture.ts';
import { createSecondFactors } from '../second-factors.ts';
import { createAgent, createConversation, say, uploadAndRead, waitForAnswer } from '../agents-fixture.ts';

/** Samples are ids of things that belong to one organisation, by parameter name. */
export type Samples = Readonly<Record<string, string>>;

/** createSamples makes one of everything for an organisation. */
export async function createSamples(server: TestServer, { client, principal }: Tenant): Promise<Samples> {
  const agent = await createAgent(client);
  const document = await uploadAndRead(client, agent.id, 'moon.md', '# The moon\n\nThe moon is made of rock.');
  const passages = await client.expect(200, `GET /documents/${document.id}/passages`);
  const conversation = await createConversation(client, agent.id);
  const turn = await say(client, conversation.id, 'What is the moon made of?');
  await waitForAnswer(client, turn);
  const connection = await client.expect(201, 'POST /model-connections', {
    body: {
      name: 'Mine',
      kind: 'openai-compatible',
      baseUrl: 'https://models.example.com/v1',
      apiKey: 'a-key-nobody-else-sees',
    },
  });
  const sessions = await client.expect(200, 'GET /sessions');
  const pictures = await Promise.all(
    ['PUT /profile/picture', 'PUT /organisation/picture'].map((route) => client.upload(route, onePixel)),
  );
  const pictureUrl = new URL(pictures[0]?.json.user.pictureUrl, server.url);
  const file = await server.services.storage.put(
    { tenantId: principal.tenantId, userId: principal.userId },
    { filename: 'mine.txt', contentType: 'text/plain', body: Buffer.from('mine'), maxBytes: 100 },
  );
  const subscription = await client.expect(201, 'POST /push-subscriptions', {
    body: {
      endpoint: `https://push.example.com/${principal.userId}`,
      keys: { p256dh: 'A'.repeat(87), auth: 'A'.repeat(22) },
    },
  });
  const notificationId = await server.services.db.withTenant(principal, (tx) =>
    server.services.notifications.notify(tx, { ...principal, kind: 'account.security', title: 'Mine' }),
  );
  const mailId = await server.services.db.withTenant(principal, (tx) =>
    server.services.mail.queue(tx, { to: 'mine@example.com', subject: 'Mine', text: 'Mine', kind: 'test.mine' }),
  );
  const apiKey = await client.expect(201, 'POST /api-keys', { body: { name: 'Mine', scopes: ['agents.agent.read'] } });
  const budget = await client.expect(200, 'PUT /budgets', {
    body: { scope: 'organisation', unit: 'tokens', limit: 1_000_000_000 },
  });
  const team = await createTeam({ client });
  const invitation = await client.expect(200, 'POST /invitation-links', { body: { role: 'viewer' } });
  await client.expect(200, `POST /organisations/${principal.tenantId}/switch`);
  const secondFactors = await createSecondFactors(server.services.db, principal.userId);
  const directory = await createDirectory(server.services.db, principal);
  const signOn = await createSignOnSamples(server.services.db, principal);
  const dataCopies = await createDataCopies(server, principal);
  return {
    ...secondFactors,
    ...directory,
    ...signOn,
    ...dataCopies,
    agentId: agent.id,
    organisationId: team.id,
    invitationId: invitation.json.invitation.id,
    mailId,
    notificationId,
    subscriptionId: subscription.json.id,
    documentId: document.id,
    passageId: passages.json.items[0].id,
    conversationId: conversation.id,
    runId: turn.run.id,
    connectionId: connection.json.id,
    sessionId: sessions.json.items[0].id,
    fileId: file.id,
    memberId: principal.userId,
    pictureId: pictureUrl.searchParams.get('version') ?? '',
    apiKeyId: apiKey.json.apiKey.id,
    budgetId: budget.json.id,
    flagName: 'app.agents',
    grantId: await createSupportGrant(server, principal),
    personId: principal.userId,
    jobId: newId(),
    retentionKind: 'agents.conversations',
    // Whoever knows the id of a certificate may read it, and nobody has been erased here.
    certificateId: randomUUID(),
  };
}

/** createDataCopies makes a finished copy of somebody's data and an import that was done. */
async function createDataCopies({ services }: TestServer, scope: Tenant['principal']) {
  const ids = { exportId: newId(), importId: newId() };
  const archive = { filename: 'mine.zip', contentType: 'application/zip', body: Buffer.from('mine'), maxBytes: 100 };
  const { id: objectId } = await services.storage.put({ tenantId: scope.tenantId, userId: scope.userId }, archive);
  await services.db.withTenant(scope, async (tx) => {
    await tx.query({
      text: `insert into kernel.exports (id, tenant_id, owner_id, state, object_id, size_bytes, finished_at, expires_at)
             values ($1, $2, $3, 'ready', $4, 4, now(), now() + interval '1 day')`,
      values: [ids.exportId, scope.tenantId, scope.userId, objectId],
    });
    await tx.query({
      text: `insert into kernel.imports (id, tenant_id, owner_id, state, finished_at) values ($1, $2, $3, 'done', now())`,
      values: [ids.importId, scope.tenantId, scope.userId],
    });
  });
  return ids;
}

/** What stands for a word that the code itself declares: the same for every organisation, so that nobody owns it. */
const words = new Set(['flagName', 'retentionKind']);

/** namesThings is true for routes whose path has the id of something that belongs to somebody. */
export function namesThings(route: Pick<Route, 'key'>): boolean {
  return parametersOf(route).some((name) => !words.has(name));
}

/** createSupportGrant is a question to the organisation that nobody has answered. */
async function createSupportGrant(
  { services }: TestServer,
  { tenantId, userId }: Tenant['principal'],
): Promise<string> {
  const grantId = newId();
  await services.db.withAuth((tx) =>
    tx.query({
      text: `insert into auth.support_grants (id, tenant_id, asked_by, reason, hours, expires_at)
             values ($1, $2, $3, 'Mine', 1, now() + interval '1 day')`,
      values: [grantId, tenantId, userId],
    }),
  );
  return grantId;
}

const onePixel = {
  name: 'me.png',
  type: 'image/png',
  bytes: Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
};

/** queryFor adds what a route asks for in its query beyond the optional: the signature of a link, which picture. */
export function queryFor(route: Pick<Route, 'key'>, server: TestServer, owner: Tenant, samples: Samples): string {
  if (route.key === 'GET /members/{memberId}/picture') return `?version=${samples['pictureId'] ?? newId()}`;
  if (route.key !== 'GET /files/{fileId}') return '';
  const scope = { tenantId: owner.principal.tenantId, userId: owner.principal.userId };
  return `?${server.services.storage.signUrl(scope, samples['fileId'] ?? '', 600).split('?')[1]}`;
}

/** headersFor is what a route asks for in its headers: a directory brings the token of its organisation. */
export function headersFor(route: Route, samples: Samples): Record<string, string> {
  return {
    ...(route.operation.stream ? { accept: 'text/event-stream, application/json' } : {}),
    ...(route.operation.protocol ? { authorization: `Bearer ${samples['directorySecret']}` } : {}),
  };
}

/** parametersOf lists the names in a route's path. */
export function parametersOf(route: Pick<Route, 'key'>): string[] {
  return [...route.key.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
}

/** fillPath puts ids into a route's path. Throws when the registry has no sample for a parameter. */
export function fillPath(route: Pick<Route, 'key'>, samples: Samples): string {
  return route.key.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const id = samples[name];
    if (!id) throw new Error(`${route.key}: add a sample of ${name} to sample-resources.ts`);
    return id;
  });
}
