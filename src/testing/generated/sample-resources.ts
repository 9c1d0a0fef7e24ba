/** The registry of real things by path parameter: a route with a new parameter fails the generated tests until it is here. */
import type { Route } from '#kernel/http';
import type { Tenant, TestServer } from '../server.ts';
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
  const file = await server.services.storage.put(
    { tenantId: principal.tenantId, userId: principal.userId },
    { filename: 'mine.txt', contentType: 'text/plain', body: Buffer.from('mine'), maxBytes: 100 },
  );
  return {
    agentId: agent.id,
    documentId: document.id,
    passageId: passages.json.items[0].id,
    conversationId: conversation.id,
    runId: turn.run.id,
    connectionId: connection.json.id,
    sessionId: sessions.json.items[0].id,
    fileId: file.id,
  };
}

/** queryFor adds what a route asks for in its query beyond the optional: the signature of a link. */
export function queryFor(route: Pick<Route, 'key'>, server: TestServer, owner: Tenant, samples: Samples): string {
  if (route.key !== 'GET /files/{fileId}') return '';
  const scope = { tenantId: owner.principal.tenantId, userId: owner.principal.userId };
  return `?${server.services.storage.signUrl(scope, samples['fileId'] ?? '', 600).split('?')[1]}`;
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
