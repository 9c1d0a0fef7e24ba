/** A running server with an owner, and the few calls that tests of agents begin with. */
import assert from 'node:assert/strict';
import type { Agent, Conversation, Document, Message, Turn } from '../apps/agents/contract.ts';
import { asAdmin } from './as-admin.ts';
import { createClient, type TestClient } from './client.ts';
import { startTestServer, strongPassword, type Tenant, type TestServer, type TestServerOptions } from './server.ts';
import type { Answer } from './client.ts';

/** Tests call faster than people do; a test of a limit sets its own. */
const roomyLimits = ['read', 'write', 'upload', 'conversation', 'chat']
  .map((name) => `agents.${name}=100000/60`)
  .join(',');
const deadlineMilliseconds = 40_000;

export interface AgentsFixture extends AsyncDisposable {
  readonly server: TestServer;
  readonly owner: Tenant;
  readonly client: TestClient;
}

/** startAgents starts a server and signs its owner up. */
export async function startAgents(options: TestServerOptions = {}): Promise<AgentsFixture> {
  const environment = {
    ...options.environment,
    LIMITS: [roomyLimits, options.environment?.['LIMITS']].filter(Boolean).join(','),
  };
  const server = await startTestServer({ ...options, environment });
  const owner = await server.signUpOwner();
  return { server, owner, client: owner.client, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** signUpViewer makes somebody who may only read, in an organisation of their own. */
export async function signUpViewer(server: TestServer): Promise<TestClient> {
  const { client: first, principal } = await server.secondTenant();
  const session = await first.expect(200, 'GET /session');
  await asAdmin(server.database, (query) =>
    query(`update auth.members set role = 'viewer' where user_id = $1`, [principal.userId]),
  );
  // A new session: the first one's rights may be remembered for some seconds.
  const client = createClient(server.url);
  await client.expect(200, 'POST /auth/sign-in', {
    body: { identifier: session.json.user.email, password: strongPassword },
  });
  return client;
}

export async function createAgent(client: TestClient, body: Readonly<Record<string, unknown>> = {}): Promise<Agent> {
  return (await client.expect(201, 'POST /agents', { body: { name: 'Help desk', ...body } })).json;
}

export async function createConversation(client: TestClient, agentId: string): Promise<Conversation> {
  return (await client.expect(201, 'POST /conversations', { body: { agentId } })).json;
}

export async function say(client: TestClient, conversationId: string, text: string): Promise<Turn> {
  return (await client.expect(202, `POST /conversations/${conversationId}/messages`, { body: { text } })).json;
}

/** waitFor polls until `look` gives something; fails after 40 s with what was waited for. */
export async function waitFor<T>(what: string, look: () => Promise<T | null | undefined | false>): Promise<T> {
  const deadline = Date.now() + deadlineMilliseconds;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < deadline, `waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** uploadAndRead uploads a file and waits until it is ready or failed. */
export async function uploadAndRead(
  client: TestClient,
  agentId: string,
  name: string,
  bytes: Uint8Array | string,
): Promise<Document> {
  const uploaded = await client.upload(`POST /agents/${agentId}/documents`, {
    name,
    type: 'application/octet-stream',
    bytes,
  });
  assert.equal(uploaded.status, 202, uploaded.text);
  return waitForDocument(client, uploaded.json.id);
}

export async function waitForDocument(client: TestClient, documentId: string): Promise<Document> {
  return waitFor('the document to be read', async () => {
    const document: Document = (await client.expect(200, `GET /documents/${documentId}`)).json;
    return (document.state === 'ready' || document.state === 'failed') && document;
  });
}

/** waitForAnswer waits until a turn's answer is in a final state. */
export async function waitForAnswer(client: TestClient, turn: Turn): Promise<Message> {
  return waitFor('the answer to end', async () => {
    const { json } = await client.expect(200, `GET /conversations/${turn.message.conversationId}/messages`);
    return (json.items as Message[]).find((message) => message.id === turn.answer.id && message.state !== 'streaming');
  });
}

export interface TestEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Answer['json'];
}

/** parseEvents reads the text of an event stream. */
export function parseEvents(text: string): TestEvent[] {
  return text.split('\n\n').flatMap((frame) => {
    const lines = frame.split('\n');
    const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = field('data');
    return data === undefined ? [] : [{ id: field('id') ?? '', type: field('event') ?? '', data: JSON.parse(data) }];
  });
}
